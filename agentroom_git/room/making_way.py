"""Saving what keeps the others' work out of a worktree, so that the fold settles it, with a record of what lost.

Sync decides no contest. Where edits are saved by themselves anyway, those in the way are committed on the version that
they were made on; the fold then merges them as it merges everything.
"""

from collections.abc import Sequence
from contextlib import suppress

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import saving
from agentroom_git.room.room import Room
from agentroom_git.room.saving import Saved
from agentroom_git.system.files import read_json, write_json

SETTLE_SECONDS = 1.0
"""How long the files in the way have to be left alone: a program may empty a file before it writes it."""

BUSY = saving.Saved(None, (), (), is_passing=True)
REASONS = frozenset({"dirty", "untracked"})
"""Why a worktree waits where a commit of its agent's edits may help."""


def make_way(room: Room, agent: AgentName, worktree: Worktree, paths: Sequence[str]) -> Saved:
    """Commit the agent's edits, if the room saves by itself; tried once for each state of the files in the way.

    The answer is passing where one of them has just been written.
    """
    if not room.config.autosave.is_on:
        return saving.NOTHING
    if any(_is_fresh(room, worktree, path) for path in paths):
        return BUSY
    file = room.private / "way.json"
    tried = read_json(file)
    state = [str(worktree.head), *(_state(worktree, path) for path in paths)]
    if tried.get(agent) == state:
        return saving.NOTHING
    saved = saving.NOTHING
    with suppress(AgentroomError):
        saved = saving.save_in_the_way(room, agent, worktree)
    if saved.commit is None and not saved.is_passing:
        write_json(file, {**tried, agent: state})
    return saved


def _is_fresh(room: Room, worktree: Worktree, path: str) -> bool:
    try:
        age = room.clock.now().timestamp() - (worktree.path / path).lstat().st_mtime
    except (OSError, ValueError):
        return False
    return abs(age) < SETTLE_SECONDS


def _state(worktree: Worktree, path: str) -> str:
    try:
        status = (worktree.path / path).lstat()
    except (OSError, ValueError):
        return path
    return f"{path} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
