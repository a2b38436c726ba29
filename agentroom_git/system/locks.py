"""Locks between processes on one machine, freed by the kernel when their holder dies.

A lock here only saves work or keeps order; what must be exclusive rests on compare-and-swap of refs.

A lock object of filelock's minds much that is not asked for here, which takes a tenth of a fold. So a lock's file that
is there already, as it is but for the first time, is opened here and locked by the library. The library's whole way is
gone where there is none yet, and where the file system knows no locks: then it keeps a marker in the file's place.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout, lock_descriptor, unlock_descriptor

from agentroom_git.errors import AgentroomError

POLL_SECONDS = 0.005
PROBE_SECONDS = 0.25
# A link in the file's place is not followed, nor waited for what is no file.
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LockedError(AgentroomError):
    """Somebody held a lock for longer than the caller would wait."""


class Lock(Protocol):
    """A lock that this process holds until `release`, or until it ends."""

    def release(self) -> None: ...


@dataclass(slots=True)
class _Descriptor:
    handle: int

    def release(self) -> None:
        if self.handle >= 0:
            # A process that was forked off meanwhile has the same handle: closed here alone, it would stay locked.
            unlock_descriptor(self.handle)
            os.close(self.handle)
            self.handle = -1


@contextmanager
def held(path: Path, *, seconds: float, what: str) -> Iterator[None]:
    """Hold the lock for the block; raise `LockedError` when it was not free within `seconds`."""
    lock = _acquire(path, seconds)
    if lock is None:
        raise LockedError(f"{what} is held by another process", hint=f"it frees {path.name} when it ends")
    try:
        yield
    finally:
        lock.release()


def try_hold(path: Path) -> Lock | None:
    """Take the lock until its `release()` or the end of the process; None when somebody else holds it.

    Tries for a moment, as whoever asks `is_held` holds it for microseconds.
    """
    return _acquire(path, PROBE_SECONDS)


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock just now."""
    if not path.exists():
        return False
    lock = _acquire(path, 0)
    if lock is None:
        return True
    lock.release()
    return False


def _acquire(path: Path, seconds: float) -> Lock | None:
    end = time.monotonic() + seconds
    while (handle := _open(path)) is not None:
        try:
            lock = _lock(handle)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOSYS):
                raise
            break
        if lock is not None or time.monotonic() >= end:
            return lock
        time.sleep(POLL_SECONDS)
    return _acquire_by_library(path, seconds)


def _lock(handle: int) -> Lock | None:
    """Lock the file without waiting, or close it."""
    lock: Lock | None = None
    try:
        if lock_descriptor(handle, blocking=False):
            if not os.fstat(handle).st_nlink:
                raise FileNotFoundError(errno.ENOENT, "removed before it was locked: the next one is the lock")
            lock = _Descriptor(handle)
    finally:
        if lock is None:
            os.close(handle)
    return lock


def _open(path: Path) -> int | None:
    """Return a handle on the lock's file, or None where it is the library's to open it."""
    try:
        return os.open(path, _FLAGS)
    except (FileNotFoundError, PermissionError, BlockingIOError):
        return None
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # Whoever only looks whether it is held can do so here, too.
        return os.open(path, _FLAGS & ~os.O_RDWR)


def _acquire_by_library(path: Path, seconds: float) -> Lock | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=seconds, thread_local=False)
    try:
        lock.acquire(poll_interval=POLL_SECONDS)
    except Timeout:
        return None
    return lock
