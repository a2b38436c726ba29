"""Every system call of an operation that changes something, stopped once: the process is killed as it enters it.

`strace` counts and kills. What the kill left is given to a healthy sidecar, and the invariants of a schedule must hold.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agentroom_git.system.failpoint import silent
from simulation import checks, operations
from simulation.account import Account
from simulation.claims_watch import ClaimsWatch
from simulation.clock import FastClock
from simulation.world import NAMES, World, copy_template, tokens_in

CALLS = (
    "creat,openat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "write,pwrite64,writev,truncate,ftruncate,chmod,fchmod,fchmodat,utimensat"
)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)")
_OPENS_FOR_CHANGE = re.compile(r"O_(CREAT|TRUNC|WRONLY|RDWR)")


def why_not() -> str:
    """Return why system calls cannot be stopped here, or an empty text."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-e", "inject=chdir:signal=KILL:when=1", "true"], capture_output=True, text=True)
    return f"ptrace is forbidden: {done.stderr.strip()[-100:]}" if done.returncode else ""


@dataclass
class Victims:
    """The server that forks the processes to be killed."""

    orders: IO[str]
    answers: IO[str]

    def run(self, operation: str, folder: Path, *options: str) -> str:
        """Let one process do the operation under strace; return what strace printed of its calls."""
        pid, lines = self._trace(operation, folder, CALLS, *options)
        return "\n".join(line for line in lines if line.startswith(pid))

    def run_and_watch(self, operation: str, folder: Path, calls: str) -> list[str]:
        """Let one process do the operation; return what strace printed of these calls, of its children's, too."""
        return self._trace(operation, folder, calls)[1]

    def _trace(self, operation: str, folder: Path, calls: str, *options: str) -> tuple[str, list[str]]:
        print(f"{operation} {folder}", file=self.orders, flush=True)
        pid = self.answers.readline().strip()
        log = folder.with_name("strace.log")
        trace = ["strace", "-f", "-p", pid, "-o", str(log), "-e", f"trace={calls}", *options]
        subprocess.run(trace, capture_output=True, timeout=60)
        assert self.answers.readline() == "ended\n"
        return pid, log.read_text().splitlines()


@contextmanager
def victims(home: Path) -> Iterator[Victims]:
    tests = Path(__file__).parent.parent
    program = [sys.executable, "-m", "simulation.victims", str(home)]
    with subprocess.Popen(
        program, cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(tests)}
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield Victims(server.stdin, server.stdout)
        server.stdin.close()


def points(log: str) -> list[int]:
    """Return the numbers, from 1 and among all traced calls of the process, of those that change something."""
    found = []
    calls = [match for line in log.splitlines() if (match := _LINE.match(line))]
    for number, match in enumerate(calls, 1):
        if match["call"] not in ("openat", "open") or _OPENS_FOR_CHANGE.search(match["rest"]):
            found.append(number)
    return found


def prepare(folder: Path, operation: str) -> None:
    """Make the repository in which the operation has as much to do as it can have."""
    copy_template(folder)
    world = World(folder, None, FastClock())
    _work(world, "alice", {"one.txt": "<alice1> first\n", "new/file.txt": "<alice2> new\n"})
    operations.round_of_the_sidecar(world, silent)
    _work(world, "alice", {"one.txt": "<alice3> mine\n", "two.txt": None, "dir/three.txt": "<alice4> all\n"})
    _work(world, "bob", {"one.txt": "<bob1> no, mine\n"})
    if operation in ("sync", "autosave"):
        operations.fold(world, silent)
    for name in ("bob", "carol"):
        (world.path(name) / "dir/four.md").write_text(f"<{name}9> uncommitted\n" + _text(world, name, "dir/four.md"))
    (world.path("bob") / "fresh.txt").write_text("<bob10> uncommitted\n")


def _text(world: World, name: str, path: str) -> str:
    return (world.path(name) / path).read_text()


def _work(world: World, name: str, files: dict[str, str | None]) -> None:
    """Commit files with a line more at their head; None removes."""
    for path, line in files.items():
        target = world.path(name) / path
        if line is None:
            target.unlink()
            continue
        target.parent.mkdir(exist_ok=True)
        target.write_text(line + (target.read_text() if target.exists() else ""))
    world.git("add", "--all", cwd=world.path(name))
    world.git("commit", "--quiet", "-m", f"work of {name}", cwd=world.path(name))


def check_recovery(folder: Path) -> None:
    """Let a healthy sidecar come to what was left, then look whether all is as it must be."""
    world = World(folder, None, FastClock())
    account = Account(world)
    account.books.known = {token for name in NAMES for token in tokens_in(world.path(name))}
    account.books.known -= _deleted_by_alice(world)
    world.clock.sleep(5)
    operations.round_of_the_sidecar(world, silent)
    for name in NAMES:
        operations.take_turn(name)(world, silent)
    for name in NAMES:
        for verb in (operations.claim(name, [f"end-of-{name}"], shared=False, ttl=5), operations.take_turn(name)):
            verb(world, silent)
    operations.round_of_the_sidecar(world, silent)
    checks.at_the_end(world, account, ClaimsWatch(world))


def _deleted_by_alice(world: World) -> set[bytes]:
    """What the story deletes: the lines that `two.txt` had."""
    return {b"<start%d>" % number for number in range(9, 17)}
