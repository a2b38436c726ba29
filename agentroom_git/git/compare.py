"""What lies between two states of a repository's files: a patch that `git apply` takes, and the lines of each file.

No program that the repository names is run. What is only in a worktree is looked at through objects of our own, which
are gone afterwards: a file that holds a secret leaves nothing behind.
"""

import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.private_git import private_git
from agentroom_git.git.repo import Repo, common_dir_of
from agentroom_git.git.worktrees import Worktree
from agentroom_git.system.process import Finished, git

_PLAIN = ("-r", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty")


class CompareError(AgentroomError):
    """Git could not compare the files."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs, and how many lines were added and removed; None where it is binary."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """`patch` is empty where only the files were asked for. `left` are paths that cannot be shown, and why."""

    files: tuple[ChangedFile, ...]
    patch: bytes
    left: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files and folders are asked for (none: all), and whether the patch is."""

    paths: tuple[str, ...] = ()
    patch: bool = True

    def covers(self, path: str) -> bool:
        return not self.paths or any(path == one or path.startswith(f"{one}/") for one in self.paths)


def compare_trees(repo: Repo, old: Oid, new: Oid, wanted: Wanted) -> Difference:
    """Return what lies between two trees, or the trees of two commits."""
    return _difference(lambda *arguments: git(*arguments, cwd=repo.common_dir), old, new, wanted)


def compare_files(worktree: Worktree, head: Oid, old: Oid, wanted: Wanted) -> Difference:
    """Return what lies between a tree and the worktree's files as they are on disk, but for ignored ones."""
    objects = common_dir_of(worktree.git_dir) / "objects"
    with private_git(worktree, head) as private, tempfile.TemporaryDirectory(dir=private.index.parent) as own:
        (Path(own) / "info").mkdir()
        (Path(own) / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")

        def run(*arguments: str, stdin: bytes = b"") -> Finished:
            return private.run(*arguments, env={"GIT_OBJECT_DIRECTORY": own}, stdin=stdin)

        status = _succeeded(run(*_STATUS), worktree.path).out
        edited = [path for record in status.split(b"\0") if record and wanted.covers(path := os.fsdecode(record[3:]))]
        left = {path: reason for path in edited if (reason := _cannot_be_read(worktree.path / path))}
        readable = [path for path in edited if path not in left]
        for path, name in private.unfiltered(readable).items():
            left[path] = f"only the repository defines its filter {name!r}"
        listed = b"".join(os.fsencode(path) + b"\0" for path in readable if path not in left)
        update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        _succeeded(run(*update, stdin=listed), worktree.path)
        tree = Oid(_succeeded(run("write-tree"), worktree.path).out.decode().strip())
        return replace(_difference(run, old, tree, wanted), left=tuple(sorted(left.items())))


def _cannot_be_read(path: Path) -> str:
    """Return why git could not take what stands there, or an empty text."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return ""
    if stat.S_ISDIR(mode):
        return "it is a repository of its own" if os.path.lexists(path / ".git") else ""
    return "" if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else "it is no file"


def _difference(run: Callable[..., Finished], old: Oid, new: Oid, wanted: Wanted) -> Difference:
    where = (old, new, "--", *wanted.paths)
    counted = _succeeded(run("diff-tree", *_PLAIN, "--numstat", "-z", *where)).out
    files = tuple(_counted(record) for record in counted.split(b"\0") if record)
    if not wanted.patch or not files:
        return Difference(files, b"")
    return Difference(files, _succeeded(run("diff-tree", *_PLAIN, "--patch", "--binary", "--full-index", *where)).out)


def _counted(record: bytes) -> ChangedFile:
    added, removed, path = record.split(b"\t", 2)
    is_text = added.isdigit() and removed.isdigit()
    return ChangedFile(path_text(path), *((int(added), int(removed)) if is_text else (None, None)))


def _succeeded(done: Finished, place: Path | None = None) -> Finished:
    if done.code != 0:
        where = f" in {place}" if place else ""
        raise CompareError(f"git could not compare the files{where}: {done.message}", hint="run: git fsck")
    return done
