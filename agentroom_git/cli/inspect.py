"""Looking at the room: status, log, contested, resolve."""

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, here
from agentroom_git.cli.output import plain, print_json, say
from agentroom_git.cli.status_lines import place_of, status_lines

if TYPE_CHECKING:
    from agentroom_git.room.contests import Contest

OPEN = 3
ENDINGS = ("urged", "abandoned")
"""Kinds of events of agents that were about to end with work left."""


def register(app: typer.Typer) -> None:
    for command in (status, log, contested, resolve):
        app.command()(command)


def status(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Only what concerns these.")] = None,
    as_json: Json = False,
) -> None:
    """Show who is here, who holds what, what was folded, what is contested and who waits."""
    from agentroom_git.room.status import read_status

    room = here(to_read=True)
    found = read_status(room, paths or ())
    if as_json:
        from agentroom_git.room.stats import read_stats

        print_json({**plain(found), "stats": read_stats(room)})
        return
    for line in status_lines(found):
        say(line)


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="The newest N lines; 0: all.")] = 50,
    abandoned: Annotated[
        bool, typer.Option("--abandoned", help="Only agents that were about to end with work left, and why they did.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell the room's story: who joined, claimed, said, folded what, oldest first."""
    from agentroom_git.room.status import read_story

    room = here(to_read=True)
    room.integration()
    lines, problems = read_story(room, limit, only=ENDINGS if abandoned else ())
    if as_json:
        print_json({"lines": lines, "problems": problems})
        return
    for line in lines:
        say(line.render())
    if abandoned and not lines:
        say("no agent ended with work left")
    for problem in problems:
        say(f"cannot read {problem.id[:10]} in {problem.ref}: {problem.problem} ({problem.hint})")


def contested(
    id: Annotated[str, typer.Argument(metavar="[ID]", help="One of them, by the beginning of its id.")] = "",
    diff: Annotated[bool, typer.Option("--diff", help="Show every version against the base.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were resolved.")] = False,
    as_json: Json = False,
) -> None:
    """List what concurrent commits changed differently, the newest last. Exit code 3: some of it is open."""
    from agentroom_git.room import contests
    from agentroom_git.room.present_names import as_named_now

    room = here(to_read=True)
    room.integration()
    found = [contests.find_contest(room, id)] if id else contests.read_contests(room)
    shown = [contest for contest in found if id or everything or contest.is_open]
    named = as_named_now(room, (contest.record for contest in shown))
    shown = [replace(contest, record=record) for contest, record in zip(shown, named, strict=True)]
    if as_json:
        print_json(shown)
    else:
        for contest in shown:
            _say_contest(contest, diff=diff)
        if not shown:
            say("nothing is contested")
    if any(contest.is_open for contest in shown):
        raise typer.Exit(OPEN)


def _say_contest(contest: "Contest", *, diff: bool) -> None:
    record = contest.record
    closed = "" if contest.is_open else f" - {contest.how}"
    if contest.closed_by and not contest.replaced_by:
        closed += f" by {contest.closed_by}"
    say(f"{record.id}: {place_of(record)} (step {record.step}){closed}")
    if not diff:
        return
    base = _lines(record.base)
    for number, (names, side) in enumerate(zip(record.agents, record.sides, strict=True)):
        who = " and ".join(names)
        if record.names:
            say(f"  {who}'s is {record.names[number]}")
        for line in difflib.unified_diff(base, _lines(side), "base", who, lineterm=""):
            say(f"  {line}")


def _lines(text: bytes | None) -> list[str]:
    return (text or b"").decode("utf-8", "backslashreplace").splitlines()


def resolve(
    id: Annotated[str, typer.Argument(metavar="ID", help="The contested region, by the beginning of its id.")],
    take: Annotated[str, typer.Option("--take", metavar="NAME|both|base", help="Whose version is to stand.")],
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Close a contested region by taking one agent's version, both, or the base. Editing the lines does it, too."""
    from agentroom_git.room import contests, notes

    room = here(speaking_as)
    made = contests.resolve(room, id, take)
    notes.project(room)
    if as_json:
        print_json(made)
    else:
        say(f"resolved {id}: took {take} (fold {made.id[:10]})")
