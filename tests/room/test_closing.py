"""Taking back what init changed, byte for byte, and nothing else."""

import shutil
from pathlib import Path

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.room import opening, presence
from agentroom_git.room.room import Room, open_room
from agentroom_git.system.clock import SystemClock
from folder_state import refs_of, state_of
from rooms import Bed, Git

ALICE = parse_agent("alice")


def _room(path: Path) -> Room:
    return open_room(path, SystemClock())


CONFIGS = {
    "usual": None,
    "empty section": "[core]\n\trepositoryformatversion = 0\n[notes]\n",
    "own notes section": "[core]\n\trepositoryformatversion = 0\n[notes]\n\tx = y\n[gc]\n\tauto = 0\n",
    "no last newline": "[core]\n\trepositoryformatversion = 0\n\tbare = false",
    "comments": "; first\n[core]\n\trepositoryformatversion = 0 # why\n\n\n# last\n",
    "other line ends": "[core]\r\n\trepositoryformatversion = 0\r\n",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_uninstall_takes_everything_back_byte_for_byte(repository: Path, git: Git, name: str) -> None:
    config = repository / ".git" / "config"
    text = CONFIGS[name]
    if text is not None:
        config.write_bytes(text.encode())
    config.chmod(0o640)
    before, beside = state_of(repository), sorted(repository.parent.iterdir())
    bed = Bed(git, repository).open()
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.write("alice", {"loose.txt": "loose\n"})
    bed.settle()
    presence.leave(bed.room(), ALICE)

    changes = opening.close(bed.room())

    assert state_of(repository) == before
    assert config.stat().st_mode & 0o777 == 0o640
    assert sorted(repository.parent.iterdir()) == beside
    assert changes[-1].what.startswith("kept the history")
    kept = refs_of(git, repository)
    assert {"refs/heads/agentroom/main/integration", "refs/agentroom/main/log/alice"} <= kept
    assert "refs/agentroom/main/archive/alice/1" in kept


def test_init_after_uninstall_continues_the_room(repository: Path, git: Git) -> None:
    bed = Bed(git, repository).open()
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    presence.leave(bed.room(), ALICE)
    tip = bed.room().integration()
    opening.close(bed.room())

    bed.open()

    assert bed.room().integration() == tip
    bed.join("alice")
    bed.commit("alice", {"b.txt": "more\n"})
    bed.settle()
    assert (bed.integrated("a.txt"), bed.integrated("b.txt")) == ("alice\n", "more\n")


def test_uninstall_twice_and_without_a_room_is_harmless(repository: Path) -> None:
    before = state_of(repository)
    for _ in range(2):
        assert not any(change.is_new for change in opening.close(_room(repository)))
    assert state_of(repository) == before


def test_settings_that_others_made_meanwhile_stay(repository: Path, git: Git) -> None:
    opening.open_new(_room(repository))
    git("config", "notes.rewriteRef", "refs/notes/commits", cwd=repository)
    git("config", "later.key", "value", cwd=repository)

    opening.close(_room(repository))

    assert git("config", "--local", "notes.rewriteRef", cwd=repository) == "refs/notes/commits\n"
    assert git("config", "--local", "later.key", cwd=repository) == "value\n"
    assert git("config", "--local", "notes.displayRef", cwd=repository, check=False) == ""
    assert "agentroom" not in (repository / ".git" / "config").read_text()


def test_a_setting_that_the_user_had_before_is_not_ours_to_remove(repository: Path, git: Git) -> None:
    git("config", "notes.displayRef", "refs/notes/agentroom/*", cwd=repository)
    before = state_of(repository)

    opening.open_new(_room(repository))
    changes = opening.close(_room(repository))

    assert state_of(repository) == before
    assert "kept notes.displayRef: init did not set it" in [change.what for change in changes]


def test_a_configuration_file_that_is_tracked_stays(repository: Path, git: Git) -> None:
    opening.open_new(_room(repository))
    git("add", ".agentroom.yaml", cwd=repository)
    git("commit", "--quiet", "-m", "Configure", cwd=repository)

    opening.close(_room(repository))

    assert git("status", "--porcelain", cwd=repository) == ""


def test_a_lock_of_gits_on_the_configuration_stops_both_ways_with_nothing_half_done(repository: Path) -> None:
    lock = repository / ".git" / "config.lock"
    lock.touch()
    with pytest.raises(AgentroomError, match=r"config\.lock is held"):
        opening.open_new(_room(repository))
    lock.unlink()
    opening.open_new(_room(repository))
    lock.touch()
    with pytest.raises(AgentroomError, match=r"config\.lock is held"):
        opening.close(_room(repository))
    assert lock.exists()
    lock.unlink()
    opening.close(_room(repository))
    assert not (repository / ".git" / "agentroom").exists()


def test_uninstall_waits_for_the_agents_of_every_room(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("room: two\n")
    bed.open().join("bob")
    (bed.repository / ".agentroom.yaml").write_text("room: main\n")
    bed.join("alice")

    with pytest.raises(UsageError, match="agents have worktrees: alice, bob"):
        opening.close(bed.room())


def test_a_folder_for_worktrees_that_holds_other_things_stays(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("worktrees: ..\n")
    bed.join("alice")
    presence.leave(bed.room(), ALICE)
    mine = bed.repository.parent / ".stage" / "mine"
    mine.mkdir(parents=True)

    opening.close(bed.room())

    assert mine.is_dir()
    shutil.rmtree(mine)
