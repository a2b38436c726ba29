"""Three scripted agents, about a hundred folds, two planted breakages: is the right one named, and green never wrong?

    python benchmarks/gate.py [--project FOLDER] [--folds 100] [--json]

Without a project a small package of its own is used, with a check that needs nothing. With `--project` it is the
unpacked source distribution of `packaging` (pip download --no-binary :all: --no-deps packaging), checked by its own
tests; they need pytest.

The agents commit in worktrees of their own, with the real sidecar folding, syncing and checking meanwhile. Bob's
breakage fails by itself. Alice's and carol's do not: alice changes how a function is called, everywhere; carol calls it
the old way in a new file. Who is told repairs. Afterwards every commit on which green ever stood is checked again, in a
fresh export, and the room lands on the user's branch.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fold import git

from agentroom_git.core.checks import Blamed, Checked
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import SIDECAR, AgentName
from agentroom_git.room import logs, messages
from agentroom_git.room.gate.reading import read_green
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.clock import SystemClock

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
AGENTS = ("alice", "bob", "carol")
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Project:
    """A project, its check, and where each breakage is: file, text before, text after."""

    name: str
    check: str
    tests: str
    single: tuple[str, str, str]
    pair_first: tuple[tuple[str, str, str], ...]
    pair_second: dict[str, str]
    second_repaired: tuple[str, str, str]


LEDGER = {
    "ledger.py": (
        "def total(amounts):\n    return sum(amounts)\n\n\n# The rate.\nRATE = 19\n\n\n"
        "def tax(amount):\n    return amount * RATE // 100\n"
    ),
    "report.py": (
        "from ledger import tax, total\n\n\ndef report(amounts):\n    return total(amounts) + tax(total(amounts))\n"
    ),
    "tests/report_test.py": "from report import report\n\nassert report([100, 200]) == 357\n",
    "check.py": (
        "import pathlib, runpy, sys\nsys.path.insert(0, '.')\n"
        "for path in sorted(pathlib.Path('tests').rglob('*_test.py')):\n    runpy.run_path(str(path))\n"
    ),
    ".gitignore": "__pycache__/\n",
}
SMALL = Project(
    name="a small package",
    check=f"{sys.executable} -B check.py",
    tests="tests/{name}_test.py",
    single=("ledger.py", "return sum(amounts)", "return sum(amounts[1:])"),
    pair_first=(
        ("ledger.py", "def tax(amount):", "def tax(*, amount):"),
        ("report.py", "tax(total(amounts))", "tax(amount=total(amounts))"),
    ),
    pair_second={"tests/carols_test.py": "from ledger import tax\n\nassert tax(100) == 19\n"},
    second_repaired=("tests/carols_test.py", "tax(100)", "tax(amount=100)"),
)
_NORMALIZED = (
    "from packaging.utils import is_normalized_name\n\n\n"
    'def test_carols() -> None:\n    assert is_normalized_name("requests")\n'
)
PACKAGING = Project(
    name="packaging",
    check=(
        f"PYTHONPATH=src {sys.executable} -B -m pytest -q -x -p no:cacheprovider"
        " tests/test_utils.py tests/test_errors.py tests/test_direct_url.py tests/room"
    ),
    tests="tests/room/test_{name}.py",
    single=("src/packaging/utils.py", 'while "--" in value:', 'if "--" in value:'),
    pair_first=(
        ("src/packaging/utils.py", "def is_normalized_name(name: str)", "def is_normalized_name(*, name: str)"),
        ("src/packaging/pylock.py", "is_normalized_name(name)", "is_normalized_name(name=name)"),
        ("tests/test_utils.py", "is_normalized_name(name)", "is_normalized_name(name=name)"),
        ("tests/test_utils.py", "is_normalized_name(expected)", "is_normalized_name(name=expected)"),
    ),
    pair_second={"tests/room/test_carols.py": _NORMALIZED},
    second_repaired=("tests/room/test_carols.py", '("requests")', '(name="requests")'),
)


@dataclass
class Bench:
    """A room in a copy of the project, with the sidecar at work."""

    root: Path
    project: Project
    folds: int
    written: int = 0

    @property
    def room(self) -> Room:
        return open_room(self.root, SystemClock())

    def path(self, name: str) -> Path:
        return self.root.parent / "repository.agents" / name

    def commit(self, name: str, edits: dict[str, str], message: str) -> str:
        """Write files in the agent's worktree and commit them, as an agent does that tries again while git is busy."""
        worktree = self.path(name)
        for path, text in edits.items():
            (worktree / path).parent.mkdir(parents=True, exist_ok=True)
            (worktree / path).write_text(text)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(
            f"git add -A -- {' '.join(edits)} && git commit -qm '{message}'",
            shell=True,
            cwd=worktree,
            capture_output=True,
        ).returncode:
            if time.monotonic() > deadline:
                sys.exit(f"{name} could not commit {message!r}")
            time.sleep(0.05)
        return git("rev-parse", "HEAD", cwd=worktree).strip()

    def replace(self, name: str, *edits: tuple[str, str, str], message: str) -> str:
        texts = {path: (self.path(name) / path).read_text() for path, _, _ in edits}
        for path, old, new in edits:
            texts[path] = texts[path].replace(old, new)
        return self.commit(name, texts, message)

    def work(self, count: int) -> None:
        """Let the agents commit in turn: a test of their own each, and a line of a file that all of them write."""
        for _ in range(count):
            name = AGENTS[self.written % len(AGENTS)]
            self.written += 1
            test = self.project.tests.format(name=f"{name}_{self.written}")
            log = self.path(name) / "WORKED.md"
            text = f"def test_{name}_{self.written}() -> None:\n    assert {self.written} + 1 == {self.written + 1}\n"
            edits = {test: text, "WORKED.md": f"{log.read_text()}{name} did {self.written}\n"}
            tip = self.commit(name, edits, f"work {self.written}")
            self.until(lambda tip=tip: self.has(tip), f"{name}'s commit is folded")

    def has(self, commit: str) -> bool:
        room = self.room
        return bool(room.history.resolve(commit)) and room.history.reaches(room.integration(), commit)  # type: ignore[arg-type] # an id

    def until(self, condition: Callable[[], bool], what: str) -> float:
        started = time.monotonic()
        while not condition():
            if time.monotonic() > started + PATIENCE_SECONDS:
                sys.exit(f"waited in vain until {what}")
            time.sleep(0.05)
        return time.monotonic() - started

    def is_told(self, name: str) -> bool:
        found = messages.read(acting_as(self.room, AgentName(name)), limit=1000)
        return any(one.kind == "broken" for one in found.messages)

    def fold_of(self, commit: str) -> str:
        lines = git("log", "--first-parent", "--format=%H %P", "agentroom/main/integration", cwd=self.root).splitlines()
        return next((line.split()[0] for line in lines if line.split()[-1] == commit), "")

    def events(self) -> Iterator[Blamed | Checked]:
        for item in logs.read_log(self.room, SIDECAR):
            if isinstance(item, Recorded) and isinstance(item.event.body, Blamed | Checked):
                yield item.event.body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--project", type=Path)
    parser.add_argument("--folds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-", ignore_cleanup_errors=True) as folder:
        bench = make_room(Path(folder) / "repository", arguments.project, arguments.folds)
        try:
            report = measure(bench)
        finally:
            agentroom("sidecar", "stop", cwd=bench.root)
        report["green on a failing commit"] = failing_greens(bench)
        report |= land(bench)
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in report.items():
            print(f"{name:34} {value}")
    is_right = report["single named"] and report["pair named"] and not report["green on a failing commit"]
    is_right = is_right and report["landed tree is integration's"]
    sys.exit(0 if is_right else 1)


def make_room(root: Path, source: Path | None, folds: int) -> Bench:
    project = PACKAGING if source else SMALL
    if source:
        shutil.copytree(source, root)
        (root / "tests" / "room").mkdir()
        (root / "tests" / "room" / "__init__.py").touch()
    else:
        for path, text in LEDGER.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    (root / project.tests.format(name="first")).write_text("def test_first() -> None:\n    pass\n")
    # Two agents that both make it would contest it: each has its own version of a whole file.
    (root / "WORKED.md").write_text("# What was worked on\n\n")
    (root / ".agentroom.yaml").write_text(f"check: {json.dumps(project.check)}\ncheck_quiet: 0\n")
    git("init", "--quiet", "-b", "main", cwd=root)
    git("config", "user.name", "Somebody", cwd=root)
    git("config", "user.email", "somebody@example.invalid", cwd=root)
    git("add", "-A", cwd=root)
    git("commit", "-qm", "start", cwd=root)
    agentroom("init", cwd=root)
    for name in AGENTS:
        agentroom("join", name, cwd=root)
    agentroom("sidecar", "start", cwd=root)
    return Bench(root, project, folds)


def agentroom(*arguments: str, cwd: Path) -> None:
    subprocess.run([*AGENTROOM, *arguments], cwd=cwd, check=True, capture_output=True)


def measure(bench: Bench) -> dict[str, object]:
    part = max(2, (bench.folds - 6) // 4)
    bench.until(lambda: is_all_green(bench), "the project itself passes")
    bench.work(part)
    single = bench.replace("bob", bench.project.single, message="simplify")
    bench.until(lambda: bench.has(single), "the breakage is folded")
    bench.work(part)
    first_wait = bench.until(lambda: bench.is_told("bob"), "bob is told")
    bench.replace("bob", tuple_back(bench.project.single), message="repair")
    bench.work(part)
    first = bench.replace("alice", *bench.project.pair_first, message="be explicit")
    second = bench.commit("carol", bench.project.pair_second, "cover what was not")
    bench.until(lambda: bench.has(first) and bench.has(second), "the pair is folded")
    bench.work(part)
    second_wait = bench.until(lambda: bench.is_told("carol") and bench.is_told("alice"), "alice and carol are told")
    bench.replace("carol", bench.project.second_repaired, message="repair")
    bench.until(lambda: is_all_green(bench), "green is at integration")
    blamed = [one for one in bench.events() if isinstance(one, Blamed)][::-1]
    checked = [one for one in bench.events() if isinstance(one, Checked)]
    pair = {bench.fold_of(first), bench.fold_of(second)}
    return {
        "project": bench.project.name,
        "folds": len(git("log", "--first-parent", "--format=%H", "agentroom/main/integration", cwd=bench.root).split())
        - 1,
        "folds with a result": len({one.commit for one in checked}),
        "single named": [one.commit for one in blamed if not one.partner] == [bench.fold_of(single)],
        "pair named": [{one.commit, one.partner} for one in blamed if one.partner] == [pair],
        "authors told": [list(one.agents) for one in blamed],
        "seconds until bob was told": round(first_wait, 1),
        "seconds until both were told": round(second_wait, 1),
    }


def tuple_back(edit: tuple[str, str, str]) -> tuple[str, str, str]:
    path, old, new = edit
    return path, new, old


def is_all_green(bench: Bench) -> bool:
    if read_green(bench.room) is None:
        return False
    trees = [git("rev-parse", f"agentroom/main/{name}^{{tree}}", cwd=bench.root) for name in ("green", "integration")]
    return trees[0] == trees[1]


def failing_greens(bench: Bench) -> list[str]:
    """Check every commit on which green ever stood, each in a fresh export."""
    found = []
    for commit in set(git("reflog", "--format=%H", "agentroom/main/green", cwd=bench.root).split()):
        with tempfile.TemporaryDirectory(prefix="agentroom-export-") as folder:
            subprocess.run(f"git archive {commit} | tar -x -C {folder}", shell=True, cwd=bench.root, check=True)
            if subprocess.run(bench.project.check, shell=True, cwd=folder, capture_output=True).returncode:
                found.append(commit)
    return found


def land(bench: Bench) -> dict[str, object]:
    """Land on the user's branch, and say which commits it got and whether its tree is integration's."""
    done = subprocess.run([*AGENTROOM, "land"], cwd=bench.root, capture_output=True, text=True)
    trees = [git("rev-parse", f"{name}^{{tree}}", cwd=bench.root) for name in ("main", "agentroom/main/integration")]
    return {
        "land said": done.stdout.strip() or done.stderr.strip(),
        "landed tree is integration's": trees[0] == trees[1],
        "commits on the user's branch": git("log", "--format=%h %an: %s", "main", cwd=bench.root).splitlines(),
    }


if __name__ == "__main__":
    main()
