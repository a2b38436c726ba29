"""What a worktree holds and integration does not is kept, and can be had back."""

import os
from pathlib import Path

import pytest

from agentroom_git.core.ids import Oid, parse_agent, parse_room
from agentroom_git.git import archive, worktrees
from agentroom_git.git.archive import ArchiveError
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import open_repo
from agentroom_git.git.worktrees import Identity, Worktree
from agentroom_git.system.clock import SystemClock
from rooms import Git

ALICE = parse_agent("alice")
PREFIX = "refs/agentroom/main/archive/alice/"


@pytest.fixture
def worktree(repository: Path, git: Git) -> Worktree:
    repo = open_repo(repository)
    start = Oid(git("rev-parse", "HEAD", cwd=repository).strip())
    identity = Identity(parse_room("main"), ALICE)
    return worktrees.add_worktree(repo, repository.parent / "alice", "agentroom/main/alice", start, identity)


def _now(worktree: Worktree) -> Worktree:
    found = worktrees.read_worktree(open_repo(worktree.path), worktree.name)
    assert found is not None
    return found


def _files(git: Git, cwd: Path, commit: str) -> dict[str, str]:
    names = git("ls-tree", "-r", "-z", "--name-only", commit, cwd=cwd).split("\0")
    return {name: git("show", f"{commit}:{name}", cwd=cwd) for name in names if name}


def _snapshot(worktree: Worktree) -> Oid:
    taken = archive.snapshot(_now(worktree), ALICE)
    assert taken is not None
    return taken


def test_a_clean_worktree_has_nothing_to_keep(worktree: Worktree) -> None:
    os.utime(worktree.path / "README.md")
    assert archive.snapshot(worktree, ALICE) is None


def test_staged_unstaged_untracked_and_deleted_are_all_in_the_snapshot(worktree: Worktree, git: Git) -> None:
    top = worktree.path
    (top / "README.md").write_text("staged\n")
    git("add", "README.md", cwd=top)
    (top / "README.md").write_text("and edited again\n")
    (top / "new\nline.txt").write_text("untracked\n")
    (top / "src" / "util.py").unlink()
    (top / "src" / "app.py").chmod(0o755)
    (top / "link").symlink_to("README.md")

    taken = _snapshot(worktree)

    before = git("rev-parse", "HEAD", cwd=top).strip()
    assert git("rev-parse", f"{taken}^1", cwd=top).strip() == before
    files = _files(git, top, taken)
    assert sorted(files) == ["README.md", "link", "new\nline.txt", "src/app.py"]
    assert files["README.md"] == "and edited again\n"
    assert _files(git, top, f"{taken}^2")["README.md"] == "staged\n"
    modes = {line.split()[0] for line in git("ls-tree", "-r", taken, cwd=top).splitlines()}
    assert modes == {"100644", "100755", "120000"}
    assert git("log", "-1", "--format=%an", taken, cwd=top).strip() == "alice"


def test_taking_a_snapshot_changes_nothing_in_the_worktree(worktree: Worktree, git: Git) -> None:
    (worktree.path / "README.md").write_text("edited\n")
    (worktree.path / "new.txt").write_text("new\n")
    git("add", "new.txt", cwd=worktree.path)
    before = (git("status", "--porcelain", cwd=worktree.path), (worktree.git_dir / "index").read_bytes())

    _snapshot(worktree)

    assert ((worktree.git_dir / "index").read_bytes(), git("status", "--porcelain", cwd=worktree.path)) == before[::-1]
    assert not list(worktree.git_dir.glob("tmp*"))


def test_an_ignored_file_that_was_staged_by_force_is_kept_as_it_is_on_disk(worktree: Worktree, git: Git) -> None:
    (worktree.path / ".gitignore").write_text("*.log\n")
    (worktree.path / "run.log").write_text("staged\n")
    (worktree.path / "other.log").write_text("ignored\n")
    git("add", "--force", "run.log", cwd=worktree.path)
    (worktree.path / "run.log").write_text("and edited\n")

    files = _files(git, worktree.path, _snapshot(worktree))

    assert files["run.log"] == "and edited\n"
    assert "other.log" not in files


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_edits_that_a_flag_hides_from_git_are_kept(worktree: Worktree, git: Git, flag: str) -> None:
    git("update-index", flag, "README.md", cwd=worktree.path)
    (worktree.path / "README.md").write_text("hidden edit\n")
    assert git("status", "--porcelain", cwd=worktree.path) == ""

    assert _files(git, worktree.path, _snapshot(worktree))["README.md"] == "hidden edit\n"


def test_a_folder_in_place_of_a_file_and_a_link_in_place_of_a_folder(worktree: Worktree, git: Git) -> None:
    outside = worktree.path.parent / "outside"
    outside.mkdir()
    (outside / "app.py").write_text("outside\n")
    (worktree.path / "README.md").unlink()
    (worktree.path / "README.md").mkdir()
    (worktree.path / "README.md" / "x").write_text("x\n")
    git("rm", "-r", "--quiet", "--cached", "src/util.py", cwd=worktree.path)
    for file in (worktree.path / "src").iterdir():
        file.unlink()
    (worktree.path / "src").rmdir()
    (worktree.path / "src").symlink_to(outside)

    assert _files(git, worktree.path, _snapshot(worktree)) == {"README.md/x": "x\n", "src": str(outside)}


def test_conflicts_without_a_merge_are_kept_as_the_files_show_them(worktree: Worktree, git: Git) -> None:
    top = worktree.path
    (top / "README.md").write_text("stashed\n")
    git("stash", "--quiet", cwd=top)
    (top / "README.md").write_text("committed\n")
    git("commit", "--quiet", "-am", "other", cwd=top)
    git("stash", "pop", "--quiet", cwd=top, check=False)

    taken = _snapshot(worktree)

    shown = _files(git, top, taken)["README.md"]
    assert "stashed" in shown
    assert "<<<<<<<" in shown
    assert git("rev-list", "--parents", "-1", taken, cwd=top).split()[1:] == [_now(worktree).head]


def test_what_git_cannot_add_stops_everything(worktree: Worktree, git: Git) -> None:
    (worktree.path / ".gitattributes").write_text("*.txt working-tree-encoding=UTF-16\n")
    (worktree.path / "x.txt").write_text("no UTF-16\n")

    with pytest.raises(ArchiveError, match="git add failed|git update-index failed"):
        archive.snapshot(worktree, ALICE)


def test_what_only_the_reflog_of_the_worktree_names_is_found(worktree: Worktree, git: Git) -> None:
    assert archive.lost_commits(worktree) == []
    git("checkout", "--quiet", "--detach", cwd=worktree.path)
    lost = []
    for number in range(2):
        git("commit", "--quiet", "--allow-empty", "-m", f"one {number}", cwd=worktree.path)
        git("commit", "--quiet", "--allow-empty", "-m", f"two {number}", cwd=worktree.path)
        lost.append(git("rev-parse", "HEAD", cwd=worktree.path).strip())
        git("checkout", "--quiet", "--detach", "agentroom/main/alice", cwd=worktree.path)

    assert sorted(archive.lost_commits(_now(worktree))) == sorted(lost)


@pytest.mark.parametrize("name", ["refs/worktree/deep/keep", "refs/bisect/bad", "refs/rewritten/onto"])
def test_what_only_a_ref_of_the_worktrees_own_names_is_found(worktree: Worktree, git: Git, name: str) -> None:
    tree = git("rev-parse", "HEAD^{tree}", cwd=worktree.path).strip()
    noted = git("commit-tree", tree, "-p", "HEAD", "-m", "noted", cwd=worktree.path).strip()
    git("update-ref", name, noted, cwd=worktree.path)
    assert archive.lost_commits(worktree) == [noted]

    git("commit", "--quiet", "--allow-empty", "-m", "reset away", cwd=worktree.path)
    lost = git("rev-parse", "HEAD", cwd=worktree.path).strip()
    git("update-ref", name, lost, cwd=worktree.path)
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=worktree.path)
    assert archive.lost_commits(_now(worktree)) == [lost]


def test_kept_commits_are_numbered_and_none_is_kept_twice(repository: Path, git: Git) -> None:
    repo = open_repo(repository)
    refs = Refs(repo.handle, repo.common_dir, SystemClock(), repo.private_dir / "refs.lock")
    one = Oid(git("rev-parse", "HEAD", cwd=repository).strip())
    git("commit", "--quiet", "--allow-empty", "-m", "two", cwd=repository)
    two = Oid(git("rev-parse", "HEAD", cwd=repository).strip())

    names = [archive.keep(refs, PREFIX, commit) for commit in (one, two, one)]

    assert names == [f"{PREFIX}1", f"{PREFIX}2", f"{PREFIX}1"]
    assert refs.listed(PREFIX) == {f"{PREFIX}1": one, f"{PREFIX}2": two}


def test_repositories_below_the_worktree_are_found_without_following_links(worktree: Worktree, git: Git) -> None:
    for name in ("vendor/lib", "node_modules/skipped", "deep/a/b"):
        (worktree.path / name).mkdir(parents=True)
        git("init", "--quiet", cwd=worktree.path / name)
    other = worktree.path.parent / "other"
    other.mkdir()
    git("init", "--quiet", cwd=other)
    (worktree.path / "linked").symlink_to(other)

    assert sorted(archive.nested_repositories(worktree, {"node_modules"})) == ["deep/a/b/", "vendor/lib/"]


def test_files_of_other_repositories_are_not_listed_as_untracked(worktree: Worktree, git: Git) -> None:
    (worktree.path / ".gitignore").write_text("*.log\n")
    (worktree.path / "a.log").write_text("a\n")
    (worktree.path / "sub").mkdir()
    git("init", "--quiet", cwd=worktree.path / "sub")
    (worktree.path / "folder").symlink_to("src")

    assert archive.untracked_files(worktree.path) == [".gitignore", "a.log", "folder"]
    assert archive.ignored_files(worktree) == ["a.log"]
