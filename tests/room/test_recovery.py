"""What a kill leaves is put right by the next round, without anybody's help."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.room import presence
from agentroom_git.room.folding import Folder
from agentroom_git.room.left_locks import clear_left_locks
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.room.saving import save_edits
from agentroom_git.room.syncing import sync_room
from agentroom_git.room.turn import own_worktree
from agentroom_git.system.clock import SystemClock
from rooms import Bed

KILLED = 9


def kill_at(bed: Bed, stop: str, operation: Callable[[Room], object]) -> None:
    """Run the operation in a child that ends without any clean-up before the step `stop`."""

    def failpoint(step: str) -> None:
        if step == stop:
            os._exit(KILLED)

    child = os.fork()
    if child == 0:
        try:
            operation(open_room(bed.repository, SystemClock(), failpoint=failpoint))
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_an_agent_can_commit_after_a_sync_was_killed_behind_its_last_step(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"new.txt": "new\n"})
    bed.fold()
    kill_at(bed, "finish", lambda room: sync_room(room, [AgentName("bob")]))
    assert bed.head("bob") == bed.room().integration()

    bed.sync()
    bed.commit("bob", {"mine.txt": "mine\n"})
    assert bed.git("status", "--porcelain", cwd=bed.path("bob")) == ""


def test_folds_go_on_after_a_fold_was_killed_with_the_lock_on_integration(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"new.txt": "new\n"})
    kill_at(bed, "move refs/heads/agentroom/main/integration", lambda room: Folder(room).fold())

    assert len(bed.fold().made) == 1
    assert bed.integrated("new.txt") == "new\n"


def test_a_half_synced_worktree_is_taken_back_before_its_agents_git_is_let_in_again(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("bob", {"README.md": "bob\n", "z.txt": "bob\n"})
    bed.fold()
    before = (bed.path("alice") / "README.md").read_text()
    kill_at(bed, "add 1", lambda room: sync_room(room, [AgentName("alice")]))
    assert (bed.path("alice") / "README.md").read_text() == "bob\n"

    assert clear_left_locks(bed.room())

    assert (bed.path("alice") / "README.md").read_text() == before
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
    bed.git("switch", "--quiet", "--create", "feature", cwd=bed.path("alice"))


def test_a_save_after_a_sync_was_killed_among_its_files_has_nothing_of_the_others(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("bob", {"README.md": "bob\n", "z.txt": "bob\n"})
    bed.fold()
    bed.write("alice", {"mine.txt": "mine\n"})
    kill_at(bed, "add 1", lambda room: sync_room(room, [AgentName("alice")]))

    save(bed.room())

    assert bed.git("show", "--format=", "--name-only", "HEAD", cwd=bed.path("alice")) == "mine.txt\n"


def save(room: Room) -> None:
    alice = parse_agent("alice")
    save_edits(acting_as(room, alice), alice, own_worktree(room, alice))


def test_an_agent_can_commit_after_an_autosave_was_killed_with_the_lock_on_its_branch(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    kill_at(bed, "move refs/heads/agentroom/main/alice", save)

    assert clear_left_locks(bed.room())
    bed.commit("alice", {"more.txt": "more\n"})
    assert not clear_left_locks(bed.room())


def test_a_killed_save_is_taken_back_by_the_next_sync_also_where_the_agent_removed_its_locks(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.fold()
    bed.write("alice", {"new.txt": "new\n"})
    kill_at(bed, "save branch", save)
    remove_locks(bed, "alice")

    bed.sync("alice")

    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? new.txt\n"
    assert bed.head("alice") == bed.room().integration()
    assert list(git_dir(bed, "alice").glob("agentroom-git-*")) == []


def test_a_killed_save_is_not_taken_back_over_what_the_agent_staged_since(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    kill_at(bed, "save branch", save)
    remove_locks(bed, "alice")
    bed.write("alice", {"more.txt": "more\n"})
    bed.git("add", "more.txt", cwd=bed.path("alice"))

    bed.sync("alice")

    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "A  more.txt\nA  new.txt\n"


def remove_locks(bed: Bed, name: str) -> None:
    for lock in git_dir(bed, name).glob("*.lock"):
        lock.unlink()


def test_a_save_whose_branch_cannot_be_moved_leaves_nothing_staged(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    with pytest.raises(OSError, match="full"):
        save(open_room(bed.repository, SystemClock(), failpoint=full_at("save branch")))
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? new.txt\n"


def full_at(stop: str) -> Callable[[str], None]:
    def failpoint(step: str) -> None:
        if step == stop:
            raise OSError("full")

    return failpoint


def git_dir(bed: Bed, name: str) -> Path:
    return bed.repository / ".git" / "worktrees" / name


def test_who_joins_again_gets_a_worktree_also_where_a_killed_save_left_a_lock_on_the_branch(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    kill_at(bed, "move refs/heads/agentroom/main/alice", save)
    remove_locks(bed, "alice")
    presence.leave(bed.room(), AgentName("alice"))

    bed.join("alice")

    bed.commit("alice", {"more.txt": "more\n"})
