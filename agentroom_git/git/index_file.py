"""Editing a worktree's index without reading a single file of the worktree.

The new index is built beside the old one, before anything is locked, and renamed over it under its lock. New entries
come without file status, which would make the next `git status` read every one of those files and `git diff-files` call
them modified; so the status is put into the bytes afterwards, where the format keeps it (gitformat-index(5), versions 2
and 3; in version 4 it stays empty).
"""

import hashlib
import itertools
import os
import struct
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pygit2
from pygit2.enums import FileMode

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.index_bytes import CHECKSUM, IndexBytes, encode_status
from agentroom_git.system import writeback
from agentroom_git.system.exchange import Mark

_HEADER = struct.Struct(">4sLL")
_STATUS_SIZE = 40
_MODE_OFFSET = 24  # ctime, mtime, device and inode come before the mode; owner, group and size after it
_NAME_LENGTH_MASK = 0xFFF
_NUMBERS = itertools.count()


class IndexUnreadableError(AgentroomError):
    """An index of a form that libgit2 cannot read: split, sparse, empty or damaged."""


class IndexCopy:
    """A copy of a worktree's index, to be edited, written ahead and then put in its place by `install`.

    Raises `IndexUnreadableError` where it is of a form that is not understood.
    """

    def __init__(self, git_dir: Path) -> None:
        self._path = git_dir / "index"
        self._copy = git_dir / f"index.agentroom-{next(_NUMBERS)}-{os.getpid()}"
        self._mark = self._look()
        before, is_sound = self._read() if self._mark is not None else (b"", False)
        self._index = IndexBytes.parse(before, is_sound=is_sound) or _ByLibrary(git_dir, self._copy, before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def entry(self, path: bytes) -> Entry | None:
        return self._index.entry(path)

    def conflicts(self) -> tuple[bytes, ...]:
        """The paths of a merge that was not finished."""
        return self._index.conflicts()

    def edit(self, wanted: Mapping[bytes, Entry | None]) -> bool:
        """Set or remove entries; false if that pushed out others, which stood where a directory had to be or below."""
        return self._index.edit(wanted)

    def write_ahead(self) -> None:
        """Write the copy, and let the disk begin. ext4 would do so at the rename, while git is locked out."""
        pieces = self._index.pieces()
        with self._copy.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            writeback.begin(file.fileno())

    def is_current(self) -> bool:
        """Whether the index is still the one that was copied."""
        return self._look() == self._mark

    def install(self, statuses: Mapping[bytes, os.stat_result]) -> None:
        """Swap in the copy, with the status of those files that are known to hold what their new entry says.

        The new index keeps the date of the old one. Git trusts an entry's status only when the file is older than the
        index; with a later date it would miss a save of the same size in the second before.
        """
        with self._copy.open("r+b") as file:
            checksum = self._index.seal(file, statuses)
            file.flush()
            # The copy has its place on the disk: the rename does not care any more whether these bytes are there.
            writeback.begin(file.fileno())
            if self._mark is not None:
                os.utime(file.fileno(), ns=(self._mark.modified_ns, self._mark.modified_ns))
            self._copy.rename(self._path)
            _remember(self._path, os.fstat(file.fileno()), checksum)

    def _read(self) -> tuple[bytes, bool]:
        """Return the index's bytes, and whether they are those that were put there by `install`."""
        with self._path.open("rb") as file:
            data = file.read()
            return data, _WRITTEN.get(self._path) == (*_signs(os.fstat(file.fileno())), data[-CHECKSUM:])

    def _look(self) -> Mark | None:
        return Mark.of(self._path.stat()) if self._path.exists() else None

    def discard(self) -> None:
        self._copy.unlink(missing_ok=True)


# What tells each index that was put in its place: its checksum need not be computed when it is read again. Nobody can
# set the last date, the second of the two.
_WRITTEN: OrderedDict[Path, tuple[int, int, int, int, bytes]] = OrderedDict()
_MOST_WRITTEN = 64


def _signs(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _remember(path: Path, status: os.stat_result, checksum: bytes) -> None:
    _WRITTEN[path] = (*_signs(status), checksum)
    _WRITTEN.move_to_end(path)
    while len(_WRITTEN) > _MOST_WRITTEN:
        _WRITTEN.popitem(last=False)


class _ByLibrary:
    """An index of another form, in libgit2's hands."""

    def __init__(self, git_dir: Path, copy: Path, before: bytes) -> None:
        self._copy = copy
        try:
            # Looked at through the repository first: an index that fails to open by itself complains when it is freed.
            pygit2.Repository(str(git_dir)).index.read()
        except (pygit2.GitError, OSError) as error:
            raise IndexUnreadableError(f"the index of {git_dir} cannot be read: {error}") from error
        if before:
            copy.write_bytes(before)
        self._index = pygit2.Index(str(copy))
        self._before = len(self._index)
        self._wanted: Mapping[bytes, Entry | None] = {}
        self._data = before

    def entry(self, path: bytes) -> Entry | None:
        name = os.fsdecode(path)
        if name not in self._index:
            return None
        found = self._index[name]
        return Entry(Oid(str(found.id)), int(found.mode))

    def conflicts(self) -> tuple[bytes, ...]:
        sides = (side for conflict in self._index.conflicts or () for side in conflict if side is not None)
        return tuple(sorted({os.fsencode(side.path) for side in sides}))

    def edit(self, wanted: Mapping[bytes, Entry | None]) -> bool:
        expected, self._wanted = self._before, wanted
        for path, entry in sorted(wanted.items(), key=lambda item: item[1] is not None):
            name = os.fsdecode(path)
            there = name in self._index
            expected += (entry is not None) - there
            if entry is not None:
                self._index.add(pygit2.IndexEntry(name, pygit2.Oid(hex=entry.id), FileMode(entry.mode)))
            elif there:
                self._index.remove(name)
        return len(self._index) == expected

    def pieces(self) -> list[bytes | memoryview]:
        self._index.write()
        self._data = self._copy.read_bytes()
        return [self._data]

    def seal(self, file: BinaryIO, statuses: Mapping[bytes, os.stat_result]) -> bytes:
        new = _with_statuses(self._data, self._wanted, statuses)
        file.write(new)
        return new[-CHECKSUM:]


def _with_statuses(
    data: bytes, wanted: Mapping[bytes, Entry | None], statuses: Mapping[bytes, os.stat_result]
) -> bytes:
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
        start = found - _STATUS_SIZE
        mode = data[start + _MODE_OFFSET : start + _MODE_OFFSET + 4]
        if int.from_bytes(mode, "big") == entry.mode:
            patched[start:found] = encode_status(statuses[path], entry.mode)
        position = found
    patched[-CHECKSUM:] = hashlib.sha1(patched[:-CHECKSUM], usedforsecurity=False).digest()
    return bytes(patched)
