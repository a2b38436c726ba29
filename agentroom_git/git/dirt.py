"""The uncommitted edits of one worktree: what its files hold that its HEAD does not.

Read through libgit2, so that no filter program runs: a path that only git could read is an edit without a text. A file
is read again only when its status changed.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus, RepositoryOpenFlag

from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.attributes import needs_git, to_blob, to_blob_id
from agentroom_git.git.objects import GitHistory

MAX_TEXT = 5 * 1024 * 1024
"""Bytes; a longer file is an edit without a text."""


Mark = tuple[int, int, int, int, int]


class DirtError(AgentroomError):
    """The files of a worktree cannot be compared with its HEAD."""


@contextmanager
def _door(top: Path) -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise DirtError(f"{top} cannot be looked at: {error}", hint="run: agentroom doctor") from error


@dataclass(frozen=True, slots=True)
class Edit:
    """An uncommitted edit: the blob at HEAD (None: a new file) and the text now, as git would store it.

    Without a text, `is_gone` tells a deletion from what cannot be read as text.
    """

    path: bytes
    base: Oid | None
    text: bytes | None
    is_gone: bool = False


@dataclass(slots=True)
class Dirt:
    """Looks at the files of one worktree, through a handle of its own; `head` is the commit that edits are against."""

    top: Path
    head: Oid
    handle: pygit2.Repository = field(init=False)
    history: GitHistory = field(init=False)
    _seen: dict[bytes, tuple[Mark | None, Oid, Edit | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with _door(self.top):
            self.handle = pygit2.Repository(str(self.top), RepositoryOpenFlag.NO_SEARCH)
        self.history = GitHistory(self.handle)

    def skips(self, folder: bytes) -> bool:
        """Return whether edits below the folder are nobody's business: it is ignored, or a repository of its own."""
        full = os.path.join(os.fsencode(self.top), folder)
        return os.path.lexists(os.path.join(full, b".git")) or self._is_ignored(folder + b"/")

    def scan(self) -> set[bytes]:
        """Look at the whole worktree; return the paths that may be edited."""
        with _door(self.top):
            found = self.handle.status(untracked_files="all", ignored=False)
        return {os.fsencode(path) for path, flags in found.items() if flags & ~FileStatus.IGNORED}

    def look(self, path: bytes) -> Edit | None:
        """Return the edit of a path, None where it is as at HEAD, ignored or no file."""
        mark: Mark | None
        try:
            status = os.lstat(os.path.join(os.fsencode(self.top), path))
            mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
        except OSError:
            mark = None
        known = self._seen.get(path)
        if known is None or known[:2] != (mark, self.head):
            with _door(self.top):
                known = self._seen[path] = (mark, self.head, self._read(path, mark))
        return known[2]

    def forget(self, path: bytes) -> None:
        self._seen.pop(path, None)

    def _read(self, path: bytes, mark: Mark | None) -> Edit | None:
        entry = self.history.entry(self.history.tree_of(self.head), path)
        base = entry.id if entry is not None and stat.S_ISREG(entry.mode) else None
        if mark is None:
            return Edit(path, base, None, is_gone=True) if entry is not None else None
        if not stat.S_ISREG(mark[4]) or (entry is None and self._is_ignored(path)):
            return None
        if mark[1] > MAX_TEXT or needs_git(self.handle, path):
            # What only git could compare is taken for as it was while its status in the index is.
            is_as_before = self.handle.status_file(os.fsdecode(path)) == FileStatus.CURRENT
            return None if is_as_before else Edit(path, base, None)
        data = self._content(path)
        if data is None or to_blob_id(self.handle, path, data) == base:
            return None
        return Edit(path, base, to_blob(self.handle, path, data))

    def _is_ignored(self, path: bytes) -> bool:
        try:
            return self.handle.path_is_ignored(os.fsdecode(path))
        except UnicodeEncodeError:
            # A name that is no text: libgit2 cannot be asked, so it counts.
            return False

    def _content(self, path: bytes) -> bytes | None:
        """Return the bytes of a file, following no link; None where it is gone by now, or no file."""
        try:
            opened = os.open(os.path.join(os.fsencode(self.top), path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENXIO):
                return None
            raise
        with os.fdopen(opened, "rb") as file:
            return file.read(MAX_TEXT + 1)
