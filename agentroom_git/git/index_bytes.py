"""An index as bytes: entries are found and replaced where they stand, and the thousands of others are not taken apart.

libgit2 needs 12 ms to read an index of 20,000 entries and as much to write it; here both together take about 4 ms, most
of it for the checksum. The format is gitformat-index(5), versions 2 and 3 with the usual extensions; anything else is
left to libgit2.
"""

import hashlib
import os
import struct
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Self

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid

HEADER = 12
CHECKSUM = 20
_MODE, _MODE_END, _ID, _FLAGS, _NAME = 24, 28, 40, 60, 62
_STATUS = struct.Struct(">10L")
_MANY = 16
"""Where one entry of so many is asked for or set, to go through all of them at once takes less."""

_EXTENDED, _STAGE, _LENGTH = 0x40, 0x30, 0xFFF  # the first two in the higher byte of the flags
# What an extension says of entries that change must go with it: where they are, what is untracked, what a monitor saw.
_DROPPED = frozenset({b"EOIE", b"IEOT", b"UNTR", b"FSMN"})
_TREE, _KEPT = b"TREE", frozenset({b"REUC"})


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where each entry begins, with the end of the last one; and the paths of a merge that was not finished."""

    offsets: "array[int]"
    conflicts: tuple[bytes, ...]


# By checksum, so that a layout can only be used for the very bytes that it was found in.
_LAYOUTS: OrderedDict[bytes, _Layout] = OrderedDict()
_MOST_LAYOUTS = 32


class IndexBytes:
    """One index in memory. Entries that are set have no file status, as libgit2's."""

    def __init__(self, data: bytes, layout: _Layout, extensions: list[tuple[bytes, bytes]]) -> None:
        self._data, self._layout, self._extensions = data, layout, extensions
        self._pieces: list[bytes | memoryview] = [memoryview(data)[:-CHECKSUM]]
        self._edited = layout
        self._found: dict[bytes, int] = {}
        self._all: dict[bytes, int] = {}  # filled where much is asked for
        self._set: dict[bytes, tuple[int, int]] = {}  # the piece of each entry that was set, and where it begins

    @classmethod
    def parse(cls, data: bytes, *, is_sound: bool = False) -> Self | None:
        """Return the index, or None where its form is not one of the usual ones or it is damaged.

        `is_sound`: the bytes are known to have the checksum that they end with.
        """
        if data[:4] != b"DIRC" or data[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
            return None
        checksum = data[-CHECKSUM:]
        if not is_sound and _checksum([memoryview(data)[:-CHECKSUM]]) != checksum:
            return None
        layout = _LAYOUTS.get(checksum) or _walk(data)
        extensions = _extensions(data, layout.offsets[-1])
        if extensions is None:
            return None
        _remember(checksum, layout)
        return cls(data, layout, extensions)

    def __len__(self) -> int:
        return len(self._layout.offsets) - 1

    def conflicts(self) -> tuple[bytes, ...]:
        return self._layout.conflicts

    def entry(self, path: bytes) -> Entry | None:
        if not self._holds(path):
            return None
        start = self._layout.offsets[self._find(path)]
        mode = int.from_bytes(self._data[start + _MODE : start + _MODE_END], "big")
        return Entry(Oid(self._data[start + _ID : start + _FLAGS].hex()), mode)

    def edit(self, wanted: Mapping[bytes, Entry | None]) -> bool:
        """Set or remove entries; false, with nothing changed, if others stand where a directory has to be or below.

        To be done once: what is asked of it afterwards is answered as if it had not been edited.
        """
        if self._is_in_the_way(wanted):
            return False
        old, offsets, data = self._layout.offsets, array("I"), memoryview(self._data)
        pieces: list[bytes | memoryview] = [b""]
        done = shift = 0
        for path in sorted(wanted):
            at = self._find(path)
            pieces.append(data[old[done] : old[at]])
            offsets.extend(_shifted(old[done:at], shift))
            done = at + self._holds(path)
            entry = wanted[path]
            new = b"" if entry is None else _encode(path, entry)
            if new:
                self._set[path] = (len(pieces), old[at] + shift)
                pieces.append(new)
                offsets.append(old[at] + shift)
            shift += len(new) - (old[done] - old[at])
        pieces.append(data[old[done] : old[-1]])
        offsets.extend(_shifted(old[done:], shift))
        pieces[0] = self._data[:8] + (len(offsets) - 1).to_bytes(4, "big")
        for name, body in self._extensions:
            kept = _invalidate(body, wanted) if name == _TREE else body
            pieces += [name, len(kept).to_bytes(4, "big"), kept]
        self._pieces, self._edited = pieces, _Layout(offsets, self._layout.conflicts)
        return True

    def pieces(self) -> list[bytes | memoryview]:
        """Return the bytes, one after the other, with zeros for the checksum: `seal` puts it into the file."""
        return [*self._pieces, bytes(CHECKSUM)]

    def seal(self, file: BinaryIO, statuses: Mapping[bytes, os.stat_result]) -> bytes:
        """Give entries that were set their file's status, and the file its checksum, which is returned."""
        is_whole = len(statuses) * _MANY > len(self)
        for path, status in statuses.items():
            if path in self._set:
                number, offset = self._set[path]
                entry = self._pieces[number]
                mode = int.from_bytes(entry[_MODE:_MODE_END], "big")
                self._pieces[number] = encode_status(status, mode) + bytes(entry[_ID:])
                if not is_whole:
                    file.seek(offset)
                    file.write(self._pieces[number])
        if is_whole:
            file.seek(0)
            file.writelines(self._pieces)
        checksum = _checksum(self._pieces)
        file.seek(-CHECKSUM, os.SEEK_END)
        file.write(checksum)
        _remember(checksum, self._edited)
        return checksum

    def _find(self, path: bytes) -> int:
        # Each changed path is asked for several times, and the folders above it for each file in them.
        if path in self._all:
            return self._all[path]
        if path not in self._found:
            if 0 < len(self) < len(self._found) * _MANY and not self._all:
                # Of the versions of a path in a conflict the first, as below.
                self._all = {self._path(at): at for at in reversed(range(len(self)))}
                return self._find(path)
            self._found[path] = bisect_left(range(len(self)), path, key=self._path)
        return self._found[path]

    def _path(self, at: int) -> bytes:
        start = self._layout.offsets[at] + _NAME
        if self._data[start - 2] & _EXTENDED:
            start += 2
        return self._data[start : self._data.index(b"\0", start)]

    def _holds(self, path: bytes) -> bool:
        at = self._find(path)
        return path in self._all or (at < len(self) and self._path(at) == path)

    def _is_in_the_way(self, wanted: Mapping[bytes, Entry | None]) -> bool:
        for path, entry in wanted.items():
            if entry is None or self._holds(path):
                continue
            parts = path.split(b"/")
            above = (b"/".join(parts[:count]) for count in range(1, len(parts)))
            if any(wanted.get(one, _ABSENT) is not None and self._holds(one) for one in above):
                return True
            if any(wanted.get(one, _ABSENT) is not None for one in self._below(path)):
                return True
        return False

    def _below(self, path: bytes) -> Iterable[bytes]:
        prefix = path + b"/"
        at = self._find(prefix)
        while at < len(self) and (found := self._path(at)).startswith(prefix):
            yield found
            at += 1


_ABSENT = Entry(Oid(""), 0)


def _walk(data: bytes) -> _Layout:
    offsets, conflicts = array("I"), set()
    place = HEADER
    for _ in range(int.from_bytes(data[8:12], "big")):
        offsets.append(place)
        high = data[place + _FLAGS]
        name = place + _NAME + (2 if high & _EXTENDED else 0)
        length = (high & 0xF) << 8 | data[place + _FLAGS + 1]
        if length == _LENGTH:
            length = data.index(b"\0", name) - name
        if high & _STAGE:
            conflicts.add(data[name : name + length])
        place += (name - place + length + 8) & ~7
    offsets.append(place)
    return _Layout(offsets, tuple(sorted(conflicts)))


def _extensions(data: bytes, place: int) -> list[tuple[bytes, bytes]] | None:
    """Return those to keep, or None where there is one that must not be ignored."""
    found = []
    while place < len(data) - CHECKSUM:
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "big")
        if name == _TREE or name in _KEPT:
            found.append((name, data[place + 8 : place + 8 + size]))
        elif name not in _DROPPED and not name[:1].isupper():
            return None
        place += 8 + size
    return found


def _encode(path: bytes, entry: Entry) -> bytes:
    size = (_NAME + len(path) + 8) & ~7
    fields = bytes(24) + entry.mode.to_bytes(4, "big") + bytes(12) + bytes.fromhex(entry.id)
    return (fields + min(len(path), _LENGTH).to_bytes(2, "big") + path).ljust(size, b"\0")


def encode_status(status: os.stat_result, mode: int) -> bytes:
    """Return what an entry of this mode keeps of its file's status."""
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
    return _STATUS.pack(*(field & 0xFFFFFFFF for field in whole))


def _checksum(pieces: Iterable[bytes | memoryview]) -> bytes:
    found = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        found.update(piece)
    return found.digest()


def _shifted(offsets: "array[int]", by: int) -> Iterable[int]:
    return offsets if by == 0 else [offset + by for offset in offsets]


def _invalidate(body: bytes, paths: Iterable[bytes]) -> bytes:
    """Return the cache of tree ids without those of the folders that hold one of the paths."""
    stale = {b""}
    for path in paths:
        parts = path.split(b"/")
        stale.update(b"/".join(parts[:count]) for count in range(1, len(parts)))
    out: list[bytes] = []
    above: list[tuple[bytes, int]] = []  # the folders that the place is in, and how many of theirs are still to come
    place = 0
    while place < len(body):
        end = body.index(b"\0", place)
        line = body.index(b"\n", end)
        count, below = body[end + 1 : line].split(b" ")
        parent = above[-1][0] + b"/" if above and above[-1][0] else b""
        path = parent + body[place:end]
        after = line + 1 + (CHECKSUM if int(count) >= 0 else 0)
        is_stale = path in stale
        out.append(body[place:end] + b"\0-1 " + below + b"\n" if is_stale else body[place:after])
        if above:
            above[-1] = (above[-1][0], above[-1][1] - 1)
        above.append((path, int(below)))
        while above and above[-1][1] == 0:
            above.pop()
        place = after
    return b"".join(out)


def _remember(checksum: bytes, layout: _Layout) -> None:
    _LAYOUTS[checksum] = layout
    _LAYOUTS.move_to_end(checksum)
    while len(_LAYOUTS) > _MOST_LAYOUTS:
        _LAYOUTS.popitem(last=False)
