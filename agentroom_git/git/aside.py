"""A worktree put aside while it is removed, so that no write is lost between the last look at it and its removal.

It gets a private name first: whoever writes by its path fails from then on, or makes a folder anew, which stays. Only a
process that has its working directory there, or a file open, goes along. So it is looked at once more where it is, and
removed only if nothing in it changed during that look.

The repository's entry goes on naming the old place. A kill leaves the folder aside, and `take_back` puts it back; once
the entry's pointer is a mark, everything that the worktree had is kept elsewhere, and what is left of it is swept.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import LOCK_SECONDS, Worktree, WorktreeError, read_worktree
from agentroom_git.system.locks import held

FOLDER = ".leave"
"""Beside the worktrees; in it, each has the name of its entry in the repository."""

MARK = "agentroom-leaving"
"""What the pointer of an entry is called once its worktree goes for good."""
_POINTER = "gitdir"

State = frozenset[tuple[str, int, int, int, int]]


@contextmanager
def put_aside(worktree: Worktree) -> Iterator[Worktree]:
    """Give the block a sound worktree at its private place; it is put back at the end unless it was removed."""
    place = _place(worktree)
    if worktree.path.is_symlink() or os.path.lexists(place):
        raise WorktreeError(f"{worktree.path} is a link, or {place} is there", hint="move that away")
    place.parent.mkdir(exist_ok=True)
    # Git would write the new place into a pointer that is older than a day.
    os.utime(worktree.git_dir / _POINTER)
    try:
        worktree.path.rename(place)
    except OSError as error:
        raise WorktreeError(f"{worktree.path} cannot be moved aside: {error.strerror}") from error
    try:
        yield replace(worktree, path=place)
    finally:
        take_back(worktree)


def take_back(worktree: Worktree) -> bool:
    """Put a worktree back that is aside; return whether it was. Raises `WorktreeError` where its path is taken."""
    place = _place(worktree)
    if not place.is_dir() or not (worktree.git_dir / _POINTER).exists():
        return False
    try:
        place.rename(worktree.path)  # also over an empty folder
    except OSError as error:
        text = f"{worktree.path} is in the way of {place}, where it was put to be removed: {error.strerror}"
        raise WorktreeError(text, hint="move it away") from error
    _forget_folder(place)
    return True


def look_again(repo: Repo, aside: Worktree) -> Worktree:
    """Return the worktree that is aside as its entry is now: its HEAD may have moved, by a process that went along."""
    return replace(read_worktree(repo, aside.name) or aside, path=aside.path, problem="", is_mendable=False)


def state_of(aside: Worktree, skipped: Collection[str]) -> State:
    """Return what tells whether a file was written, came or went; without folders of the `skipped` names."""
    found = set()
    for folder, below, names in os.walk(aside.path):
        below[:] = [name for name in below if name not in skipped]
        for name in (*below, *names):
            with suppress(FileNotFoundError):
                path = os.path.join(folder, name)
                status = os.lstat(path)
                found.add((path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return frozenset(found)


def remove_aside(repo: Repo, aside: Worktree) -> None:
    """Remove a worktree that is aside, whose work is kept elsewhere, and its entry."""
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        (aside.git_dir / _POINTER).rename(aside.git_dir / MARK)
        _remove_rest(aside.git_dir)


def sweep(repo: Repo) -> None:
    """Remove the rest of what killed processes were removing."""
    folder = repo.common_dir / "worktrees"
    if not any(folder.glob(f"*/{MARK}")):
        return
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        for mark in folder.glob(f"*/{MARK}"):
            _remove_rest(mark.parent)


def _place(worktree: Worktree) -> Path:
    return worktree.path.parent / FOLDER / worktree.name


def _remove_rest(git_dir: Path) -> None:
    """Remove the folder that is aside, then the entry, whose mark goes on saying where that is."""
    place = Path(os.fsdecode((git_dir / MARK).read_bytes()).rstrip("\n")).parent.parent / FOLDER / git_dir.name
    if place.is_dir():
        shutil.rmtree(place)
    _forget_folder(place)
    for path in git_dir.iterdir():
        if path.name != MARK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(git_dir)
    with suppress(OSError):  # like git, which keeps no folder for entries where there is none
        git_dir.parent.rmdir()


def _forget_folder(place: Path) -> None:
    with suppress(OSError):
        place.parent.rmdir()
