"""Agents come and go: join, leave."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, here, warn_untrusted
from agentroom_git.cli.output import print_json, say
from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import parse_agent

if TYPE_CHECKING:
    from agentroom_git.room.room import Room

Name = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name, e.g. alice.")]


def register(app: typer.Typer) -> None:
    app.command()(join)
    app.command()(leave)


def join(name: Name, as_json: Json = False) -> None:
    """Make the agent's worktree and branch, without running anything in it.

    Commits that are made there by git alone do not name the agent's claims: start it with agentroom run.
    """
    from agentroom_git.room import presence

    room = here()
    warn_untrusted(room)
    arrival = presence.join(room, parse_agent(name))
    if as_json:
        print_json(arrival)
        return
    say(f"{name} {'joined' if arrival.is_new else 'is back'}: {arrival.worktree.path}")
    for path in arrival.copied:
        say(f"copied {path}")
    say(f"  its claims count in commits of what is started by: agentroom run {name} -- COMMAND")


def _kept_work(room: "Room", ref: str) -> str:
    """Return what is kept at the ref, by the subject of its commit."""
    tip = room.refs.get(ref)
    return one_line(room.history.subject(tip), 80) if tip else "gone by now"


def leave(
    name: Name,
    discard_ignored: Annotated[
        bool, typer.Option("--discard-ignored", help="Also remove ignored files that no tool makes again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fold what the agent committed, archive what it did not, give back its claims, remove its worktree."""
    from agentroom_git.room import notes, presence

    room = here()
    departure = presence.leave(room, parse_agent(name), discard_ignored=discard_ignored)
    notes.project(room)
    if as_json:
        print_json(departure)
        return
    for ref in departure.kept:
        say(f"kept as {ref}: {_kept_work(room, ref)}")
    if departure.kept:
        say(f"  to have such files back: git restore --source={departure.kept[0]} -- PATH, in any checkout")
    if departure.left_behind:
        shown = ", ".join(departure.left_behind[:3])
        say(f"kept {departure.path}: {len(departure.left_behind)} ignored files that exist only there ({shown})")
        say(f"  to remove them, too: agentroom leave {name} --discard-ignored")
    else:
        say(f"{name} left; removed {departure.path}")
