"""A contest is listed under the name that its file has now, in the order in which contests came."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from agentroom_git.cli.status_lines import place_of
from agentroom_git.core.contested import Contested
from agentroom_git.git import contested_refs
from agentroom_git.room import contests, tasks
from agentroom_git.room.present_names import as_named_now
from agentroom_git.room.status import read_status
from agentroom_git.room.whole_files import UnresolvableError
from landings import land
from rooms import Bed, edited, numbered


def contest(bed: Bed, path: str) -> str:
    """Return the id of a new contest over line 5 of the file."""
    before = {one.record.id for one in contests.read_contests(bed.room())}
    bed.commit("alice", {path: numbered()})
    bed.settle()
    for name in ("alice", "bob"):
        bed.commit(name, {path: edited(numbered(), 5, name)})
    bed.settle()
    (id,) = {one.record.id for one in contests.read_contests(bed.room())} - before
    return id


def move(bed: Bed, old: str, new: str) -> None:
    path = bed.path("alice")
    (path / new).parent.mkdir(parents=True, exist_ok=True)
    (path / old).rename(path / new)
    bed.git("add", "--all", cwd=path)
    bed.git("commit", "--quiet", "-m", "rename", cwd=path)
    bed.settle()


def test_a_renamed_file_is_listed_under_its_present_name_with_the_former_one(bed: Bed) -> None:
    bed.join("alice", "bob")
    id = contest(bed, "old.txt")
    move(bed, "old.txt", "between.txt")
    move(bed, "between.txt", "new.txt")

    (record,) = read_status(bed.room()).contested
    assert place_of(record).startswith("new.txt (was old.txt) lines 5-5")
    (task,) = tasks.list_tasks(bed.room())
    assert task.task.title.startswith("contested new.txt (was old.txt) line 5")
    (objection,) = land(bed).objections
    assert objection.text == f"contested: {id} in new.txt (was old.txt)"


def test_a_file_that_is_gone_keeps_its_name(bed: Bed) -> None:
    bed.join("alice", "bob")
    contest(bed, "old.txt")
    records = contests.open_records(bed.room())
    bed.commit("alice", {"old.txt": None})
    bed.settle()

    assert as_named_now(bed.room(), records) == records


@pytest.mark.parametrize("asked", ["old.txt", "new", "new/name.txt"])
def test_status_finds_a_contest_by_either_name(bed: Bed, asked: str) -> None:
    bed.join("alice", "bob")
    contest(bed, "old.txt")
    move(bed, "old.txt", "new/name.txt")

    assert len(read_status(bed.room(), [asked]).contested) == 1
    assert not read_status(bed.room(), ["other"]).contested


@pytest.mark.parametrize("name", [b"tab\tx", b"lat\xe9n", b"st[a]r*"])
def test_status_finds_a_contest_by_the_exact_name_and_by_the_shown_one(bed: Bed, name: bytes) -> None:
    bed.join("alice", "bob")
    contest(bed, os.fsdecode(name))
    (record,) = read_status(bed.room()).contested

    for asked in (os.fsdecode(name), record.path):
        assert len(read_status(bed.room(), [asked]).contested) == 1
    assert not read_status(bed.room(), ["tab"]).contested


def test_both_versions_are_parsed_where_the_file_was_renamed(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"old.json": '{\n  "level": 1,\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n'})
    bed.settle()
    for name, level in (("alice", 2), ("bob", 3)):
        bed.commit(name, {"old.json": f'{{\n  "level": {level}5,\n  "a": 1,\n  "b": 2,\n  "c": 3\n}}\n'})
    bed.settle()
    move(bed, "old.json", "new.json")
    (found,) = contests.read_contests(bed.room())

    with pytest.raises(UnresolvableError, match="does not parse"):
        contests.resolve(bed.room(), found.record.id, "both")


def test_contests_are_listed_in_the_order_in_which_they_came(bed: Bed) -> None:
    room = bed.room()
    blob = room.history.write_blob(b"text\n")
    for number, (id, path) in enumerate([("b" * 12, b"m"), ("a" * 12, b"z"), ("c" * 12, b"a")]):
        record = Contested(id, path, "text", "side", 1, 1, blob, (("alice",), ("bob",)), (blob, blob), 0)
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number // 2)
        contested_refs.store(room.refs, room.names.contested, record, at)

    assert [one.record.path for one in contests.read_contests(room)] == ["m", "z", "a"]
