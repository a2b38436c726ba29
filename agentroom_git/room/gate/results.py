"""What is known of each tree under the present commands: a private file, so that no tree is checked again for nothing.

Written by whoever holds the gate's lock. Without the file everything is run again.
"""

from dataclasses import dataclass, field
from typing import Any

from agentroom_git.core.checks import FAILED, FLAKY, PASSED, Tally, is_result
from agentroom_git.core.ids import Oid
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json

VERSION = 1
MAX_TREES = 500


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the check, or what several say together."""

    result: str
    seconds: int
    tail: str


@dataclass(frozen=True, slots=True)
class Known:
    """The runs on one tree: how many passed and failed, and the last that failed, or else the last."""

    tally: Tally
    last: Run

    @property
    def summary(self) -> Run:
        """The result of the tree: flaky where runs differ."""
        return Run(FLAKY, self.last.seconds, self.last.tail) if self.tally.is_flaky else self.last


@dataclass(slots=True)
class Results:
    """The results by tree; `commands` names the commands that they are of."""

    room: Room
    commands: str
    _trees: dict[str, Known] = field(init=False)

    def __post_init__(self) -> None:
        record = read_json(self.room.private / "gate" / "results.json")
        is_mine = record.get("v") == VERSION and record.get("commands") == self.commands
        self._trees = _decode(record.get("trees")) if is_mine else {}

    def tally(self, tree: Oid) -> Tally:
        known = self._trees.get(tree)
        return known.tally if known else Tally()

    def known(self, tree: Oid) -> Known | None:
        return self._trees.get(tree)

    def forget(self, tree: Oid) -> None:
        """Let the tree be checked as if for the first time."""
        self._trees.pop(tree, None)

    def add(self, tree: Oid, run: Run) -> Known:
        """Count one more run on the tree, and keep it."""
        before = self._trees.pop(tree, None)
        old = before.tally if before else Tally()
        has_passed = run.result == PASSED
        tally = Tally(old.passed + has_passed, old.failed + (not has_passed))
        last = before.last if before and has_passed and old.failed else run
        self._trees[tree] = Known(tally, last)
        while len(self._trees) > MAX_TREES:
            del self._trees[next(iter(self._trees))]
        self._write()
        return self._trees[tree]

    def _write(self) -> None:
        trees = {
            tree: [known.tally.passed, known.tally.failed, known.last.result, known.last.seconds, known.last.tail]
            for tree, known in self._trees.items()
        }
        record = {"v": VERSION, "commands": self.commands, "trees": trees}
        write_json(self.room.private / "gate" / "results.json", record)


def _decode(trees: Any) -> dict[str, Known]:
    """Return what the file says of each tree; what is damaged counts as unknown."""
    found: dict[str, Known] = {}
    for tree, values in trees.items() if isinstance(trees, dict) else ():
        try:
            passed, failed, result, seconds, tail = values
            tally = Tally(int(passed), int(failed))
            run = Run(str(result) if is_result(str(result)) else FAILED, int(seconds), str(tail))
        except (TypeError, ValueError):
            continue
        found[tree] = Known(tally, run)
    return found
