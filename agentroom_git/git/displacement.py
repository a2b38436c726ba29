"""Putting files into a worktree so that whatever they displace is kept, checked and can be put back.

Each sync has a directory of its own, a *bench*, on the worktree's file system. New files are made there and trade
places with those of the worktree, and what was displaced stays there for a while: a program that has the old file open
may go on writing into it. The bench's journal lists the steps before the first is taken. Undoing reads no memory of
what was done, only the journal and the files, so it is the same after a refusal, an error and a kill.
"""

import enum
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from agentroom_git.errors import AgentroomError
from agentroom_git.system import writeback
from agentroom_git.system.clock import Clock
from agentroom_git.system.exchange import Content, Folder, Kind, Mark, Move, exchange, exchange_and_look, move
from agentroom_git.system.turns import away

_AHEAD, _JOURNAL, _DONE = "journal.ahead", "journal", "done"
_TAKEN_OUT, _OVERWRITTEN = b".out", b".overwritten"
_VERSION = 1
_NAME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+")
NOTHING = "-"
SETTLED_NS = 2_000_000_000
"""A file that was written so long before the sync has another date after the next write, however coarse dates are."""


class JournalError(AgentroomError):
    """A journal that cannot be read: written by another version, or damaged."""


class Act(enum.StrEnum):
    SWAP = "swap"  # put a file in place of another
    ADD = "add"  # put a file where there is none
    REMOVE = "remove"
    MAKE_DIRECTORY = "mkdir"  # where a submodule goes
    REMOVE_DIRECTORY = "rmdir"  # where a submodule was, if it is empty


@dataclass(frozen=True, slots=True)
class Step:
    """`before` and `after` are digests of what stands at the path and of what shall stand there; "-" for nothing."""

    act: Act
    path: bytes
    before: str = NOTHING
    after: str = NOTHING


@dataclass(frozen=True, slots=True)
class Journal:
    """Which worktree was to go from which commit to which, and the steps in order. Step n's file is called n.

    `has_modes` tells how the digests were made: false where the file system cannot tell executables.
    """

    owner: str
    git_dir: Path
    ref: str
    has_modes: bool
    old: str
    new: str
    steps: tuple[Step, ...]

    def encode(self) -> bytes:
        steps = [[step.act.value, step.path.decode("latin-1"), step.before, step.after] for step in self.steps]
        record = {
            "v": _VERSION,
            "owner": self.owner,
            "git_dir": os.fsencode(self.git_dir).decode("latin-1"),
            "ref": self.ref,
            "modes": self.has_modes,
            "old": self.old,
            "new": self.new,
            "steps": steps,
        }
        return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Self:
        try:
            record = json.loads(line)
            if record["v"] != _VERSION:
                raise JournalError(f"journal of version {record['v']}", hint="finish the sync with the newer program")
            steps = tuple(
                Step(Act(act), path.encode("latin-1"), before, after) for act, path, before, after in record["steps"]
            )
            git_dir = Path(os.fsdecode(record["git_dir"].encode("latin-1")))
            ends = record["old"], record["new"]
            return cls(record["owner"], git_dir, record["ref"], record["modes"], *ends, steps)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalError(f"journal cannot be read: {error}") from error


_SIGNS = {kind: kind.value.encode() + b"\0" for kind in Kind}


def digest(content: Content) -> str:
    found = hashlib.sha256(_SIGNS[content.kind])
    found.update(content.data)
    return found.hexdigest()


class Bench:
    """The directory of one sync, with a handle on it."""

    def __init__(self, path: Path, *, has_modes: bool) -> None:
        self.path = path
        self.folder = Folder(path, has_modes=has_modes)
        self.taken_out: dict[int, Content] = {}
        """By step: a save that was not expected and stood in the bench until it was put back."""
        self.untouched: dict[int, Mark] = {}
        """By step: what the displaced file's mark stays unless somebody writes there; not where that is unsure."""
        self.placed: dict[bytes, os.stat_result] = {}
        """The status of files that were put in place of others, as it was then."""
        self._settled_ns = os.stat(path).st_mtime_ns - SETTLED_NS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.close()

    @property
    def is_begun(self) -> bool:
        """Whether a step may have been taken."""
        return (self.path / _JOURNAL).exists() or (self.path / _DONE).exists()

    def stage(self, number: int, content: Content) -> Mark:
        """Make the new file of a step."""
        return Mark.of(self.folder.create(_name(number), content))

    def look_at_displaced(self, number: int) -> Content:
        """Return what a step displaced, and remember its mark where a later write is sure to change it."""
        found, mark = self.folder.look(_name(number))
        if mark is not None and mark.modified_ns < self._settled_ns:
            self.untouched[number] = mark
        return found

    def is_untouched(self, number: int) -> bool:
        """Whether what the step displaced is known not to have been written since it was looked at."""
        mark = self.untouched.get(number)
        status = self.folder.status(_name(number)) if mark is not None else None
        return status is not None and Mark.of(status) == mark

    def write_journal(self, journal: Journal) -> None:
        """Write the journal ahead, so that `begin`, which is called under locks, is quick.

        After a crash of the machine, too, whoever finds a step taken finds the journal whole.
        """
        with (self.path / _AHEAD).open("xb") as file:
            file.write(journal.encode())
            file.flush()
            with away():
                writeback.hand_over(file.fileno())

    def begin(self) -> None:
        """From here on the journal says that the steps may have been taken."""
        (self.path / _AHEAD).rename(self.path / _JOURNAL)

    def finish(self) -> None:
        """Nothing is left to undo; what was displaced stays, if anything was."""
        (self.path / _JOURNAL).rename(self.path / _DONE)

    def discard(self) -> None:
        shutil.rmtree(self.path)


def make_bench(stage: Path, clock: Clock, *, has_modes: bool) -> Bench:
    """Make a bench named by the time, so that `sweep` can tell its age."""
    stage.mkdir(parents=True, exist_ok=True)
    stamp = clock.now().strftime(_NAME_FORMAT)
    for name in (f"{stamp}-{number}" for number in itertools.count()):
        with suppress(FileExistsError):
            (stage / name).mkdir()
            return Bench(stage / name, has_modes=has_modes)
    raise AssertionError("counting does not end")


def apply_step(tree: Folder, bench: Bench, number: int, step: Step) -> bool:
    """Take one step; false if the worktree was not as expected. `undo` then restores it, this step included."""
    name = _name(number)
    if step.act is Act.SWAP:
        return _swap(tree, bench, number, step)
    if step.act is Act.ADD:
        return move(bench.folder, name, tree, step.path) is Move.DONE
    if step.act is Act.MAKE_DIRECTORY:
        return tree.make_directory(step.path)
    if step.act is Act.REMOVE_DIRECTORY:
        if tree.remove_directory(step.path):
            tree.prune(step.path)
        return True
    if move(tree, step.path, bench.folder, name) is not Move.DONE or not _holds(bench, number, step.before):
        return False
    tree.prune(step.path)
    return True


def _swap(tree: Folder, bench: Bench, number: int, step: Step) -> bool:
    is_done, status = exchange_and_look(tree, step.path, bench.folder, _name(number))
    if status is not None:
        bench.placed[step.path] = status
    return is_done and _is_expected(bench, number, step)


def _is_expected(bench: Bench, number: int, step: Step) -> bool:
    found = bench.look_at_displaced(number)
    if digest(found) == step.before:
        return True
    bench.taken_out[number] = found
    return False


def undo(tree: Folder, bench: Bench, steps: Sequence[Step], *, only: Collection[bytes]) -> None:
    """Put back what the steps displaced at these paths, as far as they were taken, last one first.

    What somebody saved over a new file stays; the file that it displaced is then kept in the bench.
    """
    for number, step in reversed(list(enumerate(steps))):
        if step.path in only:
            _UNDO[step.act](tree, bench, number, step)


def _undo_swap(tree: Folder, bench: Bench, number: int, step: Step) -> None:
    if _holds(bench, number, step.after) or digest(tree.read(step.path)) != step.after:
        return  # never swapped, or saved over since
    exchange(tree, step.path, bench.folder, _name(number))
    if not _holds(bench, number, step.after):  # saved over just now
        exchange(tree, step.path, bench.folder, _name(number))


def _undo_add(tree: Folder, bench: Bench, number: int, step: Step) -> None:
    if bench.folder.status(_name(number)) is not None or digest(tree.read(step.path)) != step.after:
        return
    move(tree, step.path, bench.folder, _name(number))
    if not _holds(bench, number, step.after):
        move(bench.folder, _name(number), tree, step.path)
    tree.prune(step.path)


def _undo_remove(tree: Folder, bench: Bench, number: int, step: Step) -> None:
    if bench.folder.status(_name(number)) is not None:
        move(bench.folder, _name(number), tree, step.path)


def _undo_make_directory(tree: Folder, bench: Bench, number: int, step: Step) -> None:
    tree.remove_directory(step.path)


def _undo_remove_directory(tree: Folder, bench: Bench, number: int, step: Step) -> None:
    tree.make_directory(step.path)


_UNDO: dict[Act, Callable[[Folder, Bench, int, Step], None]] = {
    Act.SWAP: _undo_swap,
    Act.ADD: _undo_add,
    Act.REMOVE: _undo_remove,
    Act.MAKE_DIRECTORY: _undo_make_directory,
    Act.REMOVE_DIRECTORY: _undo_remove_directory,
}


def late_paths(bench: Bench, steps: Sequence[Step]) -> tuple[bytes, ...]:
    """The paths whose displaced file holds neither the old content nor the new: somebody wrote it meanwhile."""
    doubtful = ((number, step) for number, step in enumerate(steps) if not bench.is_untouched(number))
    found = ((step, bench.folder.read(_name(number))) for number, step in doubtful)
    return tuple(
        step.path
        for step, content in found
        if content.kind is not Kind.MISSING and digest(content) not in (step.before, step.after)
    )


def keep_overwritten(tree: Folder, bench: Bench, steps: Sequence[Step]) -> tuple[bytes, ...]:
    """Keep the saves that were taken out for a moment; return the paths of those that were overwritten since.

    Who read the file in that moment saw the new version without that save, and so may write over it what lacks it.
    """
    found = []
    for number, content in bench.taken_out.items():
        now = set(tree.read(steps[number].path).data.splitlines())
        own = set(content.data.splitlines()) - set(bench.folder.read(_name(number)).data.splitlines())
        bench.folder.create(_name(number) + (_TAKEN_OUT if own <= now else _OVERWRITTEN), content)
        if not own <= now:
            found.append(steps[number].path)
    return tuple(found)


def unfinished(stage: Path, git_dir: Path) -> list[tuple[Path, Journal]]:
    """The benches of syncs of this worktree that neither finished nor were undone, newest first."""
    benches = [stage / name for name in _names(stage) if os.path.exists(f"{stage}/{name}/{_JOURNAL}")]
    found = [(path, _read_journal(path / _JOURNAL)) for path in reversed(benches)]
    return [(path, journal) for path, journal in found if journal.git_dir == git_dir]


@dataclass(frozen=True, slots=True)
class Kept:
    """The displaced version of one path."""

    path: bytes
    at: datetime
    file: Path


def list_displaced(stage: Path, most: int) -> list[Kept]:
    """What the last syncs, so many at most, displaced and `sweep` has not taken, oldest first."""
    found: list[Kept] = []
    for bench in [stage / name for name in _names(stage)[-most:]]:
        started = _started(bench)
        if started is None or not (bench / _DONE).exists():
            continue
        for number, step in enumerate(_read_journal(bench / _DONE).steps):
            names = (_name(number) + suffix for suffix in (b"", _TAKEN_OUT, _OVERWRITTEN))
            files = [bench / os.fsdecode(name) for name in names] if step.act in (Act.SWAP, Act.REMOVE) else []
            found += [Kept(step.path, started, file) for file in files if os.path.lexists(file)]
    return found


def sweep(stage: Path, older_than_seconds: float, clock: Clock) -> tuple[bytes, ...]:
    """Delete the displaced files of syncs older than this; return the paths that were written late, which are kept."""
    late: list[bytes] = []
    oldest = (clock.now() - timedelta(seconds=older_than_seconds)).strftime(_NAME_FORMAT)
    for path in [stage / name for name in _names(stage) if name < oldest]:
        if (path / _JOURNAL).exists():
            continue
        found = _late_paths_of(path)
        if not found:
            shutil.rmtree(path)
        late.extend(found)
    return tuple(late)


def _late_paths_of(path: Path) -> tuple[bytes, ...]:
    if not (path / _DONE).exists():  # given up before the first step
        return ()
    journal = _read_journal(path / _DONE)
    with Bench(path, has_modes=journal.has_modes) as bench:
        return (*late_paths(bench, journal.steps), *_overwritten(path, journal.steps))


def _overwritten(path: Path, steps: Sequence[Step]) -> tuple[bytes, ...]:
    kept = (path / os.fsdecode(_name(number) + _OVERWRITTEN) for number in range(len(steps)))
    return tuple(step.path for step, file in zip(steps, kept, strict=True) if file.exists())


def _names(stage: Path) -> list[str]:
    """Return the names of a stage's benches in order of time."""
    names = os.listdir(stage) if stage.is_dir() else []
    return sorted(name for name in names if _NAME.fullmatch(name))


def _started(bench: Path) -> datetime | None:
    try:
        return datetime.strptime(bench.name.rpartition("-")[0], _NAME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _read_journal(path: Path) -> Journal:
    return Journal.decode(path.read_bytes())


def _name(number: int) -> bytes:
    return str(number).encode()


def _holds(bench: Bench, number: int, expected: str) -> bool:
    return digest(bench.folder.read(_name(number))) == expected
