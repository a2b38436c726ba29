"""Looking at the room: status, log, contested."""

from typing import Annotated

import typer

from agentroom_git.cli.coordination import describe_claim
from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import duration, print_json, say


def register(app: typer.Typer) -> None:
    for command in (status, log, contested):
        app.command()(command)


def status(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Only what concerns these.")] = None,
    as_json: Json = False,
) -> None:
    """Show who is here, who holds what, what was folded, what is contested and who waits."""
    from agentroom_git.room.status import read_status

    found = read_status(here(), paths or ())
    if as_json:
        print_json(found)
        return
    say(f"room {found.room} at {found.integration[:10]}, sidecar {'running' if found.sidecar else 'not running'}")
    for agent in found.agents:
        _say_agent(agent)
    if not found.agents:
        say("  nobody has joined: agentroom run NAME -- COMMAND")
    for held in found.claims:
        say("  " + describe_claim(held.claim.agent, held.claim.path, held.claim.reason, held.left, held.claim.shared))
    for record in found.contested:
        say(f"  contested {record.id}: {_place(record)}")
    for line in found.folds:
        say(f"  {line.at} {line.text}")
    for problem in found.problems:
        say(f"  cannot read {problem.id[:10]} in {problem.ref}: {problem.problem} ({problem.hint})")


def _say_agent(agent: "object") -> None:
    from agentroom_git.room.status import Presence

    if not isinstance(agent, Presence):
        raise TypeError(agent)
    seen = f", last seen {duration(agent.silent)} ago" if agent.silent is not None else ""
    unread = f", {agent.unread} unread" if agent.unread else ""
    where = f" in {agent.worktree}" if agent.worktree else ""
    say(f"  {agent.agent} {agent.state}{seen}{unread}{where}")
    if agent.waits is not None:
        about = f" ({', '.join(agent.waits.paths[:5])})" if agent.waits.paths else ""
        say(f"    waits: {agent.waits.text}{about}")


def _place(record: "object") -> str:
    from agentroom_git.git.contested_refs import Stored

    if not isinstance(record, Stored):
        raise TypeError(record)
    lines = f" lines {record.start}-{record.start + max(record.lines, 1) - 1}" if record.start else ""
    names = " against ".join(" and ".join(side) or "nobody" for side in record.agents)
    stands = "" if record.winner is None else f", {' and '.join(record.agents[record.winner])}'s stands"
    return f"{record.path}{lines} ({record.kind}): {names}{stands}"


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="The newest N lines; 0: all.")] = 50,
    as_json: Json = False,
) -> None:
    """Tell the room's story: who joined, claimed, said, folded what, oldest first."""
    from agentroom_git.room.status import read_story

    room = here()
    room.integration()
    lines, problems = read_story(room, limit)
    if as_json:
        print_json({"lines": lines, "problems": problems})
        return
    for line in lines:
        say(line.render())
    for problem in problems:
        say(f"cannot read {problem.id[:10]} in {problem.ref}: {problem.problem} ({problem.hint})")


def contested(as_json: Json = False) -> None:
    """List what concurrent commits changed differently, with every version that lost."""
    from agentroom_git.git import contested_refs

    room = here()
    room.integration()
    records = list(contested_refs.read_all(room.refs, room.names.contested))
    if as_json:
        print_json(records)
        return
    for record in records:
        say(f"{record.id}: {_place(record)}")
        say(f"  every version: git show {room.names.contested}{record.id}^{{tree}}")
    if not records:
        say("nothing is contested")
