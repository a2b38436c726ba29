"""From the room to the user's branch, and back, and keeping the repository lean: land, undo, gc."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, here
from agentroom_git.cli.output import print_json, say
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError

if TYPE_CHECKING:
    from agentroom_git.room.landing import Landing

REFUSED = 3


def register(app: typer.Typer) -> None:
    for command in (land, undo, gc):
        app.command()(command)


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
    """Bring the room's work to your branch: a commit for each agent, made by your own git.

    Exit code 3: refused, or (--autostash) your edits conflict with what landed.
    """
    from agentroom_git.room import landing

    if body is not None and not branch:
        raise UsageError("--body is for a branch for review", hint="agentroom land --branch NAME --body FILE")
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
    if done.is_refused or done.has_stashed:
        raise typer.Exit(REFUSED)


def _say_landing(done: "Landing", *, dry_run: bool) -> None:
    ids = done.commits if len(done.commits) == len(done.parts) else ()
    for number, part in enumerate(done.parts):
        id = ids[number][:10] + " " if ids else ""
        say(f"{id}{part.subject}: {part.agent}, {_many(part.commits, 'commit')}, {_many(len(part.paths), 'file')}")
    for objection in done.objections:
        say(f"not landed: {objection.text}")
        if objection.hint:
            say(f"  hint: {objection.hint}")
    if not done.parts and not done.objections:
        say(f"nothing to land: {done.branch} has it all")
    elif not done.objections:
        say(f"{'would land' if dry_run else 'landed'} {done.fold[:10]} on {done.branch}")
    if done.has_stashed:
        say("your edits change what landed: git put conflict markers into the files, and the edits into its stash")
        say("  hint: settle what git status names, then: git stash drop")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def undo(  # noqa: PLR0913 - each is an option
    fold: Annotated[str, typer.Argument(metavar="[FOLD]", help="A fold, or a commit that a fold brought in.")] = "",
    agent: Annotated[str, typer.Option("--agent", metavar="NAME", help="All folds of this agent's instead.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="With --agent: 30m, 2h, or a date.")] = "",
    later: Annotated[bool, typer.Option("--later", help="Undo the later folds that build on it, too.")] = False,
    contested: Annotated[bool, typer.Option("--contested", help="Let what later folds changed be contested.")] = False,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Fold the inverse of a fold and tell its authors. Exit code 3: later folds build on it."""
    from agentroom_git.core.moments import parse_moment
    from agentroom_git.room import logs, notes
    from agentroom_git.room import undo as undoing

    if bool(fold) == bool(agent) or (since and not agent):
        raise UsageError("name a fold, or an agent", hint="agentroom undo FOLD, or: --agent NAME [--since TIME]")
    if later and contested:
        raise UsageError("--later and --contested exclude each other", hint="give one of them")
    room = here(speaking_as)
    room.integration()
    if agent:
        moment = parse_moment(since, room.clock.now()) if since else None
        whose = parse_agent(agent)
        logs.refuse_stranger(room, whose)
        wanted = undoing.folds_of(room, whose, moment)
    else:
        wanted = [undoing.find_fold(room, fold)]
    done = undoing.undo(room, wanted, later=later, contested=contested)
    notes.project(room)
    if as_json:
        print_json(done)
    else:
        for line in undoing.describe(done):
            say(line)
        if done.blocked_by:
            say(f"  hint: undo them, too: --later{'' if agent else '; or fold it as a contest: --contested'}")
    if done.is_refused:
        raise typer.Exit(REFUSED)


def gc(
    idle: Annotated[
        str, typer.Option("--idle", metavar="TIME", help="Also worktrees silent for so long: 7d; only the user.")
    ] = "",
    pack: Annotated[bool, typer.Option("--pack", help="Only pack objects, as the sidecar does by itself.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be removed, and why.")] = False,
    as_json: Json = False,
) -> None:
    """Pack what the room wrote; remove worktrees gone for a day, their work archived. Nothing is pruned."""
    from agentroom_git.core.moments import parse_moment
    from agentroom_git.room import collecting

    room = here()
    room.integration()
    if pack:
        packed = collecting.pack(room)
        print_json(packed) if as_json else say(f"packed {packed.objects:,} objects and {packed.refs:,} refs")
        return
    now = room.clock.now()
    seconds = (now - parse_moment(idle, now)).total_seconds() if idle else None
    done = collecting.collect(room, idle=seconds, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    for one in done.worktrees:
        what = ("would remove" if dry_run else "removed") if one.goes else "kept"
        say(f"{what} {one.path}: {one.why}")
        for ref in one.kept:
            say(f"  archived as {ref}")
    if done.packed is not None:
        say(f"packed {done.packed.objects:,} objects and {done.packed.refs:,} refs")
    else:
        say(f"about {done.loose:,} loose objects; those of the room would be packed, and none removed")
