"""From the room to the user's branch: land."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.landing import Landing

REFUSED = 3


def register(app: typer.Typer) -> None:
    app.command()(land)


def land(  # noqa: PLR0913 - each is an option
    green: Annotated[bool, typer.Option("--green", help="Only what has passed the check.")] = False,
    merge: Annotated[bool, typer.Option("--merge", help="One merge with the whole history of the room.")] = False,
    branch: Annotated[
        str,
        typer.Option("--branch", metavar="NAME", help="Make or replace a branch for review; yours stays."),
    ] = "",
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="With --branch: write its description here.")
    ] = None,
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="The subject, where one commit is made.")
    ] = "",
    contested: Annotated[bool, typer.Option("--contested", help="Although something is contested.")] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Although the check has not passed.")] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Without your commit hooks.")] = False,
    autostash: Annotated[bool, typer.Option("--autostash", help="Let git put your edits aside meanwhile.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the room's work to your branch: a commit for each agent, made by your own git. Exit code 3: refused."""
    from agentroom_git.room import landing

    choices = landing.Choices(
        green=green,
        merge=merge,
        branch=branch,
        title=message,
        contested=contested,
        unchecked=unchecked,
        verify=not no_verify,
        autostash=autostash,
    )
    room = here()
    done = landing.land(room, choices, dry_run=dry_run)
    if body is not None and not done.is_refused:
        body.write_text(done.description, "utf-8")
    if as_json:
        print_json(done)
    else:
        _say_landing(done, dry_run=dry_run)
        if branch and body is None and not done.is_refused:
            typer.echo("\n" + done.description)
    if done.is_refused:
        raise typer.Exit(REFUSED)


def _say_landing(done: "Landing", *, dry_run: bool) -> None:
    ids = done.commits if len(done.commits) == len(done.parts) else ()
    for number, part in enumerate(done.parts):
        id = ids[number][:10] + " " if ids else ""
        say(f"{id}{part.subject}: {part.agent}, {part.commits} commits, {len(part.paths)} files")
    for objection in done.objections:
        say(f"not landed: {objection.text}")
        if objection.hint:
            say(f"  hint: {objection.hint}")
    if not done.parts and not done.objections:
        say(f"nothing to land: {done.branch} has it all")
    elif not done.objections:
        say(f"{'would land' if dry_run else 'landed'} {done.fold[:10]} on {done.branch}")
