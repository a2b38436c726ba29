"""What each agent did, as a table."""

from typing import TYPE_CHECKING

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import duration, print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.stats import AgentStats

HEAD = (
    "agent",
    "runs",
    "time",
    "exit",
    "claims",
    "commits",
    "files",
    "unclaimed",
    "others'",
    "refused",
    "urged",
    "left",
)


def register(app: typer.Typer) -> None:
    app.command()(stats)


def stats(as_json: Json = False) -> None:
    """Show what each agent did: runs, time, exit code, claims, commits, files changed, also without a claim.

    `others'` are files that it changed while somebody else held them; `urged` is how often it was asked to go on,
    `left` how often it ended with work left all the same.
    """
    from agentroom_git.room.stats import read_stats

    room = here(to_read=True)
    found = read_stats(room)
    if as_json:
        print_json(found)
        return
    rows = [HEAD, *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    if not found:
        say("nobody has joined" + ("" if room.copy else ": agentroom run NAME -- COMMAND"))


def _row(one: "AgentStats") -> tuple[str, ...]:
    last = one.runs[-1].exit_code if one.runs else None
    return (
        one.agent,
        str(len(one.runs)),
        duration(one.seconds),
        "-" if last is None else str(last),
        f"{one.claimed} ({one.holds} now)" if one.holds else str(one.claimed),
        str(one.commits),
        str(len(one.changed)),
        str(len(one.unclaimed)),
        str(len(one.of_others)),
        str(one.refused),
        str(one.urged + one.restarted),
        str(one.abandoned),
    )
