"""A repository with one linked worktree, and what a test needs to bring it from commit to commit."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from agentroom_git.git import checkout
from agentroom_git.git.checkout import Advanced, Waits
from agentroom_git.system.clock import Clock, SystemClock

BASE: dict[str, object] = {
    "README.md": b"# Ledger\n",
    "src/app.py": b"app = 1\n",
    "src/util.py": b"util = 1\n",
    "docs/a.txt": b"a\n",
    "docs/b.txt": b"b\n",
}


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Program:
    data: bytes


KILLED = 9


class StillClock(SystemClock):
    """Sleeps are skipped and counted; wall time stands still."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def advance(  # noqa: PLR0913 - of the function that it calls
    worktree: Path,
    branch: str,
    old: str,
    new: str,
    *,
    stage: Path,
    clock: Clock,
    failpoint: Callable[[str], None] = lambda step: None,
) -> Advanced | Waits:
    """Bring the worktree forward, and look at late writers when it is time."""
    brought = checkout.advance(worktree, branch, old, new, stage=stage, clock=clock, failpoint=failpoint)
    if brought.behind is not None:
        clock.sleep(checkout.LATE_SECONDS)
    return brought.outcome()


class Pair:
    """`main` is the user's checkout, where commits are made; `agent` is the worktree that follows."""

    def __init__(self, root: Path) -> None:
        self.main = root / "main"
        self.agent = root / "agent"
        self.stage = root / "stage"
        self.clock = StillClock()
        self.main.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test User")
        self.git("config", "user.email", "test@example.invalid")

    def git(self, *args: str | bytes, cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *args], cwd=cwd or self.main, capture_output=True, timeout=60)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout.decode("utf-8", "surrogateescape")

    def commit(self, files: Mapping[str, object], message: str = "work") -> str:
        """Write files in the main checkout and commit them; None removes."""
        for name, content in files.items():
            write(self.main / name, content)
        self.git("add", "--all", "--force")
        self.git("-c", "core.safecrlf=false", "commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def add_worktree(self) -> str:
        self.git("worktree", "add", "--quiet", "-b", "agent", str(self.agent))
        return self.tip()

    def tip(self) -> str:
        return self.git("rev-parse", "refs/heads/agent").strip()

    @property
    def git_dir(self) -> Path:
        return self.main / ".git" / "worktrees" / "agent"

    def advance(
        self, new: str, *, old: str = "", failpoint: Callable[[str], None] = lambda step: None
    ) -> Advanced | Waits:
        return advance(
            self.agent,
            "agent",
            old or self.tip(),
            new,
            stage=self.stage,
            clock=self.clock,
            failpoint=failpoint,
        )

    def is_clean(self) -> bool:
        """Whether git sees no difference, with and without looking into files whose status has changed."""
        by_status = subprocess.run(["git", "diff-files", "--quiet"], cwd=self.agent).returncode == 0
        return by_status and self.status() == ""

    def status(self) -> str:
        return self.git("--no-optional-locks", "status", "--porcelain", cwd=self.agent)

    def snapshot(self) -> tuple[object, ...]:
        """Everything that a refused sync must leave as it is."""
        index = self.git_dir / "index"
        return files_of(self.agent), index.read_bytes(), self.git("for-each-ref"), (self.git_dir / "HEAD").read_text()


def write(path: Path, content: object) -> None:
    """Put a file, `Program` or `Link` at a path, whatever was there; None leaves nothing."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        subprocess.run(["rm", "-r", path], check=True)
    if content is None:
        return
    for parent in path.parents:
        if parent.is_symlink() or parent.is_file():
            parent.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Link):
        path.symlink_to(content.target)
    elif isinstance(content, Program):
        path.write_bytes(content.data)
        path.chmod(0o755)
    else:
        assert isinstance(content, bytes)
        path.write_bytes(content)


def files_of(root: Path) -> dict[bytes, tuple[int, bytes]]:
    """Mode and bytes of every file and link below a directory, directories included."""
    found: dict[bytes, tuple[int, bytes]] = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            data = b""
            if stat.S_ISLNK(status.st_mode):
                data = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    data = file.read()
            found[os.path.relpath(path, os.fsencode(root))] = (status.st_mode, data)
    return found


def kill_at(pair: Pair, new: str, stop: str, before: Callable[[], None] = lambda: None) -> None:
    """Run a sync in a child process that ends without any clean-up at the step `stop`."""

    def failpoint(step: str) -> None:
        if step == stop:
            before()
            os._exit(KILLED)

    child = os.fork()
    if child == 0:
        try:
            pair.advance(new, failpoint=failpoint)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def assert_no_trace(pair: Pair) -> None:
    left = [path.name for path in (*pair.git_dir.iterdir(), *(pair.main / ".git/refs/heads").iterdir())]
    assert [name for name in left if "lock" in name or "agentroom" in name] == []
    assert not list(pair.stage.glob("*/journal"))
    assert "missing" not in pair.git("fsck", "--full", "--strict")


@contextmanager
def program(source: str, cwd: Path) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a Python program; yield its input and output. It has to end when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", source], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield process.stdin, process.stdout
