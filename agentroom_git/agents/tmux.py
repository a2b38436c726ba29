"""tmux, on a socket of the room's own: its windows get the present environment, and no session of the user's is met."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.room.room import Room
from agentroom_git.system.process import Finished, environment, run

SESSION = "agents"


def is_here() -> bool:
    return shutil.which("tmux", path=environment().get("PATH")) is not None


def server_name(room: Room) -> str:
    """Return the name of the room's socket: tmux keeps those of one user in one folder."""
    digest = hashlib.sha256(str(room.repo.common_dir).encode()).hexdigest()[:8]
    return f"agentroom-{room.names.room}-{digest}"


def attach_command(room: Room) -> str:
    return f"tmux -L {server_name(room)} attach"


def open_window(room: Room, server: str, name: str, command: Sequence[str]) -> None:
    """Run the command in a window of its own, which stays when it has ended; one of that name is replaced."""
    if _tmux(server, room.checkout, "has-session", "-t", SESSION).code != 0:
        done = _tmux(server, room.checkout, "new-session", "-d", "-s", SESSION, "-n", name, *command)
    else:
        _tmux(server, room.checkout, "kill-window", "-t", f"{SESSION}:={name}")
        done = _tmux(server, room.checkout, "new-window", "-d", "-t", SESSION, "-n", name, *command)
    if done.code != 0:
        raise AgentroomError(f"tmux opened no window for {name}: {done.message}", hint="agentroom up --no-tmux")
    _tmux(server, room.checkout, "set-option", "-w", "-t", f"{SESSION}:={name}", "remain-on-exit", "on")


def close(room: Room, server: str) -> None:
    """Close the room's windows, if there are any."""
    if is_here():
        _tmux(server, room.checkout, "kill-server")


def _tmux(server: str, folder: Path, *arguments: str) -> Finished:
    # Without its variable tmux does not take this for a session inside the user's.
    env = {key: value for key, value in environment().items() if key != "TMUX"}
    return run(["tmux", "-L", server, *arguments], cwd=folder, env=env, seconds=20)
