"""What lies between two states of a repository's files: a patch that `git apply` takes, and the lines of each file.

No program that the repository names is run. What is only in a worktree is looked at through objects of our own, which
are gone afterwards: a file that holds a secret leaves nothing behind.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    """`left` are paths of a worktree that cannot be shown, each with the reason."""

    files: tuple[ChangedFile, ...]
    patch: bytes
    left: tuple[tuple[str, str], ...] = ()


def compare_commits(repo: Repo, old: Oid, new: Oid, paths: Sequence[str]) -> Difference:
    """Return what lies between two commits, in these files and folders (none: everywhere)."""
    return _difference(lambda *arguments: git(*arguments, cwd=repo.common_dir), old, new, paths)


def compare_files(worktree: Worktree, head: Oid, old: Oid, paths: Sequence[str]) -> Difference:
    """Return what lies between a commit and the worktree's files as they are on disk, but for ignored ones."""
    objects = common_dir_of(worktree.git_dir) / "objects"
    with private_git(worktree, head) as private, tempfile.TemporaryDirectory(dir=private.index.parent) as own:
        env = {"GIT_OBJECT_DIRECTORY": own, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}

        def run(*arguments: str, stdin: bytes = b"") -> Finished:
            return private.run(*arguments, env=env, stdin=stdin)

        edited = _edited(_succeeded(run(*_STATUS), worktree.path).out)
        left = private.unfiltered(edited)
        listed = b"".join(os.fsencode(path) + b"\0" for path in edited if path not in left)
        update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        _succeeded(run(*update, stdin=listed), worktree.path)
        tree = Oid(_succeeded(run("write-tree"), worktree.path).out.decode().strip())
        found = _difference(run, old, tree, paths)
        reasons = ((path, f"only the repository defines its filter {name!r}") for path, name in sorted(left.items()))
        return Difference(found.files, found.patch, tuple(reasons))


def _edited(status: bytes) -> list[str]:
    return [os.fsdecode(record[3:]) for record in status.split(b"\0") if record]


def _difference(run: Callable[..., Finished], old: Oid, new: Oid, paths: Sequence[str]) -> Difference:
    where = (old, new, "--", *paths)
    counted = _succeeded(run("diff-tree", *_PLAIN, "--numstat", "-z", *where)).out
    patch = _succeeded(run("diff-tree", *_PLAIN, "--patch", "--binary", "--full-index", *where)).out
    return Difference(tuple(_counted(record) for record in counted.split(b"\0") if record), patch)


def _counted(record: bytes) -> ChangedFile:
    added, removed, path = record.split(b"\t", 2)
    is_text = added.isdigit() and removed.isdigit()
    return ChangedFile(path_text(path), *((int(added), int(removed)) if is_text else (None, None)))


def _succeeded(done: Finished, place: Path | None = None) -> Finished:
    if done.code != 0:
        where = f" in {place}" if place else ""
        raise CompareError(f"git could not compare the files{where}: {done.message}", hint="run git status there")
    return done
