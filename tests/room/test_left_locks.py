"""What a killed process of ours leaves in a worktree is cleared; what git or a living process holds stays."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.git import ref_lock
from agentroom_git.git.worktree_lock import hold
from agentroom_git.room.left_locks import clear_left_locks
from agentroom_git.system.failpoint import silent
from rooms import Bed

DIES_HOLDING = """
import os, signal, sys
from pathlib import Path
from agentroom_git.git.worktree_lock import hold

with hold(Path(sys.argv[1]), lambda step: None):
    os.kill(os.getpid(), signal.SIGKILL)
"""

WAITS_HOLDING = """
import sys
from pathlib import Path
from agentroom_git.git.worktree_lock import hold

with hold(Path(sys.argv[1]), lambda step: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def _git_dir(bed: Bed, name: str) -> Path:
    return bed.repository / ".git" / "worktrees" / name


def test_locks_of_the_dead_go_and_the_agents_git_works_again(bed: Bed) -> None:
    bed.join("alice", "bob")
    subprocess.run([sys.executable, "-c", DIES_HOLDING, _git_dir(bed, "alice")])
    assert (_git_dir(bed, "alice") / "index.lock").exists()

    assert clear_left_locks(bed.room())
    bed.commit("alice", {"a.txt": "works\n"})
    assert not clear_left_locks(bed.room())


def test_a_branch_lock_without_a_mark_stays_while_a_living_sync_has_a_worktree(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ref_lock, "WATCH_SECONDS", 0.0)
    bed.join("alice")
    lock = bed.repository / ".git/refs/heads/agentroom/main/alice.lock"
    lock.write_text("")
    command = [sys.executable, "-c", WAITS_HOLDING, _git_dir(bed, "alice")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sync:
        assert sync.stdout is not None
        sync.stdout.readline()
        assert not clear_left_locks(bed.room())
        sync.communicate()
    assert clear_left_locks(bed.room())
    assert not lock.exists()


def test_locks_of_git_and_of_the_living_stay(bed: Bed) -> None:
    bed.join("alice", "bob")
    foreign = _git_dir(bed, "alice") / "index.lock"
    foreign.write_text("")
    with hold(_git_dir(bed, "bob"), silent):
        assert not clear_left_locks(bed.room())
        assert (_git_dir(bed, "bob") / "index.lock").exists()
    assert foreign.exists()


@pytest.mark.parametrize("ref", ["archive/alice/1", "contested/0123456789ab"])
def test_the_lock_of_a_ref_that_nobody_may_ever_need_again_goes(bed: Bed, ref: str) -> None:
    bed.join("alice")
    lock = bed.repository / f".git/refs/agentroom/main/{ref}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("agentroom 999999 1@none\n")

    assert clear_left_locks(bed.room())
    assert not lock.exists()
