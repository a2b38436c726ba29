"""Locks of worktrees and their branches that killed processes of ours have left: an agent's git would fail of them
until they go."""

from agentroom_git.git.ref_lock import clear_left_below
from agentroom_git.git.worktree_lock import clear_own_stale_lock, is_taken
from agentroom_git.room.room import Room


def clear_left_locks(room: Room) -> bool:
    """Remove them, and nobody else's; return whether there was one. Cheap enough to be called every second."""
    folder = room.repo.common_dir / "worktrees"
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    cleared = [entry for entry in entries if is_taken(entry) and clear_own_stale_lock(entry)]
    branches = room.names.branches
    return clear_left_below(room.repo.common_dir, branches, room.clock) or bool(cleared)
