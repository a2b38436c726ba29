"""How far the gate got: a private file by which the sidecar knows whether there is something to do, and its lock."""

from dataclasses import dataclass
from pathlib import Path

from agentroom_git.room import logs
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import is_held


@dataclass(frozen=True, slots=True)
class GateState:
    """The tip of integration with which the gate was done, under which commands, or what kept it from its work."""

    tip: str = ""
    commands: str = ""
    problem: str = ""
    at: str = ""


def read_state(room: Room) -> GateState:
    record = read_json(room.private / "gate" / "state.json")
    return GateState(*(str(record.get(name) or "") for name in ("tip", "commands", "problem", "at")))


def write_state(room: Room, tip: str, commands: str, problem: str = "") -> None:
    record = {"tip": tip, "commands": commands, "problem": problem, "at": logs.stamp(room)}
    write_json(room.private / "gate" / "state.json", record)


def lock_file(room: Room) -> Path:
    return room.private / "gate.lock"


def is_occupied(room: Room) -> bool:
    """Return whether a check is under way, whoever runs it."""
    return is_held(lock_file(room))
