"""When somebody last did something in a worktree, told by what it left there, which a reboot does not take away."""

import pygit2
from pygit2.enums import RepositoryOpenFlag

from agentroom_git.git.checkout import REFLOG_MESSAGE
from agentroom_git.git.uncommitted import dirty_files
from agentroom_git.git.worktrees import Worktree, prepared_seconds


def last_activity(worktree: Worktree) -> float | None:
    """Return when its newest uncommitted file changed, or HEAD moved but for a sync, in seconds of the wall clock.

    At least when it was made ready; None where git's files there cannot be read.
    """
    try:
        handle = pygit2.Repository(str(worktree.path), RepositoryOpenFlag.NO_SEARCH)
        moves = (one for one in handle.references["HEAD"].log())
        moved = next((float(one.committer.time) for one in moves if one.message != REFLOG_MESSAGE), 0.0)
        dirty = dirty_files(worktree.path)
    except (pygit2.GitError, KeyError, ValueError):
        return None
    return max(prepared_seconds(worktree), moved, *(_changed(worktree, name) for name in dirty), 0.0) or None


def _changed(worktree: Worktree, name: str) -> float:
    """Return when the file was last written or replaced; its own date may be a copy's."""
    try:
        return (worktree.path / name).lstat().st_ctime
    except OSError:
        return 0.0
