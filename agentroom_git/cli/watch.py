"""Watching the room: `watch`, a screen that is always up to date, or lines as they come."""

import select
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import plain, say
from agentroom_git.cli.status_lines import status_lines
from agentroom_git.core.escape import one_line
from agentroom_git.errors import UsageError

if TYPE_CHECKING:
    from agentroom_git.room.following import Follower
    from agentroom_git.room.room import Room
    from agentroom_git.room.story import Line

LOOK_SECONDS = 1.0
REDRAW_SECONDS = 5.0
"""Leases run out and agents fall silent without a ref that moves."""
LINES = 20
KEPT = 500
_STYLES = {"contested": "bold yellow", "early": "bold yellow", "waits:": "yellow", "room": "bold", "Ctrl-C": "dim"}
_ENDS = "Ctrl-C ends; the room goes on"


def register(app: typer.Typer) -> None:
    app.command()(watch)


def watch(
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=0, metavar="N", help="Begin with the last N; else 20, or what the screen holds."
        ),
    ] = None,
    plainly: Annotated[
        bool, typer.Option("--lines", help="Lines of the story as they come, also on a terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the room as it goes on: who is here, who holds what, what happens. Ctrl-C ends that, and not the room.

    Where the output is no terminal, or with --lines or --json, the story's lines as they come: one line, one record.
    """
    from rich.console import Console

    from agentroom_git.room.following import Follower

    follower = Follower(here(to_read=True))
    follower.room.integration()
    if sys.stdout is None:
        return
    is_screen = sys.stdout.isatty() and not Console().is_dumb_terminal
    try:
        if plainly or as_json or not is_screen:
            _follow(follower, LINES if limit is None else limit, as_json=as_json)
        else:
            _show(follower, KEPT if limit is None else limit)
    except KeyboardInterrupt:
        return


def _follow(follower: "Follower", limit: int, *, as_json: bool) -> None:
    _tell(follower.begin(limit), as_json=as_json)
    while not _is_reader_gone():
        follower.room.clock.sleep(LOOK_SECONDS)
        _tell(follower.news(), as_json=as_json)


def _is_reader_gone() -> bool:
    """Return whether nobody reads the output any more: the next line may be long in coming."""
    look = select.poll()
    look.register(sys.stdout.fileno(), 0)
    return any(state & select.POLLERR for _, state in look.poll(0))


def _tell(lines: "list[Line]", *, as_json: bool) -> None:
    import json

    for line in lines:
        if as_json:
            typer.echo(json.dumps(plain(line), ensure_ascii=True))
        else:
            say(line.render())
    if lines:
        sys.stdout.flush()


def _show(follower: "Follower", limit: int) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from agentroom_git.room.status import read_status

    console, clock = Console(highlight=False), follower.room.clock
    story = follower.begin(limit)
    drawn = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            new = follower.news()
            story = [*story, *new][-KEPT:]
            if drawn is None or new or clock.monotonic() - drawn >= REDRAW_SECONDS:
                state = status_lines(read_status(_opened_anew(follower.room)), with_folds=False)
                lines = _screen(list(state), [line.render() for line in story], console.height)
                text = Text(no_wrap=True, overflow="ellipsis")
                for line in lines:
                    text.append(f"{one_line(line)}\n", style=_STYLES.get(line.strip().partition(" ")[0], ""))
                text.rstrip()
                live.update(text, refresh=True)
                drawn = clock.monotonic()
            clock.sleep(LOOK_SECONDS)


def _opened_anew(room: "Room") -> "Room":
    """Return the room as its configuration is now; where that says nonsense, as it was, with the problem named."""
    try:
        return here(to_read=True)
    except UsageError as error:
        return replace(room, config_problem=str(error))


def _screen(state: list[str], story: list[str], height: int) -> Iterator[str]:
    """Yield as many lines as the screen has: the state, at most two thirds of it, and below the end of the story."""
    rest = max(height - 2, 1)
    most = max(rest * 2 // 3, 1)
    shown = state if len(state) <= most else [*state[: most - 1], f"  {len(state)} lines: agentroom status"]
    room = rest - len(shown)
    newest = story[len(story) - min(room, len(story)) :]
    yield from (*shown, "", *newest, *[""] * (room - len(newest)), _ENDS)
