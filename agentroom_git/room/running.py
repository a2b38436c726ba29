"""Whether an agent's command runs, by the lock that it holds."""

from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.room.room import Room
from agentroom_git.system.locks import is_held


def run_lock(room: Room, agent: AgentName) -> Path:
    """Return the lock that a running agent holds."""
    return room.private / "run" / f"{agent}.lock"


def run_record(room: Room, agent: AgentName) -> Path:
    """Return the file that tells which process runs the agent; whether it does is only what the lock says."""
    return room.private / "run" / f"{agent}.json"


def is_running(room: Room, agent: AgentName) -> bool:
    return is_held(run_lock(room, agent))
