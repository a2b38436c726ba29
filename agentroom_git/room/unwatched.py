"""What the running sidecar gets no events of, and why: it looks there now and then. For whoever shows its state."""

import os
from collections.abc import Mapping
from pathlib import Path

from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import is_held


def _path(room: Room) -> Path:
    return room.repo.private_dir / "unwatched.json"


def write_unwatched(room: Room, problems: Mapping[str, str]) -> None:
    """Keep the reasons, by worktree or folder."""
    write_json(_path(room), dict(problems))


def read_unwatched(room: Room) -> tuple[str, ...]:
    """Return the worktrees and folders with the reason of each; nothing where no sidecar runs.

    A worktree whose folder was deleted is left out: there is nothing to get events of.
    """
    if not is_held(room.sidecar_lock):
        return ()
    found = sorted(read_json(_path(room)).items())
    return tuple(f"{where}: {why}" for where, why in found if not where.startswith("/") or os.path.lexists(where))
