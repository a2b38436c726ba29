"""Whether git is in the middle of something in a worktree."""

import os
from collections.abc import Iterator
from pathlib import Path

_MARKS = {
    "MERGE_HEAD": "a merge is under way",
    "CHERRY_PICK_HEAD": "a cherry-pick is under way",
    "REVERT_HEAD": "a revert is under way",
    "BISECT_LOG": "a bisect is under way",
    "rebase-merge": "a rebase is under way",
    "rebase-apply": "a rebase is under way",
    "sequencer": "a sequence of picks is under way",
}
_REBASED = ("rebase-merge/head-name", "rebase-apply/head-name")
# Three lines a ref: its name, where it was, where it goes.
_REBASED_ALONG = "rebase-merge/update-refs"


def operation_under_way(git_dir: Path) -> str:
    """Return what git is in the middle of in the worktree of this git dir, or an empty text."""
    try:
        names = set(os.listdir(git_dir))
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return next((text for mark, text in _MARKS.items() if mark in names), "")


def rebased_branches(git_dir: Path) -> frozenset[str]:
    """Return the branches that a rebase in the worktree of this git dir moves when it ends, by their full names.

    Until then HEAD is on none of them, so that they look as if nobody had them; the rebase fails in its last step where
    somebody else has moved one.
    """
    return frozenset(name for name in _rebased(git_dir) if name.startswith("refs/"))


def _rebased(git_dir: Path) -> Iterator[str]:
    for mark in _REBASED:
        yield from _lines(git_dir / mark)[:1]
    yield from _lines(git_dir / _REBASED_ALONG)[::3]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
