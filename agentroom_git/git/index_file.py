"""Editing a worktree's index without reading a single file of the worktree.

The new index is built beside the old one, before anything is locked, and renamed over it under its lock. libgit2 writes
entries without file status, which makes the next `git status` read every one of those files and `git diff-files` call
them modified; so the status is put into the bytes afterwards, where the format keeps it (gitformat-index(5), versions 2
and 3; in version 4 it stays empty).
"""

import hashlib
import itertools
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pygit2
from pygit2.enums import FileMode

from agentroom_git.errors import AgentroomError
from agentroom_git.git.tree_diff import Entry
from agentroom_git.system.exchange import Mark

_HEADER = struct.Struct(">4sLL")
_STATUS = struct.Struct(">10L")
_MODE_OFFSET = 24  # ctime, mtime, device and inode come before the mode; owner, group and size after it
_NAME_LENGTH_MASK = 0xFFF
_CHECKSUM_BYTES = 20
_NUMBERS = itertools.count()


class IndexUnreadableError(AgentroomError):
    """An index of a form that libgit2 cannot read: split, sparse, empty or damaged."""


def check_readable(handle: pygit2.Repository) -> None:
    """Raise `IndexUnreadableError` unless libgit2 can read the worktree's index."""
    try:
        handle.index.read()
    except (pygit2.GitError, OSError) as error:
        raise IndexUnreadableError(f"the index of {handle.workdir} cannot be read: {error}") from error


class IndexCopy:
    """A copy of a worktree's index, to be edited, written ahead and then put in its place by `install`.

    The index must have passed `check_readable`: a `pygit2.Index` that fails to open complains again when it is freed.
    """

    def __init__(self, git_dir: Path) -> None:
        self._path = git_dir / "index"
        self._copy = git_dir / f"index.agentroom-{next(_NUMBERS)}-{os.getpid()}"
        self._mark = self._look()
        self._data = b""
        if self._mark is not None:
            self._copy.write_bytes(self._path.read_bytes())
        self._index = pygit2.Index(str(self._copy))
        self._before = len(self._index)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def entry(self, path: bytes) -> Entry | None:
        name = os.fsdecode(path)
        if name not in self._index:
            return None
        found = self._index[name]
        return Entry(str(found.id), int(found.mode))

    def conflicts(self) -> tuple[bytes, ...]:
        """The paths of a merge that was not finished."""
        sides = (side for conflict in self._index.conflicts or () for side in conflict if side is not None)
        return tuple(sorted({os.fsencode(side.path) for side in sides}))

    def edit(self, wanted: Mapping[bytes, Entry | None]) -> bool:
        """Set or remove entries; false if that pushed out others, which stood where a directory had to be or below."""
        expected = self._before
        for path, entry in sorted(wanted.items(), key=lambda item: item[1] is not None):
            name = os.fsdecode(path)
            there = name in self._index
            expected += (entry is not None) - there
            if entry is not None:
                self._index.add(pygit2.IndexEntry(name, pygit2.Oid(hex=entry.id), FileMode(entry.mode)))
            elif there:
                self._index.remove(name)
        return len(self._index) == expected

    def write_ahead(self) -> None:
        """Write the copy to the disk. ext4 would do so at the rename, for 4 ms in which git is locked out."""
        self._index.write()
        with self._copy.open("rb") as file:
            self._data = file.read()
            os.fsync(file.fileno())

    def is_current(self) -> bool:
        """Whether the index is still the one that was copied."""
        return self._look() == self._mark

    def install(self, wanted: Mapping[bytes, Entry | None], statuses: Mapping[bytes, os.stat_result]) -> None:
        """Swap in the copy, with the status of the files that are known to hold what their entry says.

        The new index keeps the date of the old one. Git trusts an entry's status only when the file is older than the
        index; with a later date it would miss a save of the same size in the second before.
        """
        with self._copy.open("r+b") as file:
            file.write(with_statuses(self._data, wanted, statuses))
        if self._mark is not None:
            os.utime(self._copy, ns=(self._mark.modified_ns, self._mark.modified_ns))
        self._copy.rename(self._path)

    def _look(self) -> Mark | None:
        return Mark.of(self._path.stat()) if self._path.exists() else None

    def discard(self) -> None:
        self._copy.unlink(missing_ok=True)


def with_statuses(data: bytes, wanted: Mapping[bytes, Entry | None], statuses: Mapping[bytes, os.stat_result]) -> bytes:
    """The bytes of an index with the status of some entries filled in; what is not found stays as it is."""
    signature, version, _ = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version not in (2, 3):
        return data
    patched = bytearray(data)
    position = _HEADER.size
    # Entries are sorted by path, so one pass through the file finds them all.
    for path in sorted(statuses):
        entry = wanted.get(path)
        if entry is None:
            continue
        flags = min(len(path), _NAME_LENGTH_MASK).to_bytes(2, "big")
        found = data.find(bytes.fromhex(entry.id) + flags + path + b"\0", position)
        if found < 0:
            continue
        start = found - _STATUS.size
        mode = data[start + _MODE_OFFSET : start + _MODE_OFFSET + 4]
        if int.from_bytes(mode, "big") == entry.mode:
            _STATUS.pack_into(patched, start, *_fields(statuses[path], entry.mode))
        position = found
    patched[-_CHECKSUM_BYTES:] = hashlib.sha1(patched[:-_CHECKSUM_BYTES], usedforsecurity=False).digest()
    return bytes(patched)


def _fields(status: os.stat_result, mode: int) -> tuple[int, ...]:
    whole = (
        *divmod(status.st_ctime_ns, 1_000_000_000),
        *divmod(status.st_mtime_ns, 1_000_000_000),
        status.st_dev,
        status.st_ino,
        mode,
        status.st_uid,
        status.st_gid,
        status.st_size,
    )
    return tuple(field & 0xFFFFFFFF for field in whole)
