"""Opening a room, twice, after a crash, in repositories of every kind; and taking it all back."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agentroom_git.core.events import Opened
from agentroom_git.errors import UsageError
from agentroom_git.git import configuration
from agentroom_git.room import opening
from agentroom_git.room.base import base_branch
from agentroom_git.room.room import Room, open_room
from agentroom_git.system.clock import SystemClock
from folder_state import refs_of, state_of
from rooms import Bed, Git

STEPS = ("_open_integration", "_record_opening", "_write_config", "_show_notes")


def _room(path: Path) -> Room:
    return open_room(path, SystemClock())


def test_init_says_exactly_what_it_changed(repository: Path, git: Git) -> None:
    before, refs = state_of(repository), refs_of(git, repository)

    changes = opening.open_new(_room(repository))

    assert [change.is_new for change in changes] == [True] * 5
    after = state_of(repository)
    new = {path for path in after if after[path] != before.get(path)}
    assert {path for path in new if not path.startswith(".git/agentroom")} == {".git/config", ".agentroom.yaml"}
    assert refs_of(git, repository) - refs == {
        "refs/heads/agentroom/main/integration",
        "refs/agentroom/main/log/human",
    }
    said = "\n".join(change.what for change in changes)
    for word in (".git/agentroom", "agentroom/main/integration", "log/human", "branch main", "notes.displayRef"):
        assert word in said
    assert git("status", "--porcelain", cwd=repository) == "?? .agentroom.yaml\n"


def test_integration_opens_with_an_empty_commit_on_the_users(repository: Path, git: Git) -> None:
    opening.open_new(_room(repository))

    tip = "agentroom/main/integration"
    head = git("rev-parse", "main", cwd=repository)
    assert git("rev-parse", f"{tip}^", cwd=repository) == head
    assert git("diff", "--name-only", "main", tip, cwd=repository) == ""
    assert base_branch(_room(repository)) == "refs/heads/main"


def test_a_second_init_finds_everything_and_changes_nothing(repository: Path, git: Git) -> None:
    opening.open_new(_room(repository))
    before, refs = state_of(repository), git("for-each-ref", cwd=repository)

    changes = opening.open_new(_room(repository))

    assert [change.is_new for change in changes] == [False] * 5
    assert (state_of(repository), git("for-each-ref", cwd=repository)) == (before, refs)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_any_step_is_made_good_by_the_next_init(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    real: Callable[[Room], opening.Change] = getattr(opening, step)

    def crash(room: Room) -> opening.Change:
        if when == "after":
            real(room)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opening, step, crash)
        with pytest.raises(KeyboardInterrupt):
            opening.open_new(_room(repository))
    opening.open_new(_room(repository))

    crashed = (state_of(repository), refs_of(git, repository))
    again = opening.open_new(_room(repository))
    assert [change.is_new for change in again] == [False] * 5
    assert (state_of(repository), refs_of(git, repository)) == crashed
    assert git("rev-list", "--count", "refs/agentroom/main/log/human", cwd=repository) == "1\n"
    assert git("config", "--get-all", "notes.displayRef", cwd=repository) == "refs/notes/agentroom/*\n"


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_file_that_was_cut_off_by_a_crash_is_completed(repository: Path, length: int) -> None:
    template = (opening.templates_dir() / "agentroom.yaml").read_text()
    (repository / ".agentroom.yaml").write_text(template[:length])

    opening.open_new(_room(repository))

    assert (repository / ".agentroom.yaml").read_text() == template


def test_a_users_own_file_is_never_overwritten(repository: Path) -> None:
    (repository / ".agentroom.yaml").write_text("lease: 60\n")

    opening.open_new(_room(repository))
    opening.close(_room(repository))

    assert (repository / ".agentroom.yaml").read_text() == "lease: 60\n"


def test_inits_at_once_open_one_room(repository: Path, git: Git) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            opening.open_new(_room(repository))
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert git("rev-list", "--count", "refs/agentroom/main/log/human", cwd=repository) == "1\n"
    assert git("config", "--get-all", "notes.displayRef", cwd=repository) == "refs/notes/agentroom/*\n"


# Where a room cannot be opened


def _unborn(path: Path, git: Git) -> None:
    git("update-ref", "-d", "HEAD", cwd=path)


def _sparse(path: Path, git: Git) -> None:
    git("sparse-checkout", "set", "src", cwd=path)


def _split(path: Path, git: Git) -> None:
    git("update-index", "--split-index", cwd=path)


def _split_by_setting(path: Path, git: Git) -> None:
    git("config", "core.splitIndex", "true", cwd=path)


def _branch_agentroom(path: Path, git: Git) -> None:
    git("branch", "agentroom", cwd=path)


def _branch_room(path: Path, git: Git) -> None:
    git("branch", "agentroom/main", cwd=path)


def _ref_room(path: Path, git: Git) -> None:
    git("update-ref", "refs/agentroom/main", "HEAD", cwd=path)


def _notes_ref(path: Path, git: Git) -> None:
    git("update-ref", "refs/notes/agentroom", "HEAD", cwd=path)


@pytest.mark.parametrize(
    ("make", "says", "remedy"),
    [
        (_unborn, "has no commit yet", "git commit"),
        (_sparse, "is sparse", "git sparse-checkout disable"),
        (_split, "split index", "--no-split-index"),
        (_split_by_setting, "split index", "--unset core.splitIndex"),
        (_branch_agentroom, "a branch named 'agentroom' is in the way", "git branch -m agentroom agentroom-old"),
        (_branch_room, "a branch named 'agentroom/main'", "git branch -m agentroom/main agentroom-main-old"),
        (_ref_room, "a ref named 'refs/agentroom/main'", "git update-ref -d refs/agentroom/main"),
        (_notes_ref, "a ref named 'refs/notes/agentroom'", "git update-ref -d refs/notes/agentroom"),
    ],
)
def test_an_unfit_repository_is_refused_with_the_remedy_and_nothing_is_changed(
    repository: Path, git: Git, make: Callable[[Path, Git], None], says: str, remedy: str
) -> None:
    make(repository, git)
    before, refs = state_of(repository), git("for-each-ref", cwd=repository)

    with pytest.raises(UsageError, match=says) as refused:
        opening.open_new(_room(repository))

    assert remedy in refused.value.hint
    assert (state_of(repository), git("for-each-ref", cwd=repository)) == (before, refs)


@pytest.mark.parametrize("make", [_split, _branch_agentroom, _branch_room])
def test_the_remedy_of_a_refusal_works(repository: Path, git: Git, make: Callable[[Path, Git], None]) -> None:
    make(repository, git)
    with pytest.raises(UsageError) as refused:
        opening.open_new(_room(repository))
    for command in refused.value.hint.split("; "):
        git(*command.split()[1:], cwd=repository, check=False)

    assert opening.open_new(_room(repository))


def test_a_history_that_is_shown_differently_than_stored_is_refused(repository: Path, git: Git) -> None:
    git("commit", "--quiet", "--allow-empty", "-m", "two", cwd=repository)
    git("replace", "HEAD", "HEAD~1", cwd=repository)
    with pytest.raises(UsageError, match="1 objects of this repository are replaced"):
        opening.open_new(_room(repository))

    git("replace", "--delete", "HEAD", cwd=repository)
    (repository / ".git" / "info" / "grafts").write_text("")
    with pytest.raises(UsageError, match="has grafts"):
        opening.open_new(_room(repository))


def test_a_shallow_clone_is_refused_until_it_is_whole(repository: Path, git: Git, tmp_path: Path) -> None:
    git("commit", "--quiet", "--allow-empty", "-m", "two", cwd=repository)
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth=1", f"file://{repository}", clone, cwd=tmp_path)

    with pytest.raises(UsageError, match="is shallow") as refused:
        opening.open_new(_room(clone))

    git(*refused.value.hint.split()[1:], "--quiet", cwd=clone)
    assert opening.open_new(_room(clone))


def test_a_bare_repository_and_a_worktree_of_one_are_refused(repository: Path, git: Git, tmp_path: Path) -> None:
    bare, linked = tmp_path / "bare.git", tmp_path / "linked"
    git("clone", "--quiet", "--bare", repository, bare, cwd=tmp_path)
    git("worktree", "add", "--quiet", "-b", "topic", linked, cwd=bare)
    for start in (bare, linked):
        with pytest.raises(UsageError, match="is bare") as refused:
            _room(start)
        assert refused.value.hint.startswith("clone it")


def test_a_setting_that_made_the_repository_look_bare_is_named(repository: Path, git: Git) -> None:
    git("config", "core.bare", "true", cwd=repository)
    with pytest.raises(UsageError, match="is bare") as refused:
        _room(repository)
    assert refused.value.hint.endswith(f"git -C {repository} config core.bare false")


def test_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository") as refused:
        _room(tmp_path)
    assert "git init" in refused.value.hint


def test_object_names_by_sha256_are_refused(git: Git, tmp_path: Path) -> None:
    git("init", "--quiet", "--object-format=sha256", cwd=tmp_path)
    with pytest.raises(UsageError, match="sha256") as refused:
        _room(tmp_path)
    assert "sha1" in refused.value.hint


def test_a_reftable_is_refused(repository: Path, git: Git) -> None:
    # git 2.39 cannot make one; this is how later ones mark it.
    git("config", "core.repositoryFormatVersion", "1", cwd=repository)
    git("config", "extensions.refStorage", "reftable", cwd=repository)
    with pytest.raises(UsageError, match="reftable") as refused:
        _room(repository)
    assert refused.value.hint == "git refs migrate --ref-format=files"


def test_an_old_git_is_refused(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    configuration.git_version.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"git 2\.20\.1 is too old") as refused:
            opening.open_new(_room(repository))
    finally:
        configuration.git_version.cache_clear()
    assert refused.value.hint == "install git 2.34 or later"


def test_in_a_linked_worktree_the_main_checkout_is_named(repository: Path, git: Git, tmp_path: Path) -> None:
    git("worktree", "add", "--quiet", "-b", "topic", tmp_path / "linked", cwd=repository)
    for act in (opening.open_new, opening.close):
        with pytest.raises(UsageError, match="is a linked worktree") as refused:
            act(_room(tmp_path / "linked"))
        assert refused.value.hint == f"run it in {repository}"


def test_from_a_folder_below_the_room_is_opened_at_the_top(repository: Path) -> None:
    opening.open_new(_room(repository / "src"))
    assert (repository / ".agentroom.yaml").exists()


def test_a_detached_head_opens_a_room_without_a_base_and_a_later_init_names_one(repository: Path, git: Git) -> None:
    git("checkout", "--quiet", "--detach", cwd=repository)

    changes = opening.open_new(_room(repository))

    assert any("set base: in .agentroom.yaml" in change.what for change in changes)
    assert base_branch(_room(repository)) == ""
    bed = Bed(git, repository)
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    assert len(bed.fold().made) == 1

    git("switch", "--quiet", "main", cwd=repository)
    assert [change.is_new for change in opening.open_new(_room(repository))] == [False, False, True, False, False]
    assert base_branch(_room(repository)) == "refs/heads/main"


def test_another_branch_later_does_not_change_whose_room_it_is(repository: Path, git: Git) -> None:
    opening.open_new(_room(repository))
    git("switch", "--quiet", "-c", "topic", cwd=repository)

    opening.open_new(_room(repository))

    assert base_branch(_room(repository)) == "refs/heads/main"


def test_the_configured_base_is_recorded(repository: Path, git: Git) -> None:
    git("branch", "release", cwd=repository)
    (repository / ".agentroom.yaml").write_text("base: release\nroom: two\n")

    opening.open_new(_room(repository))

    room = _room(repository)
    found = opening.opening(room)
    assert isinstance(found, Opened)
    assert (room.names.room, found.base) == ("two", "release")


def test_a_room_that_was_fetched_from_another_clone_is_told_to_be_another(repository: Path, git: Git) -> None:
    git("update-ref", "refs/remotes/origin/agentroom/main/integration", "HEAD", cwd=repository)

    changes = opening.open_new(_room(repository))

    said = [change.what for change in changes if "another clone's room" in change.what]
    assert len(said) == 1
    assert "origin/agentroom/main/integration" in said[0]
    assert not any("another clone" in change.what for change in opening.open_new(_room(repository)))
