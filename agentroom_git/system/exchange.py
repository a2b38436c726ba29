"""Writing into a directory tree that other programs write at the same time.

Nothing is overwritten: a file either changes places with another (`exchange`) or moves to a name that is free
(`move`), both in one step of the kernel, so that what was displaced can be looked at and put back. Checking first and
renaming afterwards loses what is saved in between. Every path is walked through directory handles without following a
link, so nothing is read or written outside the tree, whatever is swapped for a link meanwhile.
"""

import ctypes
import enum
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from agentroom_git.errors import AgentroomError

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe that takes a file's place must not stop us.
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_A_DIRECTORY = frozenset({errno.ENOTDIR, errno.ELOOP})
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTSUP})


class ExchangeError(AgentroomError):
    """The system refused to exchange or move a file."""


class ExchangeUnsupportedError(ExchangeError):
    """This system, this file system or this pair of directories has no exchange."""


class Kind(enum.Enum):
    MISSING = "missing"
    FILE = "file"
    EXECUTABLE = "executable"
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    BLOCKED = "blocked"  # a parent is a link or a file
    OTHER = "other"  # a pipe, a socket, or a file that may not be read


@dataclass(frozen=True, slots=True)
class Content:
    """What stands at a path: `data` is a file's bytes or a link's target."""

    kind: Kind
    data: bytes = b""


class Mark(NamedTuple):
    """Tells whether a file is still the one that was looked at: every save changes one of these.

    A tuple, as each file of a sync has five.
    """

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class Folder:
    """One directory tree, held by a handle on its root. Paths are relative, `/`-separated bytes.

    `has_modes` is false where the file system cannot tell executables; they then read as plain files.
    """

    def __init__(self, root: Path, *, has_modes: bool = True) -> None:
        self.root = root
        self.has_modes = has_modes
        self._handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._handle)

    def parent_of(self, path: bytes, *, create: bool = False) -> "_Parent":
        """Open the directory that holds `path` for a block, which gets its handle and the last name.

        Raises FileNotFoundError, or NotADirectoryError where a component is a link or a file.
        """
        return _Parent(self._handle, path, create=create)

    def status(self, path: bytes) -> os.stat_result | None:
        """The status of what stands at `path` itself, or None."""
        try:
            if b"/" not in path:
                return os.stat(path, dir_fd=self._handle, follow_symlinks=False)
            with self.parent_of(path) as (parent, name):
                return os.stat(name, dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: bytes) -> Content:
        return self.look(path)[0]

    def look(self, path: bytes) -> tuple[Content, Mark | None]:
        """What stands at `path`, and the mark of the file or link that was read."""
        try:
            if b"/" not in path:  # as all that a bench holds
                return self._look_in(self._handle, path)
            with self.parent_of(path) as (parent, name):
                return self._look_in(parent, name)
        except FileNotFoundError:
            return Content(Kind.MISSING), None
        except NotADirectoryError:
            return Content(Kind.BLOCKED), None

    def _look_in(self, parent: int, name: bytes) -> tuple[Content, Mark | None]:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return self._look_in_file(parent, name)
        if stat.S_ISDIR(status.st_mode):
            return Content(Kind.DIRECTORY), None
        if stat.S_ISLNK(status.st_mode):
            try:
                return Content(Kind.SYMLINK, os.readlink(name, dir_fd=parent)), Mark.of(status)
            except OSError as error:
                if error.errno != errno.EINVAL:  # no longer a link
                    raise
        return Content(Kind.OTHER), None

    def _look_in_file(self, parent: int, name: bytes) -> tuple[Content, Mark | None]:
        try:
            handle = os.open(name, _OPEN_FILE, dir_fd=parent)
        except PermissionError:
            return Content(Kind.OTHER), None
        except OSError as error:
            if error.errno != errno.ELOOP:  # a link has just taken its place
                raise
            return Content(Kind.OTHER), None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return Content(Kind.OTHER), None
            is_executable = self.has_modes and status.st_mode & stat.S_IXUSR
            kind = Kind.EXECUTABLE if is_executable else Kind.FILE
            return Content(kind, _read(handle, status.st_size)), Mark.of(status)
        finally:
            os.close(handle)

    def create(self, path: bytes, content: Content) -> os.stat_result:
        """Make a new file or link and return its status; permissions follow the umask, as git's do.

        Raises FileExistsError.
        """
        with self.parent_of(path) as (parent, name):
            if content.kind is Kind.SYMLINK:
                os.symlink(content.data, name, dir_fd=parent)
                return os.stat(name, dir_fd=parent, follow_symlinks=False)
            mode = 0o777 if content.kind is Kind.EXECUTABLE else 0o666
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(name, flags, mode, dir_fd=parent)
            try:
                _write(handle, content.data)
                return os.fstat(handle)
            finally:
                os.close(handle)

    def make_directory(self, path: bytes) -> bool:
        """Make an empty directory; true if there is one now, false if something else is in the way."""
        try:
            with self.parent_of(path, create=True) as (parent, name):
                os.close(_open_directory(name, parent, create=True))
        except NotADirectoryError:
            return False
        return True

    def remove_directory(self, path: bytes) -> bool:
        """Remove a directory if it is there and empty."""
        try:
            with self.parent_of(path) as (parent, name):
                os.rmdir(name, dir_fd=parent)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                raise
            return False
        return True

    def prune(self, path: bytes) -> None:
        """Remove the directories above `path` that are empty, nearest first."""
        while b"/" in path:
            path = path.rpartition(b"/")[0]
            if not self.remove_directory(path):
                return

    def leaves(self, path: bytes) -> Iterator[bytes]:
        """Everything below the directory `path` that is not a directory."""
        with self.parent_of(path + b"/.") as (handle, _):
            found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in os.scandir(handle)]
        for name, is_directory in found:
            below = path + b"/" + name
            if is_directory:
                yield from self.leaves(below)
            else:
                yield below


class _Parent:
    """The directory that holds a path, open for a block. Asked for a dozen times for each file of a sync."""

    __slots__ = ("_at", "_create", "_path", "_root")

    def __init__(self, root: int, path: bytes, *, create: bool) -> None:
        self._root = self._at = root
        self._path, self._create = path, create

    def __enter__(self) -> tuple[int, bytes]:
        if b"/" not in self._path:
            return self._root, self._path
        *parents, name = self._path.split(b"/")
        try:
            for component in parents:
                below = _open_directory(component, self._at, create=self._create)
                if self._at != self._root:
                    os.close(self._at)
                self._at = below
        except BaseException:
            self._leave()
            raise
        return self._at, name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._at != self._root:
            os.close(self._at)


def _read(handle: int, size: int) -> bytes:
    """Read to the end; Python's file objects cost more than the reading of most files."""
    parts = [os.read(handle, size + 1)]
    if len(parts[0]) == size:  # with one byte more asked for, the end
        return parts[0]
    while part := os.read(handle, size + 1):
        parts.append(part)
    return b"".join(parts)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _open_directory(name: bytes, parent: int, *, create: bool) -> int:
    try:
        return os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        if not create:
            raise
        # Somebody else may make it first; opening tells what it is then.
        with suppress(FileExistsError):
            os.mkdir(name, 0o777, dir_fd=parent)
        return _open_directory(name, parent, create=False)
    except OSError as error:
        if error.errno in _NOT_A_DIRECTORY:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from error
        raise


def exchange(one: Folder, path: bytes, other: Folder, other_path: bytes) -> bool:
    """Let two paths change places in one step; false, with nothing changed, if either is missing."""
    return exchange_and_look(one, path, other, other_path)[0]


def exchange_and_look(one: Folder, path: bytes, other: Folder, other_path: bytes) -> tuple[bool, os.stat_result | None]:
    """Exchange as `exchange` does, and return the status of what stands at `path` then, if anything does."""
    try:
        with one.parent_of(path) as source, other.parent_of(other_path) as target:
            _rename(source, target, _EXCHANGE)
            try:
                return True, os.stat(source[1], dir_fd=source[0], follow_symlinks=False)
            except FileNotFoundError:  # removed just now
                return True, None
    except (FileNotFoundError, NotADirectoryError):
        return False, None


class Move(enum.Enum):
    DONE = "done"
    MISSING = "missing"  # there is nothing to move
    OCCUPIED = "occupied"  # something stands at the target, or in place of one of its parents


def move(one: Folder, path: bytes, other: Folder, other_path: bytes) -> Move:
    """Move a file to a path that is free, in one step, making the directories above it."""
    try:
        with one.parent_of(path) as source:
            try:
                with other.parent_of(other_path, create=True) as target:
                    _rename(source, target, _KEEP_TARGET)
            except (FileExistsError, NotADirectoryError):
                return Move.OCCUPIED
    except (FileNotFoundError, NotADirectoryError):
        return Move.MISSING
    return Move.DONE


def is_supported(directory: Path) -> bool:
    """Whether files in this directory can be exchanged, found out by doing it."""
    with tempfile.TemporaryDirectory(dir=directory, prefix=".exchange-") as name, Folder(Path(name)) as folder:
        folder.create(b"one", Content(Kind.FILE, b"1"))
        folder.create(b"two", Content(Kind.FILE, b"2"))
        try:
            return exchange(folder, b"one", folder, b"two") and folder.read(b"one").data == b"2"
        except ExchangeUnsupportedError:
            return False


if sys.platform == "darwin":
    _SYMBOL, _EXCHANGE, _KEEP_TARGET = "renameatx_np", 2, 4  # RENAME_SWAP, RENAME_EXCL
else:
    _SYMBOL, _EXCHANGE, _KEEP_TARGET = "renameat2", 2, 1  # RENAME_EXCHANGE, RENAME_NOREPLACE

_rename_call = getattr(ctypes.CDLL(None, use_errno=True), _SYMBOL, None)
if _rename_call is not None:
    _rename_call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    _rename_call.restype = ctypes.c_int


def _rename(source: tuple[int, bytes], target: tuple[int, bytes], flags: int) -> None:
    if _rename_call is None:
        raise ExchangeUnsupportedError(f"this system has no {_SYMBOL}")
    if _rename_call(*source, *target, flags) == 0:
        return
    code = ctypes.get_errno()
    if code in (errno.ENOENT, errno.EEXIST, errno.ENOTDIR):
        raise OSError(code, os.strerror(code), target[1])
    error = ExchangeUnsupportedError if code in _UNSUPPORTED else ExchangeError
    raise error(f"{os.fsdecode(target[1])}: {os.strerror(code)}")
