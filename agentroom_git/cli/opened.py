"""Opening the room for a command: the current folder, the system's clock, and `--as`."""

from pathlib import Path
from typing import Annotated

import typer

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.room.room import Room, open_room
from agentroom_git.system.clock import SystemClock

As = Annotated[str, typer.Option("--as", metavar="NAME", help="Act as this agent (outside its worktree).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def current_folder() -> Path:
    """Return the current folder; raise `UsageError` where it was deleted, as a worktree is whose agent left."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the folder that you are in was deleted", hint="cd to the repository") from error


def here(speaking_as: str = "", *, with_any_config: bool = False, to_read: bool = False) -> Room:
    """Return the room of the current folder; `to_read`, also where it was fetched from another clone."""
    agent = parse_agent(speaking_as) if speaking_as else None
    start, clock = current_folder(), SystemClock()
    return open_room(start, clock, speaking_as=agent, with_any_config=with_any_config, to_read=to_read)


def warn_untrusted(room: Room) -> None:
    """Say on standard error that commands of the configuration are not run as the file has them now."""
    from agentroom_git.room import trust

    warning = trust.standing(room).warning
    if warning:
        typer.echo(f"agentroom: {one_line(warning)}", err=True)


def from_here(room: Room, path: str) -> str:
    """Return a path given on the command line, which is relative to the current folder, as an absolute one.

    Only the current folder is resolved: the path itself may name a link that is to be claimed.
    """
    top = room.repo.worktree
    cwd = current_folder().resolve()
    return str(cwd / path) if top is not None and cwd.is_relative_to(top) else path
