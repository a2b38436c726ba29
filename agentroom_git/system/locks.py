"""Locks between processes on one machine, freed by the kernel when their holder dies.

A lock here only saves work or keeps order; what must be exclusive rests on compare-and-swap of refs. The files stay:
who waits and who holds must mean the same one.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.errors import AgentroomError

POLL_SECONDS = 0.005
PROBE_SECONDS = 0.25
# A link in the file's place is not followed, nor waited for what is no file.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Some network file systems say the first of them.
_IS_HELD = frozenset({errno.EACCES, errno.EAGAIN})
_IS_UNKNOWN = frozenset({errno.ENOSYS, errno.ENOTSUP})


class LockedError(AgentroomError):
    """Somebody held a lock for longer than the caller would wait."""


class UnlockableError(AgentroomError):
    """The file system knows no locks."""


@dataclass(slots=True)
class Lock:
    """A lock that this process holds until `release`, or until it ends."""

    handle: int

    def release(self) -> None:
        if self.handle >= 0:
            # A process that was forked off meanwhile has the same handle: without this it would hold the lock.
            fcntl.flock(self.handle, fcntl.LOCK_UN)
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
    lock = _take(path)
    end = time.monotonic() + seconds if lock is None else 0.0
    while lock is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        lock = _take(path)
    return lock


def _take(path: Path) -> Lock | None:
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in _IS_HELD:
            return None
        if error.errno in _IS_UNKNOWN:
            where = f"the file system of {path.parent} knows no file locks"
            raise UnlockableError(where, hint="mount it with them, or move the repository") from error
        raise
    if os.fstat(handle).st_nlink:
        return Lock(handle)
    # Removed between the two calls: the lock is the file that is made next.
    os.close(handle)
    return _take(path)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o666)
