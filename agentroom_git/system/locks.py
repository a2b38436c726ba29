"""Locks between processes on one machine, freed by the kernel when their holder dies.

A lock here only saves work or keeps order; what must be exclusive rests on compare-and-swap of refs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from agentroom_git.errors import AgentroomError

POLL_SECONDS = 0.005
PROBE_SECONDS = 0.25


class LockedError(AgentroomError):
    """Somebody held a lock for longer than the caller would wait."""


@contextmanager
def held(path: Path, *, seconds: float, what: str) -> Iterator[None]:
    """Hold the lock for the block; raise `LockedError` when it was not free within `seconds`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=seconds, thread_local=False)
    try:
        lock.acquire(poll_interval=POLL_SECONDS)
    except Timeout as error:
        raise LockedError(f"{what} is held by another process", hint=f"it frees {path.name} when it ends") from error
    try:
        yield
    finally:
        lock.release()


def try_hold(path: Path) -> FileLock | None:
    """Take the lock until its `release()` or the end of the process; None when somebody else holds it.

    Tries for a moment, as whoever asks `is_held` holds it for microseconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return _acquire(path, PROBE_SECONDS)


def _acquire(path: Path, seconds: float) -> FileLock | None:
    lock = FileLock(path, timeout=seconds, thread_local=False)
    try:
        lock.acquire(poll_interval=POLL_SECONDS)
    except Timeout:
        return None
    return lock


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock just now."""
    if not path.exists():
        return False
    lock = _acquire(path, 0)
    if lock is None:
        return True
    lock.release()
    return False
