"""The user's own branch, over which the room was opened: it is folded like an agent's and never synced to."""

from agentroom_git.core.events import Opened, Recorded
from agentroom_git.core.ids import HUMAN
from agentroom_git.room.logs import read_log
from agentroom_git.room.room import Room


def base_branch(room: Room) -> str:
    """Return the full name of the user's branch: as configured, or the one on which the room was opened; else empty."""
    if room.config.base:
        return f"refs/heads/{room.config.base}"
    opened = opening(room)
    return f"refs/heads/{opened.base}" if opened and opened.base else ""


def opening(room: Room) -> Opened | None:
    """Return the newest event that opened the room."""
    for item in read_log(room, HUMAN):
        if isinstance(item, Recorded) and isinstance(item.event.body, Opened):
            return item.event.body
    return None
