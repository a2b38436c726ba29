"""Undoing keeps whatever somebody saved in the meantime, however late."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.git.displacement import (
    Act,
    Bench,
    Journal,
    JournalError,
    Step,
    apply_step,
    digest,
    late_paths,
    make_bench,
    undo,
)
from agentroom_git.system.exchange import Content, Folder, Kind
from worktree_pair import StillClock, write

OLD, NEW, MINE = (Content(Kind.FILE, data) for data in (b"old\n", b"new\n", b"mine\n"))
STEPS = (
    Step(Act.SWAP, b"swapped", digest(OLD), digest(NEW)),
    Step(Act.ADD, b"added", after=digest(NEW)),
    Step(Act.REMOVE, b"removed", before=digest(OLD)),
)


class SavedAfterReading(Folder):
    """A worktree in which somebody saves a file right after it was looked at."""

    def read(self, path: bytes) -> Content:
        found = super().read(path)
        write(self.root / path.decode(), MINE.data)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    write(tmp_path / "tree/swapped", OLD.data)
    write(tmp_path / "tree/removed", OLD.data)
    with make_bench(tmp_path / "stage", StillClock(), has_modes=True) as bench:
        bench.stage(0, NEW)
        bench.stage(1, NEW)
        yield bench


def apply_all(tree: Folder, bench: Bench) -> None:
    assert all(apply_step(tree, bench, number, step) for number, step in enumerate(STEPS))


def undo_all(tree: Folder, bench: Bench) -> None:
    undo(tree, bench, STEPS, only={step.path for step in STEPS})


def test_undoing_puts_back_what_was_there(tmp_path: Path, bench: Bench) -> None:
    with Folder(tmp_path / "tree") as tree:
        apply_all(tree, bench)
        assert [tree.read(step.path) for step in STEPS] == [NEW, NEW, Content(Kind.MISSING)]

        undo_all(tree, bench)
        undo_all(tree, bench)

        assert [tree.read(step.path) for step in STEPS] == [OLD, Content(Kind.MISSING), OLD]
        assert late_paths(bench, STEPS) == ()


def test_a_save_between_the_look_and_the_undoing_stays_in_place(tmp_path: Path, bench: Bench) -> None:
    with Folder(tmp_path / "tree") as tree:
        apply_all(tree, bench)
    with SavedAfterReading(tmp_path / "tree") as tree:
        undo_all(tree, bench)

    assert (tmp_path / "tree/swapped").read_bytes() == MINE.data
    assert (tmp_path / "tree/added").read_bytes() == MINE.data


def test_a_save_that_was_displaced_is_kept_when_a_newer_one_is_in_place(tmp_path: Path, bench: Bench) -> None:
    write(tmp_path / "tree/swapped", b"older save\n")
    with Folder(tmp_path / "tree") as tree:
        assert not apply_step(tree, bench, 0, STEPS[0])
        write(tmp_path / "tree/swapped", MINE.data)

        undo_all(tree, bench)

    assert (tmp_path / "tree/swapped").read_bytes() == MINE.data
    assert bench.folder.read(b"0").data == b"older save\n"
    assert late_paths(bench, STEPS) == (b"swapped",)


def test_a_journal_is_read_as_it_was_written() -> None:
    steps = (*STEPS, Step(Act.ADD, b"x\xff\n/y", after=digest(NEW)))
    journal = Journal("12 34@boot", Path("/r/\udcff"), "refs/heads/a", True, "1" * 40, "2" * 40, steps)

    assert Journal.decode(journal.encode()) == journal
    assert journal.encode().count(b"\n") == 1


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"v":2}', b'{"v":1,"steps":[["jump","a","-","-"]]}', b"\xff"])
def test_a_journal_of_another_version_or_damaged_is_refused(line: bytes) -> None:
    with pytest.raises(JournalError):
        Journal.decode(line)


@pytest.mark.parametrize("age", [0, 3600])
def test_a_late_write_into_a_displaced_file_is_found_however_old_the_file_was(
    tmp_path: Path, bench: Bench, age: int
) -> None:
    file = tmp_path / "tree/swapped"
    status = file.stat()
    dates = (status.st_atime_ns, status.st_mtime_ns - age * 10**9)
    os.utime(file, ns=dates)
    with Folder(tmp_path / "tree") as tree:
        apply_all(tree, bench)
    assert bench.is_untouched(0) == (age > 0)
    assert late_paths(bench, STEPS) == ()

    (bench.path / "0").write_bytes(b"low\n")
    if not age:  # within one tick of the clock, say
        os.utime(bench.path / "0", ns=dates)

    assert late_paths(bench, STEPS) == (b"swapped",)
