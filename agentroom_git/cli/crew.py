"""All agents of `.agentroom.yaml` at once: up, down."""

import sys
from typing import Annotated

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import print_json, say
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Only these agents.")]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)


def up(
    names: Names = None,
    in_tmux: Annotated[
        bool | None, typer.Option("--tmux/--no-tmux", help="A window each, or in the background with logs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the agents that `.agentroom.yaml` names under `agents:`."""
    from agentroom_git.agents import crew as crews
    from agentroom_git.agents import tmux
    from agentroom_git.sidecar import lifecycle

    room = here()
    room.integration()
    crew = crews.read_crew(room, names or [])
    if in_tmux and not tmux.is_here():
        raise UsageError("tmux is not on PATH", hint="install it, or: agentroom up --no-tmux")
    windows = sys.stdout.isatty() and tmux.is_here() if in_tmux is None else in_tmux
    lifecycle.start(room)
    started = crews.start_in_tmux(room, crew) if windows else crews.start_in_background(room, crew)
    if as_json:
        print_json(started)
    else:
        for one in started:
            say(f"{one.agent}: {one.state}{f' ({one.where})' if one.where else ''}")
        if windows:
            say(f"look at them: {tmux.attach_command(room)}")
    if any(one.state == "not started" for one in started):
        raise typer.Exit(1)


def down(names: Names = None, as_json: Json = False) -> None:
    """Ask the agents of `.agentroom.yaml`, or those named, to end; their worktrees stay, their ends are recorded."""
    from agentroom_git.agents import crew as crews

    room = here()
    room.integration()
    agents = [parse_agent(name) for name in names] if names else [one.agent for one in crews.read_crew(room)]
    stopped = crews.stop(room, agents)
    if as_json:
        print_json(stopped)
    else:
        for one in stopped:
            state = "still runs" if one.is_running else "ended" if one.was_running else "was not running"
            say(f"{one.agent} {state}")
    if any(one.is_running for one in stopped):
        raise typer.Exit(1)
