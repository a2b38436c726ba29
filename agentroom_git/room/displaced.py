"""Where syncs stage new files, and where what they displaced is kept for an hour."""

from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import AgentName
from agentroom_git.git.displacement import JournalError, list_displaced
from agentroom_git.room.room import Room

KEEP_SECONDS = 3600.0
MOST_SYNCS = 100


@dataclass(frozen=True, slots=True)
class Displaced:
    """A version of a file that was taken out of an agent's worktree: of which path, when (ISO time), where it is."""

    agent: AgentName
    path: str
    at: str
    file: str


def stage_dir(room: Room, agent: AgentName) -> Path:
    """Return where new files wait and displaced ones are kept: beside the worktrees, on their file system."""
    return room.worktrees_dir / ".stage" / agent


def read_displaced(room: Room, agent: AgentName) -> list[Displaced]:
    """Return what is kept of an agent's files, oldest first; what cannot be read any more is left out."""
    try:
        found = list_displaced(stage_dir(room, agent), MOST_SYNCS)
    except (OSError, JournalError):
        # A sweep may take the folder away meanwhile.
        return []
    return [
        Displaced(agent, path_text(one.path), one.at.strftime("%Y-%m-%dT%H:%M:%SZ"), str(one.file)) for one in found
    ]
