"""The sidecar: start, stop, status, run."""

from typing import TYPE_CHECKING

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.room import Room


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The process that folds and syncs by itself, one per repository.")
    for command in (start, stop, status, run):
        group.command()(command)
    app.add_typer(group, name="sidecar")


def start(as_json: Json = False) -> None:
    """Start the sidecar in the background, unless one runs."""
    from agentroom_git.sidecar import lifecycle

    state = lifecycle.start(_room_here())
    if as_json:
        print_json(state)
    else:
        say(f"the sidecar runs (pid {state.pid}, since {state.since}); log: {state.log}")


def stop(as_json: Json = False) -> None:
    """Stop the sidecar; commits made meanwhile are folded when it runs again."""
    from agentroom_git.sidecar import lifecycle

    did_run = lifecycle.stop(here(with_any_config=True))
    if as_json:
        print_json({"stopped": did_run})
    else:
        say("the sidecar stopped" if did_run else "no sidecar runs")


def status(as_json: Json = False) -> None:
    """Show whether the sidecar runs, since when, and when it last folded. Exit code 1: it does not."""
    from agentroom_git.sidecar import lifecycle

    room = here(with_any_config=True, to_read=True)
    state = lifecycle.read_state(room)
    if as_json:
        print_json(state)
    elif state.running:
        last = f", last fold {state.last_fold}" if state.last_fold else ""
        say(f"the sidecar runs (pid {state.pid}, since {state.since}{last}); log: {state.log}")
    else:
        say("no sidecar runs" + (f": the room is {room.copy.source}'s" if room.copy else ": agentroom sidecar start"))
    if not as_json:
        for one in state.unwatched:
            say(f"it gets no events of {one}; it looks there now and then")
    if state.disk and not as_json:
        say(f"nothing is folded or synced: {state.disk}")
    if not state.running:
        raise typer.Exit(1)


def run() -> None:
    """Run the sidecar in the foreground until interrupted."""
    from agentroom_git.sidecar import loop
    from agentroom_git.sidecar.ending import end_on_signals

    is_stopped = end_on_signals()
    loop.serve(_room_here(), is_stopped=is_stopped)


def _room_here() -> "Room":
    """Open the room, also where its integration branch was deleted."""
    from agentroom_git.room import forward_only

    room = here()
    forward_only.put_back(room, forward_only.remembered(room))
    room.integration()
    return room
