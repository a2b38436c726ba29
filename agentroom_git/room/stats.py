"""What each agent did: its runs, its claims, its commits, and what it changed without a claim or on somebody else's.

Computed from the logs, the claims and the folds alone; what was counted is kept in a private file, so that only what is
new is read. A worktree for each agent is what makes its work its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentroom_git.core import trailers
from agentroom_git.core.claims import Claim, ClaimsError
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Abandoned, Claimed, Joined, Left, Recorded, Refused, Urged
from agentroom_git.core.ids import BASE, HUMAN, SIDECAR, AgentName, Oid
from agentroom_git.core.patterns import has
from agentroom_git.git.claims_ref import read_history, read_table
from agentroom_git.git.log_scan import is_continued, scan
from agentroom_git.room import contributions, logs
from agentroom_git.room.contributions import Contribution
from agentroom_git.room.room import Room
from agentroom_git.system.files import keep_json, read_json

VERSION = 1
FILE_NAME = "stats.json"
RESTART = "restart"
_PASSED_OVER = (
    "broadcast", "notice", "withdrawn", "read", "renewed", "released", "rewrote", "opened", "noted", "task-added",
    "task-done", "task-dropped", "assigned", "resolved", "reopened", "replaced", "checked", "blamed", "chosen",
    "landed",
)  # fmt: skip
_SETS = ("claimed", "changed", "unclaimed", "of_others")
"""Fields of a tally that are sets, kept as lists."""


@dataclass(frozen=True, slots=True)
class Run:
    """One command of an agent's. `until` is empty and the exit code None while it runs, or where it never said."""

    command: str
    since: str
    until: str
    seconds: float | None
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class AgentStats:
    """`claimed` counts claims ever granted, `holds` those held now; `changed`, `unclaimed` and `of_others` are paths.

    `unclaimed` were changed under no claim of the agent's own, `of_others` while somebody else held them.
    """

    agent: AgentName
    runs: tuple[Run, ...]
    seconds: float
    claimed: int
    holds: int
    refused: int
    commits: int
    changed: tuple[str, ...]
    unclaimed: tuple[str, ...]
    of_others: tuple[str, ...]
    urged: int
    restarted: int
    abandoned: int


@dataclass(slots=True)
class Tally:
    """What is counted of one agent so far; runs are lists as they are kept: command, since, until, exit code."""

    runs: list[list[Any]] = field(default_factory=list)
    refused: int = 0
    urged: int = 0
    restarted: int = 0
    abandoned: int = 0
    claimed: set[str] = field(default_factory=set)
    grants: int = 0
    commits: int = 0
    changed: set[str] = field(default_factory=set)
    unclaimed: set[str] = field(default_factory=set)
    of_others: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Count:
    """The tallies, and up to which commit of each ref they count."""

    tips: dict[str, str] = field(default_factory=dict)
    agents: dict[str, Tally] = field(default_factory=dict)

    def of(self, agent: str) -> Tally:
        return self.agents.setdefault(agent, Tally())


def read_stats(room: Room) -> list[AgentStats]:
    """Return what each agent that ever joined did, by name."""
    room.integration()
    count = _load(room)
    before = dict(count.tips)
    _count_logs(room, count)
    _count_claims(room, count)
    _count_folds(room, count)
    if count.tips != before:
        _save(room, count)
    held = _held(room)
    agents = sorted(set(logs.writers(room)) - {SIDECAR, HUMAN})
    return [_stats(agent, count.of(agent), held.get(agent, 0)) for agent in agents]


def _stats(agent: AgentName, tally: Tally, holds: int) -> AgentStats:
    runs = tuple(Run(command, since, until, _seconds(since, until), code) for command, since, until, code in tally.runs)
    return AgentStats(
        agent=agent,
        runs=runs,
        seconds=sum(run.seconds or 0.0 for run in runs),
        claimed=tally.grants,
        holds=holds,
        refused=tally.refused,
        commits=tally.commits,
        changed=tuple(sorted(tally.changed)),
        unclaimed=tuple(sorted(tally.unclaimed)),
        of_others=tuple(sorted(tally.of_others)),
        urged=tally.urged,
        restarted=tally.restarted,
        abandoned=tally.abandoned,
    )


def _seconds(since: str, until: str) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())
    except ValueError:
        return None


def _held(room: Room) -> dict[str, int]:
    try:
        claims = read_table(room.refs, room.names.claims).table.claims
    except ClaimsError:
        return {}
    found: dict[str, int] = {}
    for claim in claims:
        found[claim.agent] = found.get(claim.agent, 0) + 1
    return found


def _count_logs(room: Room, count: Count) -> None:
    for writer, tip in logs.writers(room).items():
        ref = room.names.log(writer)
        known = count.tips.get(ref)
        new = list(scan(room.refs, ref, writer, Oid(known) if known else None, _PASSED_OVER))
        for item in reversed(new):
            if isinstance(item, Recorded):
                _count_event(count, item)
        count.tips[ref] = tip


def _count_event(count: Count, recorded: Recorded) -> None:
    event, body = recorded.event, recorded.event.body
    tally = count.of(event.agent)
    if isinstance(body, Joined) and body.command:
        tally.runs.append([body.command, event.at, "", None])
    elif isinstance(body, Left) and body.exit_code >= 0 and tally.runs and not tally.runs[-1][2]:
        tally.runs[-1][2:] = [event.at, body.exit_code]
    elif isinstance(body, Refused):
        tally.refused += 1
    elif isinstance(body, Urged):
        tally.restarted += body.how == RESTART
        tally.urged += body.how != RESTART
    elif isinstance(body, Abandoned):
        tally.abandoned += 1


def _count_claims(room: Room, count: Count) -> None:
    ref = room.names.claims
    tip = room.refs.get(ref)
    known = count.tips.get(ref)
    if tip is None or tip == known:
        return
    for item in read_history(room.refs, ref, Oid(known) if known else None):
        if isinstance(item, Recorded) and isinstance(item.event.body, Claimed):
            tally = count.of(item.event.agent)
            tally.grants += len(item.event.body.paths)
            tally.claimed.update(item.event.body.paths)
    count.tips[ref] = tip


def _count_folds(room: Room, count: Count) -> None:
    ref = room.names.integration
    known = count.tips.get(ref)
    new = list(contributions.folds_since(room, Oid(known) if known else None))[::-1]
    tables = _tables_before(room, [fold.id for fold in new])
    for fold, claims in zip(new, tables, strict=True):
        for one in contributions.of_fold(room, fold):
            if one.agent != BASE:
                _count_commit(room, count.of(one.agent), one, claims)
    count.tips[ref] = room.integration()


def _count_commit(room: Room, tally: Tally, one: Contribution, claims: Sequence[Claim]) -> None:
    paths = [path_text(path) for path in contributions.changed_paths(room, one)]
    others = [claim for claim in claims if claim.agent != one.agent and not claim.shared]
    tally.commits += 1
    tally.changed.update(paths)
    tally.unclaimed.update(_without_claim(room, one, paths, tally))
    tally.of_others.update(path for path in paths if any(has(claim.path, path) for claim in others))


def _tables_before(room: Room, folds: Sequence[Oid]) -> list[tuple[Claim, ...]]:
    """Return the claims that were held when each of these folds, oldest first, was made.

    An event on the claims names the integration tip that its writer saw: it came after that fold, before the next.
    """
    number = {id: at for at, id in enumerate(folds, 1)}
    found: list[tuple[Claim, ...]] = [()] * len(folds)
    free = len(folds)
    for item in read_history(room.refs, room.names.claims):
        if not free:
            break
        seen = number.get(Oid(item.event.seen), 0) if isinstance(item, Recorded) else free
        if seen < free:
            found[seen:free] = [_table(room, item.id)] * (free - seen)
            free = seen
    return found


def _table(room: Room, commit: Oid) -> tuple[Claim, ...]:
    try:
        return read_table(room.refs, room.names.claims, commit).table.claims
    except ClaimsError:
        return ()


def _without_claim(room: Room, one: Contribution, paths: Sequence[str], tally: Tally) -> Iterator[str]:
    """Yield the paths that no claim named in the commit covers.

    A commit that the room's hook never saw names none: there, a claim that its agent ever had on the path counts.
    """
    message = room.history.message(one.commit)
    if not trailers.values(message, trailers.AGENT):
        yield from (path for path in paths if not any(has(claim, path) for claim in tally.claimed))
        return
    named = [value.partition(" ")[2] for value in trailers.values(message, trailers.CLAIM)]
    yield from (path for path in paths if not any(_is_under(path, name) for name in named))


def _is_under(path: str, name: str) -> bool:
    return not name or path == name or path.startswith(f"{name}/")


def _load(room: Room) -> Count:
    """Return what was counted, as far as every ref only grew since; otherwise nothing: it is all counted again."""
    record = read_json(room.private / FILE_NAME)
    try:
        if record["v"] != VERSION:
            return Count()
        count = Count(dict(record["tips"]), {name: _tally(one) for name, one in record["agents"].items()})
        tips = [(room.refs.get(ref), Oid(str(seen))) for ref, seen in count.tips.items()]
    except (AttributeError, KeyError, TypeError, ValueError):
        return Count()
    return count if all(now and is_continued(room.refs, now, seen) for now, seen in tips) else Count()


def _tally(record: dict[str, Any]) -> Tally:
    return Tally(**record | {name: set(record[name]) for name in _SETS})


def _save(room: Room, count: Count) -> None:
    agents = {
        name: {key: sorted(getattr(one, key)) if key in _SETS else getattr(one, key) for key in Tally.__slots__}
        for name, one in count.agents.items()
    }
    keep_json(room.private / FILE_NAME, {"v": VERSION, "tips": count.tips, "agents": agents})
