"""The table of claims as the next process reads it: with the file of known records, without, and with a bad one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agentroom_git.git import claim_records, claims_ref
from agentroom_git.git.claim_records import FILE, WORTH_WRITING
from agentroom_git.git.claims_ref import Snapshot, read_table
from agentroom_git.room import coordination
from agentroom_git.room.doctor.records import examine_claims
from agentroom_git.room.room import Room
from rooms import Bed, Git

COUNT = WORTH_WRITING + 40


@pytest.fixture
def room(git: Git, repository: Path) -> Room:
    bed = Bed(git, repository).open()
    bed.join("alice")
    alice = bed.as_agent("alice")
    for start in (0, COUNT // 2):
        coordination.claim(alice, [f"src/f{number}.py" for number in range(start, start + COUNT // 2)], reason="all")
    return alice


def _in_another_process(room: Room) -> Snapshot:
    """Read the table with nothing left in memory."""
    claim_records._known.cache_clear()
    claims_ref._newest.cache_clear()
    return read_table(room.refs, room.names.claims)


def _file(room: Room) -> Path:
    return room.private / FILE


def test_what_a_process_wrote_the_next_one_reads(room: Room) -> None:
    written = read_table(room.refs, room.names.claims)
    assert [claim.token for claim in written.table.claims] == list(range(1, COUNT + 1))
    assert _in_another_process(room) == written
    assert _file(room).is_file()
    assert _in_another_process(room) == written


def test_records_that_are_known_need_no_objects(room: Room) -> None:
    written = _in_another_process(room)
    for id in written.records.values():
        (room.repo.common_dir / "objects" / id[:2] / id[2:]).unlink()
    assert _in_another_process(room) == written


def _empty(_: str) -> str:
    return ""


def _shortened(text: str) -> str:
    return text[: len(text) // 2]


def _altered(text: str) -> str:
    return text.replace('"agent":"alice"', '"agent":"bob"').replace("src/", "doc/")


def _nonsense(_: str) -> str:
    return "\x00[{]\n" * 100


@pytest.mark.parametrize("damage", [_empty, _shortened, _altered, _nonsense])
def test_a_damaged_file_of_records_changes_nothing(room: Room, damage: Callable[[str], str]) -> None:
    written = _in_another_process(room)
    _file(room).write_text(damage(_file(room).read_text()))
    assert _in_another_process(room) == written


def test_a_change_of_a_known_table_is_read_as_it_was_written(room: Room) -> None:
    _in_another_process(room)
    coordination.release(room, ["src/f3.py"])
    coordination.claim(room, ["docs"], shared=True)
    written = read_table(room.refs, room.names.claims)
    assert _in_another_process(room) == written
    assert [claim.path for claim in written.table.claims][-1] == "docs"
    assert len(written.table.claims) == COUNT


def test_doctor_finds_a_record_that_is_gone_although_it_is_known(room: Room) -> None:
    record = _in_another_process(room).records[7]
    (room.repo.common_dir / "objects" / record[:2] / record[2:]).unlink()
    with pytest.raises(claims_ref.ClaimsError, match="is missing"):
        list(examine_claims(room))
