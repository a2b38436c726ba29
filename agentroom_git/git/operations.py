"""Whether git is in the middle of something in a worktree."""

import os
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


def operation_under_way(git_dir: Path) -> str:
    """Return what git is in the middle of in the worktree of this git dir, or an empty text."""
    names = set(os.listdir(git_dir)) if git_dir.is_dir() else set()
    return next((text for mark, text in _MARKS.items() if mark in names), "")
