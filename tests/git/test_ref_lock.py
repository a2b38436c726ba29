"""Locks of refs that a kill leaves: ours are cleared at once, others never while git is at work in the repository."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.git import ref_lock
from agentroom_git.git.ref_lock import RefError
from agentroom_git.git.refs import Refs
from rooms import Bed

REF = "refs/agentroom/main/log/human"
PROGRAM = """
import os, signal, sys
from pathlib import Path
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

def failpoint(step):
    if step.startswith("move"):
        print("locked", flush=True)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()

refs = open_room(Path.cwd(), SystemClock(), failpoint=failpoint).refs
tip = refs.get(sys.argv[1])
refs.swap(sys.argv[1], refs.get("refs/heads/main"), tip)
"""


@pytest.fixture
def refs(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> Refs:
    monkeypatch.setattr(ref_lock, "WATCH_SECONDS", 0.2)
    return bed.room().refs


def _lock_of(bed: Bed) -> Path:
    return bed.repository / ".git" / f"{REF}.lock"


def _holder(bed: Bed, then: str) -> subprocess.Popen[str]:
    """Start a process of ours that holds the ref's lock."""
    command = [sys.executable, "-c", PROGRAM, REF, then]
    process = subprocess.Popen(
        command, cwd=bed.repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("")


@pytest.fixture
def git_at_work(bed: Bed) -> Iterator[None]:
    """A git process that goes on for as long as the test."""
    with subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=bed.repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"HEAD^{tree}\n")
        process.stdin.flush()
        process.stdout.readline()
        yield
        process.kill()


def _move(bed: Bed, refs: Refs) -> bool:
    target = refs.get("refs/heads/main")
    assert target is not None
    return refs.swap(REF, target, refs.get(REF))


def test_a_ref_that_was_moved_under_a_marked_lock_holds_its_value_and_nothing_else(bed: Bed, refs: Refs) -> None:
    assert _move(bed, refs)
    assert (bed.repository / ".git" / REF).read_text() == f"{refs.get('refs/heads/main')}\n"


@pytest.mark.usefixtures("git_at_work")
def test_the_lock_of_a_killed_process_of_ours_is_cleared_even_while_git_is_at_work(bed: Bed, refs: Refs) -> None:
    holder = _holder(bed, "die")
    holder.wait()
    assert _lock_of(bed).read_text().startswith(f"agentroom {holder.pid} ")

    assert _move(bed, refs)
    assert not _lock_of(bed).exists()
    _end(holder)


def test_the_lock_of_a_process_of_ours_that_lives_is_waited_for(
    bed: Bed, refs: Refs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ref_lock, "LOCK_SECONDS", 0.6)
    holder = _holder(bed, "wait")
    os.killpg(holder.pid, signal.SIGSTOP)
    try:
        with pytest.raises(RefError, match="is locked"):
            _move(bed, refs)
        assert _lock_of(bed).exists()
    finally:
        os.killpg(holder.pid, signal.SIGCONT)
        _end(holder)
    assert refs.get(REF) == refs.get("refs/heads/main")


def test_a_lock_without_a_name_is_cleared_when_nobody_can_hold_it(bed: Bed, refs: Refs) -> None:
    _lock_of(bed).write_text("")
    assert _move(bed, refs)


@pytest.mark.usefixtures("git_at_work")
def test_a_lock_without_a_name_stays_while_git_is_at_work_in_the_repository(
    bed: Bed, refs: Refs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ref_lock, "LOCK_SECONDS", 0.6)
    _lock_of(bed).write_text("")
    with pytest.raises(RefError, match="is locked"):
        _move(bed, refs)
    assert _lock_of(bed).exists()


def test_a_lock_on_a_ref_of_the_users_is_never_cleared(bed: Bed, refs: Refs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ref_lock, "LOCK_SECONDS", 0.6)
    lock = bed.repository / ".git/refs/heads/theirs.lock"
    lock.write_text("")
    with pytest.raises(RefError, match="is locked"):
        refs.swap("refs/heads/theirs", refs.get("refs/heads/main"), None)
    assert lock.exists()
