"""The user's check on the combined work: trust."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.trust import Standing


def register(app: typer.Typer) -> None:
    app.command()(trust)


def trust(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take what is shown without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Show which commands of .agentroom.yaml have changed, and let the room run them from now on. The user's alone."""
    from agentroom_git.errors import UsageError
    from agentroom_git.room import trust as trusting

    room = here()
    before = trusting.standing(room)
    if as_json:
        if yes:
            trusting.trust(room)
        print_json(before)
        return
    _say_differences(before)
    if before.pinned is not None and not before.differences:
        say(f"nothing has changed since {before.since}")
        return
    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes", hint="agentroom trust --yes, once you have read them")
    if yes or typer.confirm("Let the room run them?"):
        trusting.trust(room)
        say("trusted")


def _say_differences(before: "Standing") -> None:
    for one in before.differences:
        say(f"{one.key}:")
        for line in one.old:
            if line not in one.new:
                say(f"  - {line}")
        for line in one.new:
            say(f"  {' ' if line in one.old else '+'} {line}")
