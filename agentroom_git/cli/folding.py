"""Without a sidecar: fold and sync once; and rebuilding the notes."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, here
from agentroom_git.cli.output import print_json, say
from agentroom_git.core.ids import BASE, parse_agent
from agentroom_git.room import sync_waits

if TYPE_CHECKING:
    from agentroom_git.room.syncing import SyncResult
    from agentroom_git.room.turn import Turn

WAITS, CONTESTED = 1, 3
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Agents; all where none is named.")]


def register(app: typer.Typer) -> None:
    for command in (fold, sync, notes, verify):
        app.command()(command)


def fold(names: Names = None, as_json: Json = False) -> None:
    """Fold new commits into integration once. Exit code 3: something was contested."""
    from agentroom_git.core.contested import describe_contested
    from agentroom_git.room import aftermath
    from agentroom_git.room import notes as projection
    from agentroom_git.room.folding import Folder

    room = here()
    report = Folder(room).fold([BASE if name == BASE else parse_agent(name) for name in names or ()])
    aftermath.after_folds(room, report.made)
    projection.project(room)
    if as_json:
        print_json(report)
    else:
        for made in report.made:
            say(f"folded {made.agent} {made.folded[:10]} as {made.id[:10]}")
            for record in made.contested:
                say(f"  contested {record.id} {describe_contested(record)}")
        for agent in report.held:
            say(f"held: {agent}'s branch stepped back; its sync takes the work up again")
        for agent, problem in report.failed:
            say(f"not folded: {agent}: {problem}")
        if not (report.made or report.held or report.failed):
            say("nothing to fold")
    if report.failed:
        raise typer.Exit(1)
    if any(made.contested for made in report.made):
        raise typer.Exit(CONTESTED)


def sync(
    names: Names = None,
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="For the commit of my edits.")] = "",
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """In an agent's worktree: commit my edits, fold, bring in the others' work. Elsewhere: sync all or the named.

    Exit code 1: my worktree waits.
    """
    from agentroom_git.room import syncing, turn

    room = here(speaking_as)
    if room.me is not None and not names:
        done = turn.take_turn(room, message=message)
        if as_json:
            print_json(done)
        else:
            _say_turn(done)
        if isinstance(done.synced, sync_waits.Waiting):
            raise typer.Exit(WAITS)
        return
    results = syncing.sync_room(room, [parse_agent(name) for name in names or ()])
    if as_json:
        print_json(results)
    else:
        _say_results(results)


def _say_results(results: "list[SyncResult]") -> None:
    for result in results:
        _say_result(result)
    if not results:
        say("no agent has a worktree")


def _say_turn(done: "Turn") -> None:
    if done.saved.commit:
        say(f"committed {', '.join(done.saved.paths)}")
    for path, reason in done.saved.left:
        say(f"not committed: {path}: {reason}")
    _say_result(done.synced)


def _say_result(result: "SyncResult") -> None:
    from agentroom_git.room.sync_waits import Waiting
    from agentroom_git.room.syncing import Synced

    if isinstance(result, Synced):
        say(f"synced {result.agent} to {result.to[:10]}: {len(result.paths)} files")
    elif isinstance(result, Waiting):
        about = f" ({', '.join(result.paths[:5])})" if result.paths else ""
        say(f"{result.agent} waits: {result.text}{about}")
    else:
        say(f"{result.agent} is up to date")


def notes(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make them anew from the room's refs.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the notes up to date with the room's events and folds."""
    from agentroom_git.room import notes as projection

    done = projection.project(here(), rebuild=rebuild)
    if as_json:
        print_json(done)
    else:
        say(f"wrote the notes of {done.commits} commits")


def verify(
    span: Annotated[str, typer.Argument(metavar="[RANGE]", help="A..B, or everything up to one commit.")] = "",
    as_json: Json = False,
) -> None:
    """Recompute folds from git alone and name those that are not what they say. Exit code 1: there are some."""
    from agentroom_git.room.verifying import verify as verdicts

    room = here(to_read=True)
    found = list(verdicts(room, span))
    bad = [verdict for verdict in found if not verdict.is_sound]
    if as_json:
        print_json(found)
    else:
        for verdict in bad:
            say(f"{verdict.fold[:10]} {verdict.subject}: {verdict.problem}")
        say(f"{len(found) - len(bad)} of {len(found)} folds are what they say")
    if bad:
        raise typer.Exit(1)
