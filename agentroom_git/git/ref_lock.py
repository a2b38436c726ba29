"""The lock of one ref while it is moved: git's own `<ref>.lock`, taken by libgit2 and marked as ours.

libgit2 makes the file empty and puts the new value into it only at the very end, so that meanwhile it can carry the
name of our process: no longer than the value, which overwrites it. A lock so marked is cleared once its process is
dead. A kill in the microseconds before or after the mark leaves one without a name; only if no git process is at work
in the repository, no living sync of ours has a worktree, and the file was watched unchanged for longer than any of us
holds a lock, is it taken for such a one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import pygit2

from agentroom_git.errors import AgentroomError
from agentroom_git.git.repo import common_dir_of
from agentroom_git.git.worktree_lock import WATCH_SECONDS, is_held_by_another, mark_of, take_away
from agentroom_git.system.clock import Clock
from agentroom_git.system.git_processes import git_processes
from agentroom_git.system.pids import is_alive, own_brief_name

LOCK_SECONDS = 10.0
_RETRY_SECONDS = 0.002
_LOOK_SECONDS = 0.05
_SIGN = b"agentroom "
_VALUE_BYTES = 41
_OURS = ("refs/agentroom/", "refs/heads/agentroom/", "refs/notes/agentroom/")


class RefError(AgentroomError):
    """A ref could not be read or moved."""


@contextmanager
def locked_ref(handle: pygit2.Repository, clock: Clock, name: str) -> Iterator[pygit2.ReferenceTransaction]:
    """Hold the lock of a ref, which git and libgit2 respect, for the block; nothing moves unless it is committed.

    Waits for a lock that is held, and clears one that a killed process of ours has left.
    """
    transaction = _lock(handle, clock, name)
    try:
        yield transaction
    finally:
        # An exception frees the transaction without a second commit.
        transaction.__exit__(RefError, None, None)


def _lock(handle: pygit2.Repository, clock: Clock, name: str) -> pygit2.ReferenceTransaction:
    lock = _LockFile(_common_dir(handle.path), name, clock)
    deadline = clock.monotonic() + LOCK_SECONDS
    while True:
        transaction = handle.transaction().__enter__()
        try:
            transaction.lock_ref(name)
        except (pygit2.GitError, OSError) as error:
            transaction.__exit__(type(error), error, None)
            if clock.monotonic() > deadline or "lock" not in str(error):
                raise RefError(f"{name} is locked: {error}", hint="run: agentroom doctor") from error
            if not lock.clear_if_left():
                clock.sleep(_RETRY_SECONDS)
        else:
            lock.mark()
            return transaction


def mark_lock(common: Path, name: str) -> None:
    """Put our name into the lock of a ref that we hold."""
    mark = _SIGN + own_brief_name().encode()
    if len(mark) <= _VALUE_BYTES:
        with suppress(OSError):
            handle = os.open(common / f"{name}.lock", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(handle, mark)
            finally:
                os.close(handle)


def clear_left(common: Path, name: str, clock: Clock) -> bool:
    """Clear the lock that a killed sync left on its branch, a lock without a mark after watching it.

    For whoever has taken over the locks of the branch's worktree. False where the lock may be another's and stays.
    """
    return _LockFile(common, name, clock).clear_watched()


def clear_left_below(common: Path, prefix: str, clock: Clock) -> bool:
    """Clear the locks of refs right below `prefix` that killed processes of ours have left; return whether any was.

    For branches: there it is an agent's git that would meet the lock, and fail. A lock without a mark must be as old as
    one is watched, and no git be at work.
    """
    locks = [_LockFile(common, f"{prefix}{path.name.removesuffix('.lock')}", clock) for path in _locks(common / prefix)]
    cleared = [lock for lock in locks if lock.clear_if_dead()]
    return bool(cleared)


def _locks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.lock") if path.is_file())


@lru_cache(maxsize=256)
def _common_dir(git_dir: str) -> Path:
    return common_dir_of(Path(git_dir))


class _LockFile:
    """The lock file of one ref, as one who waits for it sees it."""

    def __init__(self, common: Path, name: str, clock: Clock) -> None:
        self._common, self._name, self._clock = common, name, clock
        self._path = common / f"{name}.lock"
        self._seen, self._since = "", clock.monotonic()
        self._next_look = self._since + _LOOK_SECONDS

    def mark(self) -> None:
        """Put our name into the lock that we hold, where it is one of the room's refs."""
        if self._name.startswith(_OURS):
            mark_lock(self._common, self._name)

    def clear_if_left(self) -> bool:
        """Remove the lock if a process of ours that has died left it; looked at now and then while one waits."""
        now = self._clock.monotonic()
        if now < self._next_look or not self._name.startswith(_OURS):
            return False
        self._next_look = now + _LOOK_SECONDS
        found = mark_of(self._path)
        if found != self._seen:
            self._seen, self._since = found, now
        is_left = self._is_of_the_dead() or (now - self._since >= WATCH_SECONDS and self._is_nobodys())
        return bool(found) and is_left and take_away(self._path, lambda aside: mark_of(aside) == found)

    def clear_if_dead(self) -> bool:
        """Remove the lock, without waiting, if a process of ours that has died left it."""
        found = mark_of(self._path)
        is_left = self._is_of_the_dead() or (self._is_old() and self._is_nobodys())
        return bool(found) and is_left and take_away(self._path, lambda aside: mark_of(aside) == found)

    def clear_watched(self) -> bool:
        """Remove the lock if a process of ours that has died left it; whether there is none now."""
        found = mark_of(self._path)
        if not found:
            return True
        if not self._is_of_the_dead():
            if self._owner():
                return False
            self._clock.sleep(WATCH_SECONDS)
            if not self._is_nobodys():
                return False
        return take_away(self._path, lambda aside: mark_of(aside) == found)

    def _is_old(self) -> bool:
        try:
            return self._clock.now().timestamp() - self._path.stat().st_mtime >= WATCH_SECONDS
        except FileNotFoundError:
            return False

    def _is_of_the_dead(self) -> bool:
        owner = self._owner()
        return bool(owner) and not is_alive(owner)

    def _is_nobodys(self) -> bool:
        """Whether no git and no sync can hold it: one that was stopped may not have come to mark its lock."""
        if self._owner() or any(map(is_held_by_another, self._common.glob("worktrees/*"))):
            return False
        return git_processes(self._places()) == []

    def _owner(self) -> str:
        try:
            text = self._path.read_bytes()[:_VALUE_BYTES]
        except OSError:
            return ""
        return text.removeprefix(_SIGN).decode("ascii", "replace") if text.startswith(_SIGN) else ""

    def _places(self) -> list[Path]:
        """Return every folder in which a git process would be at work in this repository."""
        pointers = [pointer.read_bytes() for pointer in self._common.glob("worktrees/*/gitdir")]
        worktrees = [Path(os.fsdecode(text.rstrip(b"\n"))).parent for text in pointers]
        top = self._common.parent if self._common.name == ".git" else self._common
        return [self._common, top, *worktrees]
