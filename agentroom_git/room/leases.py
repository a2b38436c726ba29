"""Leases: how long each claim still runs, by the observer's own monotonic clock.

A claim has run out when its record was seen unchanged for its whole lease and its holder gave no sign of life on this
machine meanwhile; of a claim made by an edit, no other edit of that file. Wall clocks of different machines are never
compared. What was first seen when is kept in a private file: without it every lease begins anew, which only delays a
takeover.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentroom_git.core.claims import Claim, ClaimsError, Table, renew
from agentroom_git.core.events import Event, Renewed
from agentroom_git.core.ids import AgentName
from agentroom_git.git.claims_ref import Snapshot, change_table, read_table
from agentroom_git.room.logs import new_event
from agentroom_git.room.room import Room
from agentroom_git.system.files import keep_json, read_json, write_json


@dataclass(frozen=True, slots=True)
class Leases:
    """Seconds that each claim, by token, still runs; not positive means stale."""

    left: Mapping[int, float]

    @property
    def stale(self) -> frozenset[int]:
        return frozenset(token for token, seconds in self.left.items() if seconds <= 0)


def observe(room: Room, snapshot: Snapshot) -> Leases:
    """Look at the claims now and return how long each still runs; in a copy, its whole lease.

    Nobody renews claims in a copy, so that a record which stays as it was fetched says nothing about its holder.
    """
    if room.copy is not None:
        return Leases({claim.token: claim.ttl for claim in snapshot.table.claims})
    now, boot = room.clock.monotonic(), room.clock.boot_id()
    path = room.private / "leases.json"
    record = read_json(path)
    known = record.get("seen", {}) if record.get("boot") == boot else {}
    seen = {id: min(_number(known.get(id), now), now) for id in snapshot.records.values()}
    if seen != known or record.get("boot") != boot:
        keep_json(path, {"boot": boot, "seen": seen})
    signs = cache(lambda agent, is_auto: read_json(_edits(room, agent) if is_auto else _heartbeat(room, agent)))
    left: dict[int, float] = {}
    for claim in snapshot.table.claims:
        first_seen = seen[snapshot.records[claim.token]]
        alive = _seen_alive(claim, signs(claim.agent, claim.auto), boot, first_seen)
        left[claim.token] = claim.ttl - (now - max(first_seen, min(alive, now)))
    return Leases(left)


def _seen_alive(claim: Claim, sign: dict[str, Any], boot: str, default: float) -> float:
    """Return when the holder last gave a sign of life that counts for the claim."""
    at = sign.get("paths", {}).get(claim.path) if claim.auto else sign.get("at")
    return _number(at, default) if sign.get("boot") == boot else default


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _heartbeat(room: Room, agent: AgentName) -> Path:
    return room.private / "heartbeat" / f"{agent}.json"


def _edits(room: Room, agent: AgentName) -> Path:
    return room.private / "heartbeat" / f"{agent}.edits.json"


def note_edit(room: Room, claim: Claim) -> None:
    """Record an edit under an auto claim of the acting agent: the only thing that renews it."""
    now, boot = room.clock.monotonic(), room.clock.boot_id()
    record = read_json(_edits(room, claim.agent))
    known = record.get("paths", {}) if record.get("boot") == boot else {}
    recent = {path: at for path, at in known.items() if now - _number(at, now) < claim.ttl}
    write_json(_edits(room, claim.agent), {"boot": boot, "paths": recent | {claim.path: now}})
    due = _due(room, read_table(room.refs, room.names.claims), claim.agent, auto=True) & {claim.token}
    _renew(room, claim.agent, due)


def seconds_since_seen(room: Room, agent: AgentName) -> float | None:
    """Return how long ago the agent gave a sign of life on this machine, or None when it never did since boot."""
    beat = read_json(_heartbeat(room, agent))
    if beat.get("boot") != room.clock.boot_id() or not isinstance(beat.get("at"), int | float):
        return None
    return max(0.0, room.clock.monotonic() - float(beat["at"]))


def beat(room: Room) -> None:
    """Record a sign of life of the acting agent; its claims are renewed in the ref when a third of a lease is left."""
    if room.me is None:
        return
    me = room.me
    try:
        due = _due(room, read_table(room.refs, room.names.claims), me)
    except ClaimsError:
        # Whoever asks about claims is told; everything else goes on.
        due = frozenset()
    write_json(_heartbeat(room, me), {"boot": room.clock.boot_id(), "at": room.clock.monotonic()})
    _renew(room, me, due)


def _renew(room: Room, me: AgentName, due: frozenset[int]) -> None:
    if due:
        change_table(room.refs, room.names.claims, lambda found: _renewal(room, found, me, due), room.clock.now())
        observe(room, read_table(room.refs, room.names.claims))


def _due(room: Room, snapshot: Snapshot, me: AgentName, *, auto: bool = False) -> frozenset[int]:
    mine = [claim for claim in snapshot.table.of(me) if claim.auto == auto]
    if not mine:
        return frozenset()
    seen = read_json(room.private / "leases.json").get("seen", {})
    now = room.clock.monotonic()
    ages = {c: now - _number(seen.get(snapshot.records[c.token]), now) for c in mine}
    return frozenset(claim.token for claim, age in ages.items() if age > claim.ttl * 2 / 3)


def _renewal(room: Room, snapshot: Snapshot, me: AgentName, due: frozenset[int]) -> tuple[Table, Event | None, None]:
    held = frozenset(claim.token for claim in snapshot.table.of(me)) & due
    if not held:
        return snapshot.table, None, None
    body = Renewed(tuple(str(token) for token in sorted(held)))
    return renew(snapshot.table, me, held), new_event(room, me, body), None
