"""Linked worktrees in every state that git, people and crashes leave them in."""

import shutil
from pathlib import Path

import pytest

from agentroom_git.core.ids import Oid, parse_agent, parse_room
from agentroom_git.git import worktrees
from agentroom_git.git.repo import Repo, open_repo
from agentroom_git.git.worktrees import Identity, Worktree, WorktreeError
from rooms import Git

ALICE = Identity(parse_room("main"), parse_agent("alice"))


def _add(repository: Path, git: Git, name: str = "alice") -> tuple[Repo, Worktree]:
    repo = open_repo(repository)
    start = Oid(git("rev-parse", "HEAD", cwd=repository).strip())
    path = repository.parent / "agents" / name
    identity = Identity(ALICE.room, parse_agent(name))
    return repo, worktrees.add_worktree(repo, path, f"agentroom/main/{name}", start, identity)


def _again(repo: Repo, worktree: Worktree) -> Worktree:
    found = worktrees.read_worktree(repo, worktree.name)
    assert found is not None
    return found


def test_a_new_worktree_is_sound_and_says_whose_it_is(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)

    assert made.problem == ""
    assert (made.identity, made.branch) == (ALICE, "refs/heads/agentroom/main/alice")
    assert made.head == git("rev-parse", "HEAD", cwd=made.path).strip()
    assert worktrees.identity_here(open_repo(made.path / "src")) == ALICE
    assert worktrees.identity_here(repo) is None
    assert worktrees.list_worktrees(repo) == [made]
    assert git("status", "--porcelain", cwd=made.path) == ""


def test_a_prune_that_cannot_see_the_folder_leaves_the_entry(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    made.path.rename(made.path.with_name("hidden"))

    git("worktree", "prune", cwd=repository)

    assert _again(repo, made).problem == "its folder was deleted"
    made.path.with_name("hidden").rename(made.path)
    assert _again(repo, made) == made


def test_identity_survives_a_clean_and_another_branch(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)

    git("clean", "-fdxq", cwd=made.path)
    git("switch", "--quiet", "-c", "elsewhere", cwd=made.path)

    found = _again(repo, made)
    assert (found.identity, found.branch) == (ALICE, "refs/heads/elsewhere")


def test_a_detached_head_has_no_branch(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)

    git("checkout", "--quiet", "--detach", cwd=made.path)

    found = _again(repo, made)
    assert (found.branch, found.head, found.problem) == ("", made.head, "")


def test_a_worktree_made_by_hand_is_known_by_its_branch(repository: Path, git: Git) -> None:
    git("worktree", "add", "--quiet", "-b", "agentroom/main/bob", repository.parent / "b", cwd=repository)
    git("worktree", "add", "--quiet", "-b", "agentroom/main/head", repository.parent / "h", cwd=repository)
    git("worktree", "add", "--quiet", "-b", "topic", repository.parent / "t", cwd=repository)

    found = {one.path.name: one.identity for one in worktrees.list_worktrees(open_repo(repository))}

    assert found == {"b": Identity(ALICE.room, parse_agent("bob")), "h": None, "t": None}


def test_a_lost_pointer_is_mended_with_everything_as_it_was(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    (made.path / "staged.txt").write_text("staged\n")
    git("add", "staged.txt", cwd=made.path)
    (made.path / "README.md").write_text("edited\n")
    before = git("status", "--porcelain", cwd=made.path)
    (made.path / ".git").unlink()

    broken = _again(repo, made)
    assert (broken.problem, broken.is_mendable) == ("its .git file is gone", True)
    worktrees.mend(broken)

    assert _again(repo, made) == made
    assert git("status", "--porcelain", cwd=made.path) == before


@pytest.mark.parametrize("left", [b"", b"\0" * 41])
@pytest.mark.parametrize("detached", [False, True])
def test_a_head_that_a_power_cut_emptied_is_put_back(repository: Path, git: Git, left: bytes, detached: bool) -> None:
    repo, made = _add(repository, git)
    if detached:
        git("checkout", "--quiet", "--detach", cwd=made.path)
        git("commit", "--quiet", "--allow-empty", "-m", "detached", cwd=made.path)
    (made.path / "staged.txt").write_text("staged\n")
    git("add", "staged.txt", cwd=made.path)
    before, status = _again(repo, made), git("status", "--porcelain", cwd=made.path)
    (made.git_dir / "HEAD").write_bytes(left)

    broken = _again(repo, made)
    assert (broken.identity, broken.problem, broken.is_mendable) == (made.identity, "its HEAD is lost", True)
    worktrees.mend(broken)

    assert _again(repo, made) == before
    assert git("status", "--porcelain", cwd=made.path) == status


def test_a_prepared_worktree_is_never_taken_for_one_whose_making_was_interrupted(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    worktrees.mark_ready(made)
    for name in ("HEAD", worktrees.IDENTITY):
        (made.git_dir / name).write_bytes(b"")

    assert _again(repo, made).problem == "its HEAD is lost"


def test_a_folder_with_other_content_is_not_taken_for_the_worktree(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    shutil.rmtree(made.path)
    made.path.mkdir()
    (made.path / "mine.txt").write_text("mine\n")

    with pytest.raises(WorktreeError, match="holds none of the worktree's files"):
        worktrees.mend(_again(repo, made))

    assert [entry.name for entry in made.path.iterdir()] == ["mine.txt"]


def test_a_copy_of_the_repository_does_not_own_the_worktrees(repository: Path, git: Git) -> None:
    _, made = _add(repository, git)
    copy = repository.parent / "copy"
    shutil.copytree(repository, copy, symlinks=True)

    (found,) = worktrees.list_worktrees(open_repo(copy))

    assert found.problem == f"it belongs to another repository ({made.git_dir})"
    assert not found.is_mendable
    worktrees.remove_worktree(open_repo(copy), found)
    assert worktrees.list_worktrees(open_repo(copy)) == []
    assert worktrees.list_worktrees(open_repo(repository)) == [made]
    assert git("status", "--porcelain", cwd=made.path) == ""


def test_a_repository_that_was_moved_gets_its_worktrees_back(repository: Path, git: Git) -> None:
    _, made = _add(repository, git)
    moved = repository.rename(repository.parent / "moved")

    (broken,) = worktrees.list_worktrees(open_repo(moved))
    assert broken.problem == f"the repository was moved here from {repository}"
    worktrees.mend(broken)

    (found,) = worktrees.list_worktrees(open_repo(moved))
    assert found.problem == ""
    assert git("rev-parse", "HEAD", cwd=made.path).strip() == made.head


def test_removal_leaves_what_links_lead_to(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    outside = repository.parent / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept\n")
    (made.path / "node_modules").symlink_to(outside)
    (made.path / "src" / "linked.txt").symlink_to(outside / "kept.txt")

    worktrees.remove_worktree(repo, made)

    assert not made.path.exists()
    assert (outside / "kept.txt").read_text() == "kept\n"
    assert worktrees.list_worktrees(repo) == []


def test_a_lock_of_somebody_elses_is_known_and_stops_removal(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    git("worktree", "unlock", made.path, cwd=repository)
    git("worktree", "lock", "--reason", "on a stick", made.path, cwd=repository)

    found = _again(repo, made)

    assert found.lock == "on a stick"
    with pytest.raises(WorktreeError, match="override or unlock"):
        worktrees.remove_worktree(repo, found)
    assert made.path.exists()


@pytest.mark.parametrize("lost", ["HEAD", "index", "commondir", ".git", "folder"])
def test_what_a_killed_add_left_is_nobodys_and_can_be_removed(repository: Path, git: Git, lost: str) -> None:
    repo, made = _add(repository, git)
    for name in ("agentroom-identity", *([lost] if lost in ("HEAD", "index", "commondir") else [])):
        (made.git_dir / name).unlink()
    (made.git_dir / "locked").write_text("initializing")
    (made.path / "README.md").unlink()
    if lost == ".git":
        (made.path / ".git").unlink()
        shutil.rmtree(made.path / "src")
    if lost == "folder":
        shutil.rmtree(made.path)

    found = _again(repo, made)
    assert (found.problem, found.identity, found.lock) == ("its making was interrupted", None, None)
    worktrees.remove_interrupted(repo, found)

    assert worktrees.list_worktrees(repo) == []
    assert not made.path.exists() or lost == ".git"
    git("fsck", "--strict", cwd=repository)


def test_an_entry_that_says_nothing_is_listed_apart(repository: Path, git: Git) -> None:
    repo, made = _add(repository, git)
    (made.git_dir / "gitdir").unlink()

    assert worktrees.list_worktrees(repo) == []
    assert worktrees.half_made(repo) == [made.git_dir]


def test_a_branch_that_is_checked_out_elsewhere_is_refused_with_the_remedy(repository: Path, git: Git) -> None:
    git("switch", "--quiet", "-c", "agentroom/main/alice", cwd=repository)

    with pytest.raises(WorktreeError, match="already checked out") as refused:
        _add(repository, git)

    assert refused.value.hint == "switch to another branch than agentroom/main/alice there"


def test_a_split_index_is_told(repository: Path, git: Git) -> None:
    assert worktrees.index_problem(repository) == ""

    git("update-index", "--split-index", cwd=repository)

    assert "link" in worktrees.index_problem(repository)
