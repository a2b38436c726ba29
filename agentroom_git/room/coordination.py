"""Claims: what the agents' verbs do. A refusal is an answer, not an error."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core import claims
from agentroom_git.core.claims import Claim, ClaimsError, Denied, Granted, Request, Returned, Table
from agentroom_git.core.events import Claimed, Event, Refused, Released
from agentroom_git.core.ids import AgentName
from agentroom_git.core.patterns import parse_pattern
from agentroom_git.errors import UsageError
from agentroom_git.git.claims_ref import Snapshot, change_table, read_table
from agentroom_git.room import leases, logs
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Held:
    """A live claim and how many seconds it still runs; not positive means that the next who asks takes it over."""

    claim: Claim
    left: float

    @property
    def is_stale(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class Grant:
    claims: tuple[Claim, ...]
    took_over: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who holds what was asked for, and what of it is free."""

    conflicts: tuple[Held, ...]
    free: tuple[str, ...]


def repository_path(room: Room, raw: str) -> str:
    """Return the path, or pattern, relative to the top of the repository.

    Absolute ones may lie in any worktree of the room; a resource's name stays as it is.
    """
    if not os.path.isabs(raw):
        return raw
    tops = [room.repo.worktree, room.checkout, *(worktree.path for worktree in room.worktrees().values())]
    for top in tops:
        if top is not None and Path(os.path.normpath(raw)).is_relative_to(top):
            below = str(Path(os.path.normpath(raw)).relative_to(top))
            return f"./{below}/" if raw.endswith("/") else f"./{below}"
    raise UsageError(f"{ascii(raw[:80])} is outside the repository", hint="give a path relative to its top")


def claim(
    room: Room, paths: Sequence[str], *, reason: str = "", ttl: int | None = None, shared: bool = False
) -> Grant | Refusal:
    """Claim several paths for the acting agent, all or nothing; a path covers everything below it."""
    agent = room.agent()
    room.integration()
    lease = room.config.lease if ttl is None else ttl
    wanted = claims.parse_request([repository_path(room, path) for path in paths], reason, lease)

    def decide(snapshot: Snapshot) -> tuple[Table, Event | None, Grant | Refusal]:
        running = leases.observe(room, snapshot)
        ask = Request(agent, wanted, reason, lease, shared, logs.stamp(room))
        answer = claims.grant(snapshot.table, ask, stale=running.stale)
        if isinstance(answer, Denied):
            conflicts = tuple(Held(c, running.left[c.token]) for c in answer.conflicts)
            return snapshot.table, None, Refusal(conflicts, answer.free)
        return answer.table, _granted_event(room, snapshot, answer, reason, lease, shared), _grant(answer)

    leases.beat(room)
    answer, _ = change_table(room.refs, room.names.claims, decide, room.clock.now())
    if isinstance(answer, Refusal):
        _record_refusal(room, answer, wanted, reason)
    return answer


def _grant(answer: Granted) -> Grant:
    return Grant(answer.claims, answer.took_over)


def _granted_event(
    room: Room, snapshot: Snapshot, answer: Granted, reason: str, ttl: int, shared: bool
) -> Event | None:
    new = [claim for claim in answer.claims if claim.token > snapshot.table.highest]
    if not new:
        return None
    body = Claimed(
        paths=tuple(claim.path for claim in new),
        tokens=tuple(str(claim.token) for claim in new),
        reason=reason,
        ttl=ttl,
        shared=shared,
        took_over=tuple(sorted({claim.agent for claim in answer.took_over})),
    )
    return logs.new_event(room, room.agent(), body)


def _record_refusal(room: Room, refusal: Refusal, wanted: tuple[str, ...], reason: str) -> None:
    blocked = tuple(path for path in wanted if path not in refusal.free)
    holders = tuple(sorted({held.claim.agent for held in refusal.conflicts}))
    logs.record(room, Refused(blocked, holders, reason))


def release(room: Room, paths: Sequence[str] | None) -> Returned:
    """Give back the acting agent's claims on these paths, or all of them; what others hold is left alone."""
    agent = room.agent()
    room.integration()
    wanted = None if paths is None else [parse_pattern(repository_path(room, path)) for path in paths]
    leases.beat(room)
    return _release(room, agent, wanted)


def release_all(room: Room, agent: AgentName) -> Returned:
    """Give back all claims of an agent that leaves; from a damaged table nothing, so that their leases run out."""
    try:
        return _release(room, agent, None)
    except ClaimsError:
        return Returned(Table(), (), (), ())


def _release(room: Room, agent: AgentName, wanted: Sequence[str] | None) -> Returned:
    def give_back(snapshot: Snapshot) -> tuple[Table, Event | None, Returned]:
        answer = claims.release(snapshot.table, agent, wanted)
        if not answer.claims:
            return answer.table, None, answer
        freed = answer.claims
        body = Released(tuple(c.path for c in freed), tuple(str(c.token) for c in freed))
        return answer.table, logs.new_event(room, agent, body), answer

    answer, _ = change_table(room.refs, room.names.claims, give_back, room.clock.now())
    return answer


def live_claims(room: Room) -> list[Held]:
    """Return the claims in order of their tokens, with how long each still runs."""
    snapshot = read_table(room.refs, room.names.claims)
    left = leases.observe(room, snapshot).left
    return [Held(claim, left[claim.token]) for claim in snapshot.table.claims]
