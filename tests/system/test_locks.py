"""Locks between processes: asking whether one is held must not keep anybody from taking it."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from agentroom_git.system.locks import LockedError, held, is_held, try_hold

_ASK = """
import sys
from pathlib import Path
from agentroom_git.system.locks import is_held
print("asking", flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    assert not is_held(path)
    lock = try_hold(path)
    assert lock is not None
    assert is_held(path)
    assert try_hold(path) is None
    lock.release()
    assert not is_held(path)


def test_a_free_lock_can_be_taken_however_often_others_ask_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    asking = subprocess.Popen([sys.executable, "-c", _ASK, path], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    asking.stdout.readline()
    try:
        for _ in range(100):
            lock = try_hold(path)
            assert lock is not None
            lock.release()
    finally:
        asking.kill()
        asking.communicate()


def test_who_waits_for_too_long_is_told_what_is_held(tmp_path: Path) -> None:
    for _ in range(2):  # the file is made, and there already
        lock = try_hold(tmp_path / "some.lock")
        assert lock is not None
        with (
            pytest.raises(LockedError, match="the tea kettle is held by another process"),
            held(tmp_path / "some.lock", seconds=0.01, what="the tea kettle"),
        ):
            pass
        lock.release()
        lock.release()


def test_a_lock_of_the_librarys_keeps_ours_out_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with FileLock(path, timeout=0):
        assert is_held(path)
    ours = try_hold(path)
    assert ours is not None
    with pytest.raises(Timeout):
        FileLock(path, timeout=0).acquire()
    ours.release()


def test_a_lock_that_was_removed_before_it_was_got_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    path.touch()
    flock, late = fcntl.flock, [path]

    def remove_first(handle: int, operation: int) -> None:
        if late:
            late.pop().unlink()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    lock = try_hold(path)
    assert lock is not None
    assert path.exists()
    assert is_held(path)
    lock.release()


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        try_hold(tmp_path / "lock")


def test_what_was_forked_off_meanwhile_keeps_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    lock = try_hold(path)
    assert lock is not None
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    lock.release()
    try:
        assert not is_held(path)
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_where_the_file_system_knows_no_locks_the_library_keeps_a_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    path = tmp_path / "lock"
    lock = try_hold(path)
    assert lock is not None
    assert is_held(path)
    lock.release()
    assert not is_held(path)
