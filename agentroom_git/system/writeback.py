"""Handing a file's content to the disk, without waiting for the file system's own books.

An `fsync` waits for a commit of the file system's journal, which brings all with it that anybody wrote just before:
after an agent's commit in a large worktree, all of its index. Where no more is wanted than that a rename never outlasts
a crash of the machine without the content, it is enough that the content is on its way before it
(`docs/decisions/0017-what-a-crash-of-the-machine-finds.md`).
"""

import ctypes
import errno
import os

_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.ESPIPE})
# Linux alone has it.
_sync_file_range = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def begin(handle: int) -> None:
    """Give the content its place on the disk, and let it be written meanwhile."""
    _sync(handle, _WRITE)


def hand_over(handle: int) -> None:
    """Return when the disk has the content."""
    _sync(handle, _WAIT_BEFORE | _WRITE | _WAIT_AFTER)


def _sync(handle: int, how: int) -> None:
    if _sync_file_range is None:
        os.fsync(handle)
    elif _sync_file_range(handle, 0, 0, how):
        number = ctypes.get_errno()
        if number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number))
        os.fsync(handle)
