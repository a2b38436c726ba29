"""Claims: what the agents' verbs do. A refusal is an answer, not an error."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from agentroom_git.core import claims
from agentroom_git.core.claims import (
    Claim,
    ClaimsError,
    Denied,
    Granted,
    Handed,
    NotHanded,
    Request,
    Returned,
    Table,
)
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Broadcast, Claimed, Event, HandedOver, Recorded, Refused, Released
from agentroom_git.core.ids import AgentName, Oid, parse_agent
from agentroom_git.core.patterns import escape, has, parse_pattern
from agentroom_git.errors import UsageError
from agentroom_git.git.claims_ref import Snapshot, change_table, read_history, read_table, removed_claims
from agentroom_git.room import hooks, leases, logs, queue
from agentroom_git.room.forecast import Joined, Together, foresee, joined_by_imports
from agentroom_git.room.room import Room
from agentroom_git.room.secrets import refuse_secrets
from agentroom_git.system.files import read_json, write_json

MAX_WAIT = 3600
POLL_SECONDS = 0.1
BEAT_SECONDS = 2.0
MAX_LOOKED_THROUGH = 2000


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
    """`forecast`: what others hold and what usually changes together with the claimed files; `imports`: what joins
    them with others'."""

    claims: tuple[Claim, ...]
    took_over: tuple[Claim, ...]
    forecast: tuple[Together, ...] = ()
    imports: tuple[Joined, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who holds what was asked for, what of it is free, and who waits for it and came first."""

    conflicts: tuple[Held, ...]
    free: tuple[str, ...]
    waiting: tuple[AgentName, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """A claim that somebody else took over, because it had run out or was made by an edit."""

    claim: Claim
    taker: AgentName
    at: str


@dataclass(frozen=True, slots=True)
class Losses:
    """What an agent has lost and was not told yet, oldest first; `tip` is how far the claims were looked through."""

    lost: tuple[Lost, ...]
    tip: Oid | None


def repository_path(room: Room, raw: str) -> str:
    """Return the path, or pattern, relative to the top of the repository.

    Absolute ones may lie in any worktree of the room; a resource's name stays as it is.
    """
    if not os.path.isabs(raw):
        return f"{raw}/" if _is_folder(room, raw) else raw
    tops = [room.repo.worktree, room.checkout, *(worktree.path for worktree in room.worktrees().values())]
    for top in tops:
        if top is not None and Path(os.path.normpath(raw)).is_relative_to(top):
            below = str(Path(os.path.normpath(raw)).relative_to(top))
            return f"./{below}/" if raw.endswith("/") or _is_folder(room, below) else f"./{below}"
    raise UsageError(f"{ascii(raw[:80])} is outside the repository", hint="give a path relative to its top")


def _is_folder(room: Room, path: str) -> bool:
    """Return whether a folder of that name is there, so that `v1.2` is not taken for a file."""
    try:
        return "." in path and not path.endswith("/") and (room.repo.worktree or room.checkout).joinpath(path).is_dir()
    except (OSError, ValueError):
        return False


def claim(
    room: Room,
    paths: Sequence[str],
    *,
    reason: str = "",
    ttl: int | None = None,
    shared: bool = False,
    wait: float = 0.0,
) -> Grant | Refusal:
    """Claim several patterns for the acting agent, all or nothing; a path covers everything below it.

    With `wait`, a refused request stands in a queue for that many seconds, first come first served. Who does not wait
    is refused what somebody waits for.
    """
    agent = room.agent()
    room.integration()
    if not 0 <= wait <= MAX_WAIT:
        hint = "0 does not wait" if wait < 0 else "ask again after it"
        raise UsageError(f"a wait of {wait:g} s is not between 0 s and {MAX_WAIT} s", hint=hint)
    lease = room.config.lease if ttl is None else ttl
    refuse_secrets(reason, "a claim's reason")
    wanted = claims.parse_request([repository_path(room, path) for path in paths], reason, lease)
    ask = Request(agent, wanted, reason, lease, shared, logs.stamp(room), has_ttl=ttl is not None)
    leases.beat(room)
    if wait:
        with queue.place(room, ask) as number:
            return _with_forecast(room, _wait_for(room, ask, number, room.clock.monotonic() + wait))
    answer = _attempt(room, ask, queue.LAST)
    if isinstance(answer, Refusal):
        _record_refusal(room, answer, ask)
    return _with_forecast(room, answer)


def _with_forecast(room: Room, answer: Grant | Refusal) -> Grant | Refusal:
    if isinstance(answer, Refusal):
        return answer
    others = [c for c in read_table(room.refs, room.names.claims).table.claims if c.agent != room.me]
    if not others:
        return answer
    imports = joined_by_imports(room, answer.claims, others)
    return replace(answer, forecast=foresee(room, answer.claims, others), imports=imports)


def auto_claim(room: Room, path: str) -> Grant | Refusal:
    """Claim the file of exactly this name because the acting agent edits it.

    It lasts two minutes from the last call for that file, nothing else renews it, and it yields at once to whoever
    asks on purpose. Where a claim of the agent covers the file already, that one is the answer; an agent that holds as
    much as one may is granted nothing.
    """
    agent = room.agent()
    name = repository_path(room, path).removeprefix("./")
    wanted = claims.parse_request([escape(name)], "", claims.AUTO_TTL)
    own = [c for c in read_table(room.refs, room.names.claims).table.of(agent) if has(c.path, name)]
    if any(not c.auto for c in own):
        return Grant(tuple(c for c in own if not c.auto), ())
    ask = Request(agent, wanted, "edits it", claims.AUTO_TTL, False, logs.stamp(room), auto=True)
    answer = _take(room, ask)
    if isinstance(answer, Grant) and answer.claims:
        leases.note_edit(room, answer.claims[0])
    return answer


def _wait_for(room: Room, ask: Request, number: int, deadline: float) -> Grant | Refusal:
    answer = _attempt(room, ask, number)
    if isinstance(answer, Refusal):
        _record_refusal(room, answer, ask)
    while isinstance(answer, Refusal) and room.clock.monotonic() < deadline:
        _pause(room, ask, number, answer, deadline)
        answer = _attempt(room, replace(ask, at=logs.stamp(room)), number)
    return answer


def _pause(room: Room, ask: Request, number: int, refusal: Refusal, deadline: float) -> None:
    """Sleep until the claims or the queue moved, a lease that is in the way may have run out, or the deadline."""
    start = room.clock.monotonic()
    next_beat = start + BEAT_SECONDS
    until = max(start + POLL_SECONDS, min([deadline, *(start + one.left for one in refusal.conflicts)]))
    tip = room.refs.get(room.names.claims)
    while (now := room.clock.monotonic()) < until:
        room.clock.sleep(min(POLL_SECONDS, until - now))
        if now >= next_beat:
            # Waiting is activity: what the waiter holds meanwhile stays its own.
            leases.beat(room)
            next_beat = now + BEAT_SECONDS
        ahead = tuple(one.agent for one in queue.ahead(room, ask, number))
        if ahead != refusal.waiting or (not ahead and room.refs.get(room.names.claims) != tip):
            return


def _attempt(room: Room, ask: Request, number: int) -> Grant | Refusal:
    """Take the claims unless somebody who came earlier waits for one of them."""
    ahead = queue.ahead(room, ask, number)
    if not ahead:
        return _take(room, ask)
    snapshot = read_table(room.refs, room.names.claims)
    running = leases.observe(room, snapshot)
    answer = claims.grant(snapshot.table, ask, stale=running.stale)
    conflicts, free = (answer.conflicts, answer.free) if isinstance(answer, Denied) else ((), ask.paths)
    return Refusal(
        tuple(Held(c, running.left[c.token]) for c in conflicts),
        tuple(path for path in free if not queue.wants(ahead, path, ask.shared)),
        tuple(one.agent for one in ahead),
    )


def _take(room: Room, ask: Request) -> Grant | Refusal:
    def decide(snapshot: Snapshot) -> tuple[Table, Event | None, Grant | Refusal]:
        running = leases.observe(room, snapshot)
        answer = claims.grant(snapshot.table, ask, stale=running.stale)
        if isinstance(answer, Denied):
            conflicts = tuple(Held(c, running.left[c.token]) for c in answer.conflicts)
            return snapshot.table, None, Refusal(conflicts, answer.free)
        return answer.table, _granted_event(room, snapshot, answer, ask), _grant(answer)

    answer, recorded = change_table(room.refs, room.names.claims, decide, room.clock.now())
    if recorded is not None and isinstance(answer, Grant):
        _settle(room, {ask.agent, *(one.agent for one in answer.took_over)})
    return answer


def _settle(room: Room, agents: Collection[AgentName]) -> None:
    """Note what a swap made: when the new leases begin, and what the agents' commit hooks are to know."""
    leases.observe(room, read_table(room.refs, room.names.claims))
    hooks.store_claims(room, agents)


def _grant(answer: Granted) -> Grant:
    return Grant(answer.claims, answer.took_over)


def _granted_event(room: Room, snapshot: Snapshot, answer: Granted, ask: Request) -> Event | None:
    new = [claim for claim in answer.claims if claim.token > snapshot.table.highest]
    if not new:
        return None
    body = Claimed(
        paths=tuple(claim.path for claim in new),
        tokens=tuple(str(claim.token) for claim in new),
        reason=ask.reason,
        ttl=ask.ttl,
        shared=ask.shared,
        took_over=tuple(sorted({claim.agent for claim in answer.took_over})),
    )
    return logs.new_event(room, ask.agent, body)


def _record_refusal(room: Room, refusal: Refusal, ask: Request) -> None:
    blocked = tuple(path for path in ask.paths if path not in refusal.free)
    holders = {held.claim.agent for held in refusal.conflicts} or set(refusal.waiting)
    logs.record(room, Refused(blocked, tuple(sorted(holders)), ask.reason))


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

    answer, recorded = change_table(room.refs, room.names.claims, give_back, room.clock.now())
    if recorded is not None:
        _settle(room, {agent})
    return answer


def handoff(room: Room, paths: Sequence[str], to: str) -> Handed | NotHanded:
    """Pass the acting agent's claims on exactly these patterns to another agent, in one swap, and tell it."""
    agent = room.agent()
    room.integration()
    receiver = parse_agent(to)
    if receiver == agent:
        raise UsageError(f"you are {receiver!r} yourself", hint="name another agent of agentroom status")
    logs.refuse_stranger(room, receiver)
    wanted = claims.parse_request([repository_path(room, path) for path in paths], "", claims.DEFAULT_TTL)
    leases.beat(room)

    def pass_on(snapshot: Snapshot) -> tuple[Table, Event | None, Handed | NotHanded]:
        answer = claims.hand_over(snapshot.table, agent, wanted, receiver, at=logs.stamp(room))
        if isinstance(answer, NotHanded):
            return snapshot.table, None, answer
        body = HandedOver(tuple(c.path for c in answer.claims), tuple(str(c.token) for c in answer.claims), receiver)
        return answer.table, logs.new_event(room, agent, body), answer

    answer, recorded = change_table(room.refs, room.names.claims, pass_on, room.clock.now())
    if recorded is not None and isinstance(answer, Handed):
        _settle(room, {agent, receiver})
        named = one_line(", ".join(f"{claim.path} (token {claim.token})" for claim in answer.claims), 1000)
        logs.record(room, Broadcast(f"you hold {named} now", "handoff", receiver))
    return answer


def lost_claims(room: Room) -> Losses:
    """Return which claims of the acting agent others took over since it was last told.

    Costs little where no claim moved. Whoever shows them calls `mark_told` afterwards, so that a kill in between tells
    twice and never loses one.
    """
    agent = room.agent()
    tip = room.refs.get(room.names.claims)
    told = read_json(_told(room, agent)).get("claims")
    if tip is None or tip == told:
        return Losses((), tip)
    found: list[Lost] = []
    history = read_history(room.refs, room.names.claims, Oid(told) if isinstance(told, str) else None)
    for item in islice(history, MAX_LOOKED_THROUGH):
        if isinstance(item, Recorded) and isinstance(item.event.body, Claimed) and agent in item.event.body.took_over:
            gone = removed_claims(room.refs, room.names.claims, item.id)
            found += [Lost(claim, item.event.agent, item.event.at) for claim in gone if claim.agent == agent]
    return Losses(tuple(reversed(found)), tip)


def mark_told(room: Room, losses: Losses) -> None:
    """Remember that the acting agent was told of these."""
    if losses.tip is not None:
        write_json(_told(room, room.agent()), {"claims": losses.tip})


def _told(room: Room, agent: AgentName) -> Path:
    return room.private / "told" / f"{agent}.json"


def live_claims(room: Room) -> list[Held]:
    """Return the claims in order of their tokens, with how long each still runs."""
    snapshot = read_table(room.refs, room.names.claims)
    left = leases.observe(room, snapshot).left
    return [Held(claim, left[claim.token]) for claim in snapshot.table.claims]
