"""Edits that contest what is new are saved where the room saves by itself, and only then; else the worktree waits."""

import os
from collections.abc import Iterable

import pytest

from agentroom_git.room import messages
from agentroom_git.room.sync_waits import Waiting
from agentroom_git.room.syncing import Synced, SyncResult
from rooms import Bed, edited, numbered


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.py": "x = [\n    1,\n]\n", "n.txt": numbered()})
    bed.settle()
    return bed


def contest(bed: Bed, mine: dict[str, str | None], theirs: dict[str, str | None]) -> SyncResult:
    """Let bob have edits, alice's work be on integration, and sync once."""
    bed.write("bob", mine)
    leave_alone(bed, mine)
    bed.commit("alice", theirs)
    bed.fold()
    return next(one for one in bed.sync("bob") if one.agent == "bob")


def leave_alone(bed: Bed, paths: Iterable[str]) -> None:
    """Let the files look as if they were written a minute ago."""
    for path in paths:
        status = (bed.path("bob") / path).stat()
        os.utime(bed.path("bob") / path, (status.st_atime - 60, status.st_mtime - 60))


def told(bed: Bed) -> list[str]:
    return [one.kind for one in messages.unread(bed.as_agent("bob")).messages]


def test_a_contested_edit_is_committed_on_its_old_base_and_the_fold_settles_it(room: Bed) -> None:
    old = room.head("bob")
    result = contest(room, {"n.txt": edited(numbered(), 5, "bob's")}, {"n.txt": edited(numbered(), 5, "alice's")})

    assert isinstance(result, Waiting)
    assert result.is_passing
    assert room.git("rev-parse", "HEAD~", cwd=room.path("bob")).strip() == old
    room.settle()
    assert (room.path("bob") / "n.txt").read_text() == (room.path("alice") / "n.txt").read_text()
    assert "contested" in told(room)
    assert "waits" not in told(room)


def test_an_untracked_file_in_the_way_is_committed_and_both_versions_are_kept(room: Bed) -> None:
    result = contest(room, {"new.txt": "bob's\n"}, {"new.txt": "alice's\n"})

    assert isinstance(result, Waiting)
    room.settle()
    (kept,) = room.git(
        "for-each-ref", "--format=%(refname)", "refs/agentroom/main/contested", cwd=room.repository
    ).split()
    files = room.git("ls-tree", "-r", "--name-only", kept, cwd=room.repository)
    assert len(files.split()) >= 2


def test_with_autosave_off_nothing_is_committed_and_the_agent_is_told_once(room: Bed) -> None:
    (room.repository / ".agentroom.yaml").write_text("autosave: off\n")
    old = room.head("bob")
    result = contest(room, {"n.txt": edited(numbered(), 5, "bob's")}, {"n.txt": edited(numbered(), 5, "alice's")})
    room.sync("bob")

    assert isinstance(result, Waiting)
    assert result.reason == "dirty"
    assert room.head("bob") == old
    assert told(room) == ["waits"]


def test_an_edit_that_does_not_parse_is_not_committed_and_tried_again_when_it_changed(room: Bed) -> None:
    result = contest(room, {"f.py": "x = [\n    2,\n"}, {"f.py": "x = [\n    3,\n]\n"})
    assert isinstance(result, Waiting)
    assert result.reason == "dirty"
    old = room.head("bob")
    room.sync("bob")
    assert room.head("bob") == old

    room.write("bob", {"f.py": "x = [\n    22,\n]\n"})
    leave_alone(room, ["f.py"])
    room.sync("bob")

    assert room.head("bob") != old
    room.settle()
    assert room.tree("agentroom/main/bob") == room.tree()


def test_staged_changes_are_never_committed_for_their_agent(room: Bed) -> None:
    room.write("bob", {"n.txt": edited(numbered(), 5, "bob's")})
    room.git("add", "n.txt", cwd=room.path("bob"))
    old = room.head("bob")
    result = contest(room, {}, {"n.txt": edited(numbered(), 5, "alice's")})

    assert isinstance(result, Waiting)
    assert result.reason == "staged"
    assert room.head("bob") == old


def test_edits_that_contest_nothing_are_not_committed(room: Bed) -> None:
    old = room.head("bob")
    result = contest(room, {"n.txt": edited(numbered(), 5, "bob's")}, {"n.txt": edited(numbered(), 15, "alice's")})

    assert isinstance(result, Synced)
    assert room.git("log", "--format=%H", f"{old}..HEAD", "--grep=save", cwd=room.path("bob")) == ""


def test_a_file_that_is_just_being_written_is_not_committed_and_nobody_is_told(room: Bed) -> None:
    room.write("bob", {"n.txt": ""})
    room.commit("alice", {"n.txt": edited(numbered(), 5, "alice's")})
    room.fold()
    old = room.head("bob")
    os.utime(room.path("bob") / "n.txt")

    (result,) = room.sync("bob")

    assert isinstance(result, Waiting)
    assert (result.reason, result.is_passing) == ("busy", True)
    assert room.head("bob") == old
    assert told(room) == []
