"""The disk guard: folding and syncing stop before the disk is full, so that agents and git can still write.

What is left has to do for the agents' own commits; a fold that runs into the end of the disk would only make it worse.
Nothing is remembered: whoever asks, looks.
"""

from agentroom_git.errors import AgentroomError
from agentroom_git.room.room import Room
from agentroom_git.system.disk import space

MIN_FREE_BYTES = 200 * 1024 * 1024
MIN_FREE_SHARE = 0.01


class DiskFullError(AgentroomError):
    """There is too little room on a disk to go on."""


def shortage(room: Room) -> str:
    """Return which disk has too little room and how little, or an empty text."""
    for place in (room.repo.common_dir, room.worktrees_dir):
        found = space(place)
        needed = max(MIN_FREE_BYTES, int(found.total * MIN_FREE_SHARE))
        if found.free < needed:
            return f"the disk of {place} has {_mib(found.free)} free, less than {_mib(needed)}"
    return ""


def require_room(room: Room) -> None:
    """Raise `DiskFullError` where there is too little room to fold or to sync."""
    found = shortage(room)
    if found:
        raise DiskFullError(f"{found}: nothing is folded or synced", hint="free some space; the sidecar then goes on")


def _mib(size: int) -> str:
    return f"{size // (1024 * 1024)} MiB"
