"""The state of the room in lines, the most important first: for `status` and `watch`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agentroom_git.cli.coordination import describe_claim
from agentroom_git.cli.output import duration

if TYPE_CHECKING:
    from agentroom_git.git.contested_refs import Stored
    from agentroom_git.room.status import Presence, Status

MAX_TASKS = 20
MAX_CLAIMS = 50
NO_TOPIC = "without a topic"


def status_lines(found: "Status", *, with_folds: bool = True) -> Iterator[str]:
    """Yield the lines; what agents said stands in them as they said it."""
    sidecar = "running" if found.sidecar else "not running: agentroom sidecar start"
    served = f"fetched from {found.copy_of} to be read" if found.copy_of else f"sidecar {sidecar}"
    yield f"room {found.room} at {found.integration[:10]}, {served}"
    if found.disk:
        yield f"  nothing is folded or synced: {found.disk}"
    if found.configuration:
        yield f"  {found.configuration} (what it said last holds; tell the user)"
    for agent in found.agents:
        yield from _agent_lines(agent)
    if not found.agents:
        yield "  nobody has joined" + ("" if found.copy_of else ": agentroom run NAME -- COMMAND")
    yield from _claim_lines(found)
    yield from _contest_lines(found)
    for text in found.gate.lines if found.gate else ():
        yield f"  {text}"
    yield from _work_lines(found)
    for line in found.folds if with_folds else ():
        yield f"  {line.at} {line.text}"
    yield from _displaced_lines(found)
    for problem in found.problems:
        yield f"  cannot read {problem.id[:10]} in {problem.ref}: {problem.problem} ({problem.hint})"


def _claim_lines(found: "Status") -> Iterator[str]:
    for held in found.claims[:MAX_CLAIMS]:
        claim = held.claim
        yield "  " + describe_claim(claim, held.left, is_copy=bool(found.copy_of))
    if len(found.claims) > MAX_CLAIMS:
        yield f"  {len(found.claims) - MAX_CLAIMS} more claims: agentroom claims, or agentroom status PATH"


def _contest_lines(found: "Status") -> Iterator[str]:
    for record in found.contested:
        yield f"  contested {record.id}: {place_of(record)}"
    for clash in found.warnings:
        both = " and ".join(clash.agents)
        yield f"  early warning: {both} edit {clash.describe()}: contested once both are committed"


def _work_lines(found: "Status") -> Iterator[str]:
    for task in found.tasks[:MAX_TASKS]:
        yield f"  task {task.summary}"
    if len(found.tasks) > MAX_TASKS:
        yield f"  {len(found.tasks) - MAX_TASKS} more tasks: agentroom task list"
    if found.topics:
        yield f"  notes: {', '.join(f'{name or NO_TOPIC} ({count})' for name, count in found.topics[:MAX_TASKS])}"


def _agent_lines(agent: "Presence") -> Iterator[str]:
    seen = f", last seen {duration(agent.silent)} ago" if agent.silent is not None else ""
    unread = f", {agent.unread}{'+' if agent.has_more_unread else ''} unread" if agent.unread else ""
    where = f" in {agent.worktree}" if agent.worktree else ""
    yield f"  {agent.agent} {agent.state}{seen}{unread}{where}"
    if agent.waits is not None:
        about = f" ({', '.join(agent.waits.paths[:5])})" if agent.waits.paths else ""
        yield f"    waits: {agent.waits.text}{about}"


def _displaced_lines(found: "Status") -> Iterator[str]:
    owned = {agent.agent: agent.displaced for agent in found.agents if agent.displaced}
    if owned:
        count = sum(map(len, owned.values()))
        versions = "1 replaced version" if count == 1 else f"{count} replaced versions"
        folder = Path(next(iter(owned.values()))[-1].file).parents[2]
        yield f"  {versions} of files of {', '.join(owned)}, kept for an hour in {folder} (--json names each)"


def place_of(record: "Stored") -> str:
    """Return where a contested region is, between whom, and whose version stands."""
    lines = f" lines {record.start}-{record.start + max(record.lines, 1) - 1}" if record.start else ""
    sides = [" and ".join(side) or "nobody" for side in record.agents]
    renamed = [f"{side}'s {name}" for side, name in zip(sides, record.names, strict=False)]
    names = " against ".join(renamed or sides)
    stands = "" if record.winner is None else f", {' and '.join(record.agents[record.winner])}'s stands"
    return f"{record.shown_path}{lines} ({record.kind}): {names}{stands}"
