"""The door to Linux's inotify: told of what happens in folders, without a thread and without looking.

Only what the kernel says is here: which folder, which name, what kind. A folder is not watched with what is below it.
"""

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

_IN_CLOSE_WRITE, _IN_MOVED_FROM, _IN_MOVED_TO = 0x8, 0x40, 0x80
_IN_CREATE, _IN_DELETE, _IN_DELETE_SELF, _IN_MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_IN_Q_OVERFLOW, _IN_IGNORED, _IN_ISDIR = 0x4000, 0x8000, 0x40000000
_IN_ONLYDIR, _IN_DONT_FOLLOW, _IN_EXCL_UNLINK = 0x1000000, 0x2000000, 0x4000000
_ASKED = (
    _IN_CLOSE_WRITE | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF
    | _IN_ONLYDIR | _IN_DONT_FOLLOW | _IN_EXCL_UNLINK
)  # fmt: skip
_HEADER = struct.Struct("iIII")
_READ_BYTES = 256 * 1024
_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")


class WatchLimitError(OSError):
    """The system allows no more watches."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something in the watched folder `watch`: `name` came, went or was written; without a name, the folder itself did.

    `has_moved` is set for what was renamed away, with what is in it; a folder that was deleted was empty. `is_lost` is
    set where the kernel could not keep up and any number of events is missing.
    """

    watch: int
    name: bytes
    is_folder: bool
    has_gone: bool
    has_moved: bool
    is_lost: bool = False


def is_available() -> bool:
    return sys.platform.startswith("linux")


def most_watches() -> int:
    """Return how many folders all programs of this user may watch, 0 where the system does not say."""
    try:
        return int(_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


class Inotify:
    """One queue of events; raises OSError where the system gives none."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        os.close(self._fd)

    def add(self, folder: bytes) -> int:
        """Watch a folder, no link to one; raise `WatchLimitError` at the limit and OSError where there is no folder."""
        watch = int(self._libc.inotify_add_watch(self._fd, folder, _ASKED))
        if watch < 0:
            code = ctypes.get_errno()
            if code in (errno.ENOSPC, errno.ENOMEM):
                limit = f"the system allows no more watches (fs.inotify.max_user_watches is {most_watches()})"
                raise WatchLimitError(code, limit, os.fsdecode(folder))
            raise OSError(code, os.strerror(code), os.fsdecode(folder))
        return watch

    def remove(self, watch: int) -> None:
        """Stop watching; a folder that is gone already is no error."""
        self._libc.inotify_rm_watch(self._fd, watch)

    def read(self) -> list[Happened]:
        """Return what happened since the last call, in order."""
        found: list[Happened] = []
        while True:
            try:
                data = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                return found
            found += _parse(data)


def _parse(data: bytes) -> list[Happened]:
    found, at = [], 0
    while at < len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, at)
        name = data[at + _HEADER.size : at + _HEADER.size + length].rstrip(b"\0")
        at += _HEADER.size + length
        if mask & _IN_IGNORED:
            continue
        has_gone = bool(mask & (_IN_MOVED_FROM | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF))
        has_moved = bool(mask & (_IN_MOVED_FROM | _IN_MOVE_SELF))
        is_folder, is_lost = bool(mask & _IN_ISDIR), bool(mask & _IN_Q_OVERFLOW)
        found.append(Happened(watch, name, is_folder, has_gone, has_moved, is_lost))
    return found
