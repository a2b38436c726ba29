"""Locks that killed processes of ours have left where none of ours may come by again: of worktrees and their branches,
of which an agent's git would fail until they go, and of archives and contested records.

Where a sync was killed among its files, those are taken back first: without the locks, the agent's next commit would
have others' work as its own.
"""

from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git.checkout import recover
from agentroom_git.git.ref_lock import clear_left_below
from agentroom_git.git.worktree_lock import clear_own_stale_lock, is_left
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room.displaced import stage_dir
from agentroom_git.room.room import Room
from agentroom_git.system.locks import try_hold


def clear_left_locks(room: Room) -> bool:
    """Remove them, and nobody else's; return whether there was one. Cheap enough to be called every second."""
    taken_back, common = take_all_back(room), room.repo.common_dir
    archives = sorted((common / room.names.archives).glob("*"))
    # Nobody may ever need the very number again that a killed leave was about to give, nor the very record that a
    # killed fold was about to store: by the next fold the branch may be another.
    names = room.names
    prefixes = (names.branches, names.contested, *(f"{names.archives}{folder.name}/" for folder in archives))
    cleared = [clear_left_below(common, prefix, room.clock) for prefix in prefixes]
    return taken_back or any(cleared)


def take_all_back(room: Room) -> bool:
    """Remove those of the worktrees, after what a killed sync left there was taken back; whether there was one."""
    folder = room.repo.common_dir / "worktrees"
    left = [entry for entry in sorted(folder.iterdir()) if is_left(entry)] if folder.is_dir() else []
    return _clear(room, left) if left else False


def take_back(room: Room, agent: AgentName, worktree: Worktree) -> bool:
    """Take back what a killed sync left in the agent's worktree, if its locks are still there, and remove them.

    False where there was nothing, where a sync is at work, which does so itself, and where it failed: then the locks
    stay, and the next sync says why.
    """
    if not is_left(worktree.git_dir):
        return False
    lock = try_hold(room.private / "sync.lock")
    if lock is None:
        return False
    try:
        return recover(worktree.path, stage=stage_dir(room, agent), clock=room.clock, failpoint=room.failpoint)
    except (AgentroomError, OSError, KeyError):
        return False
    finally:
        lock.release()


def _clear(room: Room, left: list[Path]) -> bool:
    sound = {one.git_dir: (agent, one) for agent, one in room.worktrees().items() if not one.problem}
    cleared = [take_back(room, *sound[entry]) if entry in sound else clear_own_stale_lock(entry) for entry in left]
    return any(cleared)
