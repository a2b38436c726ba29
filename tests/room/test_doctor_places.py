"""The doctor on worktrees and locks: what is told, what is repaired, and what is never touched."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentroom_git.room.doctor import Finding, locks, places
from agentroom_git.system import pids
from agentroom_git.system.git_processes import git_processes
from findings import of_level, only_one, problems
from rooms import Bed


def _worktrees(bed: Bed, *, fix: bool = False) -> Iterator[Finding]:
    return places.examine_worktrees(bed.room(), fix=fix)


def _locks(bed: Bed, *, fix: bool = False) -> Iterator[Finding]:
    return locks.examine_locks(bed.room(), fix=fix)


def test_a_worktree_that_was_deleted_is_a_problem(bed: Bed) -> None:
    bed.join("alice")
    shutil.rmtree(bed.path("alice"))
    found = only_one(_worktrees(bed, fix=True))
    assert found.text == f"alice's worktree {bed.path('alice')}: its folder was deleted"
    assert found.remedy.startswith("agentroom join alice makes it anew")


def test_a_lost_pointer_is_mended_on_demand(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    (bed.path("alice") / ".git").unlink()

    assert only_one(_worktrees(bed)).remedy.startswith("agentroom doctor --fix")
    assert not (bed.path("alice") / ".git").exists()
    assert problems(_worktrees(bed, fix=True)) == []
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? new.txt\n"


def test_the_worktrees_of_a_copied_repository_are_told_and_never_taken(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    copy = Bed(bed.git, tmp_path / "copy")
    shutil.copytree(bed.repository, copy.repository, symlinks=True)

    found = only_one(_worktrees(copy, fix=True))

    assert "it belongs to another repository" in found.text
    assert problems(_worktrees(bed)) == []


def test_a_moved_repository_is_told_from_a_copied_one(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    moved = Bed(bed.git, bed.repository.rename(tmp_path / "moved"))

    assert "the repository was moved here" in only_one(_worktrees(moved)).text
    assert problems(_worktrees(moved, fix=True)) == []
    assert problems(_worktrees(moved)) == []


def _another_branch(bed: Bed) -> None:
    bed.git("switch", "--quiet", "-c", "topic", cwd=bed.path("alice"))


def _detached(bed: Bed) -> None:
    bed.git("switch", "--quiet", "--detach", cwd=bed.path("alice"))


def _bisecting(bed: Bed) -> None:
    bed.git("bisect", "start", cwd=bed.path("alice"))


def _split(bed: Bed) -> None:
    bed.git("update-index", "--split-index", cwd=bed.path("alice"))


def _sparse(bed: Bed) -> None:
    bed.git("sparse-checkout", "set", "src", cwd=bed.path("alice"))


@pytest.mark.parametrize(
    ("make", "level", "says", "remedy"),
    [
        (_another_branch, "notice", "alice is on branch topic", "switch agentroom/main/alice"),
        (_detached, "notice", "alice is on no branch", "switch agentroom/main/alice"),
        (_bisecting, "notice", "a bisect is under way", "status"),
        (_split, "problem", "alice's index is split", "update-index --no-split-index"),
        (_sparse, "problem", "alice's worktree is sparse", "sparse-checkout disable"),
    ],
)
def test_what_keeps_a_worktree_from_being_synced_is_told(
    bed: Bed, make: Callable[[Bed], None], level: str, says: str, remedy: str
) -> None:
    bed.join("alice")
    assert of_level(_worktrees(bed), "notice", "problem") == []
    make(bed)
    found = only_one(_worktrees(bed), level)
    assert says in found.text
    assert found.remedy.startswith(f"git -C {bed.path('alice')} {remedy}")


def test_a_worktree_inside_another_checkout_is_told(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("worktrees: agents\n")
    bed.join("alice")
    found = only_one(_worktrees(bed), "notice")
    assert f"lies inside {bed.repository}" in found.text


def test_what_a_killed_add_left_is_told(bed: Bed) -> None:
    bed.join("alice", "bob")
    for name in ("alice", "bob"):
        entry = bed.repository / ".git" / "worktrees" / name
        for made_later in ("agentroom-identity", "agentroom-ready"):
            (entry / made_later).unlink()
        (entry / "locked").write_text("initializing")
    (bed.repository / ".git" / "worktrees" / "bob" / "gitdir").unlink()

    half, interrupted = problems(_worktrees(bed))

    assert half.remedy == f"rm -r {bed.repository / '.git' / 'worktrees' / 'bob'}"
    assert interrupted.remedy == "agentroom join alice"


# The locks


@contextmanager
def _git_at_work(cwd: Path) -> Iterator[int]:
    """A git process that lives in the repository until it is no longer wanted."""
    process = subprocess.Popen(["git", "cat-file", "--batch"], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"HEAD\n")
        process.stdin.flush()
        process.stdout.readline()  # by now it is git and no longer this program
        yield process.pid
    finally:
        process.communicate()


@pytest.mark.parametrize(
    "name",
    ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "refs/agentroom/main/claims.lock",
     "refs/heads/agentroom/main/alice.lock", "refs/notes/agentroom/main.lock", "worktrees/alice/index.lock"],
)  # fmt: skip
def test_a_lock_of_gits_is_told_and_never_removed(bed: Bed, name: str) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (0, 0))

    found = only_one(_locks(bed, fix=True))

    assert str(lock) in found.text
    assert "no git process is at work here" in found.text
    assert found.remedy.endswith(f"rm {lock}")
    assert lock.exists()


def test_a_lock_is_waited_for_while_git_lives_in_the_repository(bed: Bed) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / "worktrees" / "alice" / "index.lock"
    lock.touch()
    for cwd in (bed.repository, bed.repository / "src", bed.path("alice")):
        with _git_at_work(cwd) as pid:
            found = only_one(_locks(bed, fix=True), "notice")
            assert f"git is at work here (pid {pid})" in found.text
            assert found.remedy == "wait for it to end"
    assert lock.exists()
    assert only_one(_locks(bed)).level == "problem"


def test_git_in_another_repository_does_not_count(bed: Bed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    bed.git("clone", "--quiet", bed.repository, other, cwd=tmp_path)
    with _git_at_work(other):
        assert git_processes([bed.repository]) == []
        assert git_processes([tmp_path]) != []


def test_a_git_that_was_pointed_at_the_repository_counts(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(bed.repository / ".git"))
    with _git_at_work(tmp_path) as pid:
        assert git_processes([bed.repository]) == [pid]


def test_our_own_lock_of_a_dead_process_is_removed_on_demand_and_a_live_one_never(bed: Bed) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / "worktrees" / "alice" / "index.lock"
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock.write_text(f"agentroom {dead.pid} 1@boot\n")

    assert only_one(_locks(bed)).remedy == "agentroom doctor --fix"
    assert lock.exists()
    texts = [finding.text for finding in _locks(bed, fix=True)]
    assert texts == [
        f"removed a lock in {lock.parent} that a killed sync had left",
        "no lock is held in the repository",
    ]
    assert not lock.exists()

    lock.write_text(f"agentroom {pids.own_name()}\n")
    assert "a sync of ours is at work" in only_one(_locks(bed, fix=True), "notice").text
    assert lock.exists()


def test_a_lock_that_only_looks_like_ours_is_left(bed: Bed) -> None:
    lock = bed.repository / ".git" / "index.lock"
    lock.write_bytes(b"DIRC agentroom 1 1")
    only_one(_locks(bed, fix=True))
    assert lock.exists()


def test_a_deleted_branch_is_a_problem_that_can_be_repaired(bed: Bed) -> None:
    bed.join("alice")
    tip = bed.commit("alice", {"a.txt": "alice\n"})
    bed.git("update-ref", "-d", "refs/heads/agentroom/main/alice", cwd=bed.repository)

    found = only_one(_worktrees(bed))
    assert "alice's branch agentroom/main/alice was deleted" in found.text
    assert "--fix" in found.remedy

    assert not problems(_worktrees(bed, fix=True))
    assert bed.head("alice") == tip
