"""Taking back a save that ended between index and branch, so that nothing is staged which its agent did not stage.

The save notes, in the folder where it made its index ready, which index it is about to put in place; the one before
lies beside the note. Whether it came so far is told by the worktree's index itself, so a kill at any moment leaves what
can be taken back or needs not to be.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.core.ids import Oid
from agentroom_git.git.repo import head_branch
from agentroom_git.git.worktree_lock import mark_of
from agentroom_git.system.pids import is_alive, own_name

PREFIX = "agentroom-git-"
"""Of the folders, in a worktree's git directory, in which saves are made ready."""
_NOTE = "placed"
_BEFORE = "index.before"


@dataclass(frozen=True, slots=True)
class _Note:
    """Which process saves, from which branch (empty: detached) at which commit, and what tells its index."""

    owner: str
    branch: str
    head: str
    index: str


def note(folder: Path, branch: str, head: Oid, index: Path, present: Path) -> None:
    """Note in `folder` that its `index` is about to replace the `present` one, which is kept beside it."""
    if present.exists():
        (folder / _BEFORE).hardlink_to(present)
    record = {"owner": own_name(), "branch": branch, "head": head, "index": mark_of(index)}
    (folder / _NOTE).write_text(json.dumps(record), encoding="utf-8")


def put_back(handle: pygit2.Repository, git_dir: Path, folder: Path) -> bool:
    """Put the index from before back, if the worktree still has the save's, on the commit from which that began.

    Callers hold index.lock.
    """
    found = _read(folder)
    if found is None or mark_of(git_dir / "index") != found.index or not (folder / _BEFORE).exists():
        return False
    if (head_branch(handle) or "") != found.branch or str(handle.head.target) != found.head:
        return False
    (folder / _BEFORE).replace(git_dir / "index")
    return True


def is_left(git_dir: Path) -> bool:
    """Whether a process that died has left a note: whatever else it left may hide a half save."""
    return next(_left(git_dir), None) is not None


def take_back(handle: pygit2.Repository, git_dir: Path) -> None:
    """Take back what processes that died have left; callers hold index.lock."""
    for folder in _left(git_dir):
        put_back(handle, git_dir, folder)
        shutil.rmtree(folder, ignore_errors=True)


def has_note(folder: Path) -> bool:
    return (folder / _NOTE).exists()


def _left(git_dir: Path) -> Iterator[Path]:
    names = os.listdir(git_dir) if git_dir.is_dir() else []
    for folder in [git_dir / name for name in sorted(names) if name.startswith(PREFIX)]:
        found = _read(folder) if has_note(folder) else None
        if has_note(folder) and (found is None or not is_alive(found.owner)):
            yield folder


def _read(folder: Path) -> _Note | None:
    try:
        return _Note(**json.loads((folder / _NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        # Half written: then the index was not put in place yet.
        return None
