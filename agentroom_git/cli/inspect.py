"""Looking at the room: status, log, contested, resolve."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.coordination import describe_claim
from agentroom_git.cli.opened import As, Json, here
from agentroom_git.cli.output import duration, plain, print_json, say

if TYPE_CHECKING:
    from agentroom_git.git.contested_refs import Stored
    from agentroom_git.room.contests import Contest
    from agentroom_git.room.status import Presence, Status

OPEN = 3
MAX_TASKS = 20
MAX_CLAIMS = 50
ENDINGS = ("urged", "abandoned")
"""Kinds of events of agents that were about to end with work left."""
NO_TOPIC = "without a topic"


def register(app: typer.Typer) -> None:
    for command in (status, log, contested, resolve):
        app.command()(command)


def status(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Only what concerns these.")] = None,
    as_json: Json = False,
) -> None:
    """Show who is here, who holds what, what was folded, what is contested and who waits."""
    from agentroom_git.room.status import read_status

    room = here()
    found = read_status(room, paths or ())
    if as_json:
        from agentroom_git.room.stats import read_stats

        print_json({**plain(found), "stats": read_stats(room)})
        return
    sidecar = "running" if found.sidecar else "not running: agentroom sidecar start"
    say(f"room {found.room} at {found.integration[:10]}, sidecar {sidecar}")
    if found.disk:
        say(f"  nothing is folded or synced: {found.disk}")
    if found.configuration:
        say(f"  {found.configuration} (what it said last holds; tell the user)")
    for agent in found.agents:
        _say_agent(agent)
    if not found.agents:
        say("  nobody has joined: agentroom run NAME -- COMMAND")
    _say_claims(found)
    _say_contests(found)
    for text in found.gate.lines if found.gate else ():
        say(f"  {text}")
    _say_work(found)
    for line in found.folds:
        say(f"  {line.at} {line.text}")
    for problem in found.problems:
        say(f"  cannot read {problem.id[:10]} in {problem.ref}: {problem.problem} ({problem.hint})")


def _say_claims(found: "Status") -> None:
    for held in found.claims[:MAX_CLAIMS]:
        say("  " + describe_claim(held.claim.agent, held.claim.path, held.claim.reason, held.left, held.claim.shared))
    if len(found.claims) > MAX_CLAIMS:
        say(f"  {len(found.claims) - MAX_CLAIMS} more claims: agentroom claims, or agentroom status PATH")


def _say_contests(found: "Status") -> None:
    for record in found.contested:
        say(f"  contested {record.id}: {_place(record)}")
    for clash in found.warnings:
        say(f"  early warning: {' and '.join(clash.agents)} edit {clash.describe()}: contested once both are committed")


def _say_work(found: "Status") -> None:
    for task in found.tasks[:MAX_TASKS]:
        say(f"  task {task.summary}")
    if len(found.tasks) > MAX_TASKS:
        say(f"  {len(found.tasks) - MAX_TASKS} more tasks: agentroom task list")
    if found.topics:
        say(f"  notes: {', '.join(f'{name or NO_TOPIC} ({count})' for name, count in found.topics[:MAX_TASKS])}")


def _say_agent(agent: "Presence") -> None:
    seen = f", last seen {duration(agent.silent)} ago" if agent.silent is not None else ""
    unread = f", {agent.unread}{'+' if agent.has_more_unread else ''} unread" if agent.unread else ""
    where = f" in {agent.worktree}" if agent.worktree else ""
    say(f"  {agent.agent} {agent.state}{seen}{unread}{where}")
    if agent.waits is not None:
        about = f" ({', '.join(agent.waits.paths[:5])})" if agent.waits.paths else ""
        say(f"    waits: {agent.waits.text}{about}")
    if agent.displaced:
        folder = Path(agent.displaced[-1].file).parent.parent
        count = len(agent.displaced)
        versions = "1 replaced version" if count == 1 else f"{count} replaced versions"
        say(f"    {versions} of its files, kept for an hour: {folder} (--json names each)")


def _place(record: "Stored") -> str:
    lines = f" lines {record.start}-{record.start + max(record.lines, 1) - 1}" if record.start else ""
    names = " against ".join(" and ".join(side) or "nobody" for side in record.agents)
    stands = "" if record.winner is None else f", {' and '.join(record.agents[record.winner])}'s stands"
    return f"{record.path}{lines} ({record.kind}): {names}{stands}"


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="The newest N lines; 0: all.")] = 50,
    abandoned: Annotated[
        bool, typer.Option("--abandoned", help="Only agents that were about to end with work left, and why they did.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell the room's story: who joined, claimed, said, folded what, oldest first."""
    from agentroom_git.room.status import read_story

    room = here()
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
    """List what concurrent commits changed differently. Exit code 3: some of it is open."""
    from agentroom_git.room import contests

    room = here()
    room.integration()
    found = [contests.find_contest(room, id)] if id else contests.read_contests(room)
    shown = [contest for contest in found if id or everything or contest.is_open]
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
    closed = "" if contest.is_open else f" - {contest.how} by {contest.closed_by}"
    say(f"{record.id}: {_place(record)} (step {record.step}){closed}")
    if not diff:
        return
    base = _lines(record.base)
    for names, side in zip(record.agents, record.sides, strict=True):
        who = " and ".join(names)
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
