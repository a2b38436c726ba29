"""The locks that keep git out of a worktree for the milliseconds of a sync, and the clearing of our own stale ones.

`index.lock` keeps out add, commit, checkout and merge; `HEAD.lock` keeps HEAD on its branch. Both hold a line that
names our process, and appear with it in one step, so that after a kill they are known to be ours. A foreign lock is
never removed, whatever its age: git holds no file open and does not touch the date while it waits for a slow hook.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from agentroom_git.system.exchange import ExchangeUnsupportedError, Folder, exchange
from agentroom_git.system.failpoint import Failpoint
from agentroom_git.system.pids import is_alive, own_name

NAMES = ("index.lock", "HEAD.lock")
WATCH_SECONDS = 2.0
_SIGN = "agentroom "
_PART = ".agentroom-"  # followed by the pid of the process that makes or removes the file


@contextmanager
def hold(git_dir: Path, failpoint: Failpoint, names: Sequence[str] = NAMES) -> Iterator[bool]:
    """Hold index.lock and HEAD.lock of a worktree; yields false, holding none, where one is taken."""
    with _hold(git_dir, failpoint, names, _create) as is_held:
        yield is_held


@contextmanager
def hold_left(git_dir: Path, failpoint: Failpoint) -> Iterator[bool]:
    """Hold both like `hold`, and also where a process of ours that has died left them.

    Such a lock changes hands in one step: git finds it taken throughout. Where another's is in the way, nothing is
    touched.
    """
    signs = [_read(git_dir / name) for name in NAMES]
    if any(sign is not None and not _is_stale(sign) for sign in signs):
        yield False
        return
    with _hold(git_dir, failpoint, NAMES, lambda lock: _create(lock) or _take_over(lock)) as is_held:
        yield is_held


@contextmanager
def _hold(
    git_dir: Path, failpoint: Failpoint, names: Sequence[str], take: Callable[[Path], int | None]
) -> Iterator[bool]:
    held: list[tuple[Path, int]] = []
    try:
        for name in names:
            failpoint(f"lock {name}")
            inode = take(git_dir / name)
            if inode is None:
                break
            held.append((git_dir / name, inode))
        yield len(held) == len(names)
    finally:
        for lock, inode in reversed(held):
            failpoint(f"unlock {lock.name}")
            _release(lock, inode)


def _create(lock: Path) -> int | None:
    """Make the lock with its content in one step; return its inode, or None where it exists."""
    part = _make_part(lock)
    inode = part.stat().st_ino
    try:
        lock.hardlink_to(part)
    except FileExistsError:
        return None
    finally:
        part.unlink()
    return inode


def _make_part(lock: Path) -> Path:
    part = lock.with_name(f"{lock.name}{_PART}{os.getpid()}")
    part.write_text(f"{_SIGN}{own_name()}\n")
    return part


def _take_over(lock: Path) -> int | None:
    """Put our lock in place of that of a process of ours that has died; return its inode, or None where it is not."""
    sign = _read(lock)
    if sign is None or not _is_stale(sign):
        return None
    part = _make_part(lock)
    inode = part.stat().st_ino
    try:
        return inode if _exchange(lock, part, sign) else None
    except ExchangeUnsupportedError:
        return _create(lock) if _clear(lock) else None
    finally:
        part.unlink(missing_ok=True)


def _exchange(lock: Path, part: Path, sign: str) -> bool:
    with Folder(lock.parent) as folder:
        ends = (folder, os.fsencode(lock.name), folder, os.fsencode(part.name))
        if not exchange(*ends):
            return False
        if _read(part) != sign:  # it had become another's
            exchange(*ends)
            return False
    return True


def _release(lock: Path, inode: int) -> None:
    with suppress(FileNotFoundError):
        if lock.stat().st_ino == inode:  # an agent may have removed it and made its own
            lock.unlink()


def is_taken(git_dir: Path) -> bool:
    return any((git_dir / name).exists() for name in NAMES)


def is_left(git_dir: Path) -> bool:
    """Whether a process of ours that has died left a lock there."""
    signs = (_read(git_dir / name) for name in NAMES)
    return any(sign is not None and _is_stale(sign) for sign in signs)


def is_held_by_another(git_dir: Path) -> bool:
    """Whether another process of ours, which lives, keeps HEAD on its branch there: it syncs or commits."""
    sign = _read(git_dir / "HEAD.lock") or ""
    return sign.startswith(_SIGN) and not _is_stale(sign) and sign.removeprefix(_SIGN).strip() != own_name()


def has_traces(git_dir: Path) -> bool:
    """Whether a lock is held there, or something of ours lies about that only a kill leaves behind."""
    return is_taken(git_dir) or bool(_parts(git_dir))


def clear_own_stale_lock(git_dir: Path) -> bool:
    """Remove what a process of ours that has died left in the worktree's git directory; true if a lock was removed."""
    for name in _parts(git_dir):
        if not is_alive(name.rpartition("-")[2]):
            (git_dir / name).unlink(missing_ok=True)
    cleared = [name for name in NAMES if _clear(git_dir / name)]
    return bool(cleared)


def _parts(git_dir: Path) -> list[str]:
    """Return what lies about of locks in the making. Asked for with every sync: a glob takes ten times as long."""
    return [name for name in os.listdir(git_dir) if _PART in name] if git_dir.is_dir() else []


def _clear(lock: Path) -> bool:
    sign = _read(lock)
    return sign is not None and _is_stale(sign) and take_away(lock, lambda found: _read(found) == sign)


def _read(lock: Path) -> str | None:
    try:
        return lock.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_stale(sign: str) -> bool:
    return sign.startswith(_SIGN) and not is_alive(sign.removeprefix(_SIGN).strip())


def mark_of(lock: Path) -> str:
    """Identify a lock file whose content is not ours to choose; "" where there is none."""
    try:
        status = lock.stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"


def take_away(lock: Path, is_expected: Callable[[Path], bool]) -> bool:
    """Rename the lock aside, look at it again and delete it; put it back if it has become another's."""
    aside = lock.with_name(f"{lock.name}{_PART}{os.getpid()}")
    try:
        lock.rename(aside)
    except FileNotFoundError:
        return False
    expected = is_expected(aside)
    if not expected:
        with suppress(FileExistsError):
            lock.hardlink_to(aside)
    aside.unlink()
    return expected
