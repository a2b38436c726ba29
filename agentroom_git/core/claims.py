"""The claims algebra: grant, release, handing over, expiry, fencing.

A claim is one pattern (`core/patterns.py`) under one fencing token. The table holds the live claims, ordered by token;
`highest` is the highest token ever given in the room, so that a token never comes twice, also after every claim is
gone. Nothing here reads a clock: who calls says which tokens it has seen unchanged for their whole lease.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import AgentName
from agentroom_git.core.pattern_index import PatternIndex
from agentroom_git.core.patterns import compiled, covers, has, is_glob, overlaps, parse_pattern
from agentroom_git.errors import AgentroomError, UsageError

VERSION = 1
DEFAULT_TTL = 900
AUTO_TTL = 120
MIN_TTL, MAX_TTL = 5, 7 * 24 * 3600
MAX_PATHS = 64
MAX_HELD = 1000
"""Claims of one agent: more than that, and a comparison with all of them would show."""
MAX_GLOBS_HELD = 100
"""Of them globs: each takes some tenths of a millisecond to compare, with all that is asked for."""
MAX_REASON = 500
MAX_NAMED = 50
"""Trailers for one glob in one commit."""

__all__ = ["covers", "overlaps"]  # for who asks about claims without asking about patterns


class ClaimsError(AgentroomError):
    """The table of claims in the repository cannot be read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`renewed` counts renewals, so that a renewed claim is another record with a new lease. An `auto` claim was made
    by an edit: it yields to everyone who asks on purpose."""

    token: int
    agent: AgentName
    path: str
    shared: bool
    reason: str
    granted: str
    ttl: int
    renewed: int = 0
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    highest: int = 0
    claims: tuple[Claim, ...] = ()

    def of(self, agent: str) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.claims if claim.agent == agent)


@dataclass(frozen=True, slots=True)
class Request:
    """What an agent asks for; `auto`: by an edit, not on purpose; `has_ttl`: it asks for this lease and no other."""

    agent: AgentName
    paths: tuple[str, ...]
    reason: str
    ttl: int
    shared: bool
    at: str
    auto: bool = False
    has_ttl: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """`claims` are the caller's claims on what it asked for, new or held before; `took_over` had run out, or were
    made by an edit and yielded."""

    table: Table
    claims: tuple[Claim, ...]
    took_over: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """`conflicts` are held by others; `free` is what of the request nobody else holds."""

    conflicts: tuple[Claim, ...]
    free: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """`foreign` was asked for but belongs to somebody else; `unknown` nobody holds."""

    table: Table
    claims: tuple[Claim, ...]
    foreign: tuple[Claim, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """`claims` are the receiver's, under new tokens; `before` are the giver's that they stand for."""

    table: Table
    claims: tuple[Claim, ...]
    before: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class NotHanded:
    """Nothing was handed over: `foreign` belong to others, `unknown` to nobody; `kept` of the giver's overlap."""

    foreign: tuple[Claim, ...]
    unknown: tuple[str, ...]
    kept: tuple[Claim, ...]


def parse_request(paths: Sequence[str], reason: str, ttl: int) -> tuple[str, ...]:
    """Return the distinct patterns asked for, in order; raise `UsageError` for a request that is too large."""
    if not paths:
        raise UsageError("no path to claim", hint="name the files or folders to claim")
    if len(paths) > MAX_PATHS:
        raise UsageError(f"{len(paths)} paths in one claim, at most {MAX_PATHS}", hint="claim their folder")
    if len(reason) > MAX_REASON:
        raise UsageError(f"the reason is longer than {MAX_REASON} characters", hint="say it in a broadcast")
    if not MIN_TTL <= ttl <= MAX_TTL:
        hint = f"the default is {DEFAULT_TTL} s; activity renews it"
        raise UsageError(f"a lease of {ttl} s is not between {MIN_TTL} s and {MAX_TTL} s", hint=hint)
    return tuple(dict.fromkeys(parse_pattern(path) for path in paths))


def _excludes(held: Claim, path: str, shared: bool) -> bool:
    return not (held.shared and shared) and overlaps(held.path, path)


def _blocking(others: Sequence[Claim], ask: Request) -> dict[str, list[Claim]]:
    """Return which claims of others exclude each pattern that is asked for."""
    rivals = [claim for claim in others if not (claim.shared and ask.shared)]
    found = PatternIndex([claim.path for claim in rivals]).overlapping(ask.paths)
    return {path: [rivals[place] for place in places] for path, places in found.items()}


def grant(table: Table, ask: Request, *, stale: Collection[int]) -> Granted | Denied:
    """Decide a request for several patterns, all or nothing.

    What the agent holds already in the same mode is kept under its token, with the new reason and lease where they are
    given; what it holds by an edit becomes a claim proper, under a new one. Claims of others in `stale` (tokens whose
    lease has run out for the caller) give way, and so do their auto claims unless this is another; both are named in
    the answer. An edit by who holds as much as one may claims nothing.
    """
    others = [claim for claim in table.claims if claim.agent != ask.agent]
    blocking = _blocking(others, ask)
    yields = {c.token for c in others if c.token in stale or (c.auto and not ask.auto)}
    conflicts = {c.token: c for held in blocking.values() for c in held if c.token not in yields}
    if conflicts:
        free = tuple(path for path, held in blocking.items() if all(c.token in yields for c in held))
        return Denied(tuple(conflicts[token] for token in sorted(conflicts)), free)
    took_over = {c.token: c for held in blocking.values() for c in held}
    kept = [claim for claim in table.claims if claim.token not in took_over]
    next_table, answer = _added(Table(table.highest, tuple(kept)), ask)
    held = next_table.of(ask.agent)
    if ask.auto and len(held) > MAX_HELD:
        return Granted(table, (), ())
    _refuse_too_many(ask.agent, held)
    return Granted(next_table, answer, tuple(took_over[token] for token in sorted(took_over)))


def _refuse_too_many(agent: AgentName, held: Sequence[Claim]) -> None:
    if len(held) > MAX_HELD:
        raise UsageError(f"{agent} would hold more than {MAX_HELD} claims", hint="release some, or claim their folder")
    if sum(is_glob(claim.path) for claim in held) > MAX_GLOBS_HELD:
        raise UsageError(
            f"{agent} would hold more than {MAX_GLOBS_HELD} globs", hint="release some, or claim files and folders"
        )


def _added(table: Table, ask: Request) -> tuple[Table, tuple[Claim, ...]]:
    """Return the table with a claim for each pattern asked for, and these claims, new or held before."""
    own: dict[str, list[Claim]] = {}
    for claim in table.of(ask.agent):
        if claim.shared == ask.shared:
            own.setdefault(claim.path, []).append(claim)
    answer: list[Claim] = []
    replaced: list[Claim] = []
    highest = table.highest
    for path in ask.paths:
        same = own.get(path, [])
        mine = next((c for c in same if ask.auto or not c.auto), None)
        if mine is None:
            highest += 1
            mine = Claim(highest, ask.agent, path, ask.shared, ask.reason, ask.at, ask.ttl, auto=ask.auto)
            replaced += same
        elif not ask.auto and (again := _on_new_terms(mine, ask)) != mine:
            mine, replaced = again, [*replaced, mine]
        answer.append(mine)
    known = set(table.claims)
    new = [claim for claim in answer if claim not in known]
    return Table(highest, (*_without(table, replaced).claims, *new)), tuple(answer)


def _on_new_terms(held: Claim, ask: Request) -> Claim:
    reason, ttl = ask.reason or held.reason, ask.ttl if ask.has_ttl else held.ttl
    is_same = (reason, ttl) == (held.reason, held.ttl)
    return held if is_same else replace(held, reason=reason, ttl=ttl, renewed=held.renewed + 1)


def release(table: Table, agent: AgentName, paths: Sequence[str] | None) -> Returned:
    """Give back the agent's claims on exactly these patterns, or all of its claims where `paths` is None.

    A claim that somebody else holds by now is left alone and named in the answer.
    """
    wanted = None if paths is None else set(paths)
    mine = tuple(c for c in table.of(agent) if wanted is None or c.path in wanted)
    foreign, unknown = _not_mine(table, agent, paths or ())
    return Returned(_without(table, mine), mine, foreign, unknown)


def _not_mine(table: Table, agent: AgentName, paths: Sequence[str]) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Return who else holds what of `paths` the agent does not hold, and what of it nobody does."""
    held = {claim.path for claim in table.of(agent)}
    missing = [path for path in paths if path not in held]
    foreign = tuple(c for c in table.claims if c.agent != agent and c.path in missing)
    return foreign, tuple(path for path in missing if path not in {c.path for c in foreign})


def _without(table: Table, gone: Collection[Claim]) -> Table:
    tokens = {claim.token for claim in gone}
    return replace(table, claims=tuple(claim for claim in table.claims if claim.token not in tokens))


def hand_over(table: Table, giver: AgentName, paths: Sequence[str], to: AgentName, *, at: str) -> Handed | NotHanded:
    """Move the giver's claims on exactly these patterns to another agent, all or nothing, under new tokens.

    The giver must not keep a claim that excludes what it hands over. An auto claim becomes a claim proper. Raises
    `UsageError` where the receiver would hold more than one agent may.
    """
    foreign, unknown = _not_mine(table, giver, paths)
    before = tuple(c for c in table.of(giver) if c.path in paths)
    rest = [c for c in table.of(giver) if c not in before]
    kept = tuple(c for c in rest if any(_excludes(c, one.path, one.shared) for one in before))
    if foreign or unknown or kept:
        return NotHanded(foreign, unknown, kept)
    claims = tuple(
        replace(claim, token=token, agent=to, granted=at, renewed=0, auto=False, ttl=max(claim.ttl, AUTO_TTL))
        for token, claim in enumerate(before, table.highest + 1)
    )
    # What the receiver holds shared already goes on under the new token.
    doubled = tuple(c for c in table.of(to) if (c.path, c.shared) in {(one.path, one.shared) for one in before})
    left = _without(table, (*before, *doubled))
    _refuse_too_many(to, (*left.of(to), *claims))
    return Handed(Table(table.highest + len(claims), (*left.claims, *claims)), claims, before)


def renew(table: Table, agent: AgentName, tokens: Collection[int]) -> Table:
    """Return the table with these claims of the agent under a new lease."""
    claims = tuple(
        replace(c, renewed=c.renewed + 1) if c.agent == agent and c.token in tokens else c for c in table.claims
    )
    return replace(table, claims=claims)


def named_in_commit(claims: Sequence[Claim], paths: Sequence[str]) -> list[tuple[int, str]]:
    """Return what a commit of these paths says of the claims that it was made under: token and path.

    A glob is named by the paths that it covers, at most `MAX_NAMED` of them: the fold reads names, not patterns.
    """
    found: list[tuple[int, str]] = []
    for claim in claims:
        under = [path for path in paths if has(claim.path, path)]
        named = under[:MAX_NAMED] if is_glob(claim.path) else [compiled(claim.path).name or ""] if under else []
        found += [(claim.token, path) for path in named]
    return found


def encode(claim: Claim) -> bytes:
    """Return the claim as one canonical JSON line."""
    record = {
        "v": VERSION,
        "token": claim.token,
        "agent": claim.agent,
        "path": claim.path,
        "shared": claim.shared,
        "reason": claim.reason,
        "granted": claim.granted,
        "ttl": claim.ttl,
        "renewed": claim.renewed,
    }
    if claim.auto:
        record["auto"] = True
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


_SHAPE: dict[str, type] = {
    "token": int,
    "agent": str,
    "path": str,
    "shared": bool,
    "reason": str,
    "granted": str,
    "ttl": int,
    "renewed": int,
}
"""In the order of `Claim`."""
_TYPES = tuple(_SHAPE.values())


def decode(data: bytes) -> Claim:
    """Return the claim of one record; raise `ClaimsError` for one that is damaged or of another version."""
    try:
        record: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ClaimsError("a claim record is not JSON") from error
    if not isinstance(record, dict):
        raise ClaimsError("a claim record is not a JSON object")
    if type(record.get("v")) is not int or record["v"] != VERSION:
        raise ClaimsError(f"a claim record has version {one_line(repr(record.get('v')), 20)}", hint="upgrade agentroom")
    values: list[Any] = [record.get(name) for name in _SHAPE]
    auto = record.get("auto", False)
    if tuple(map(type, values)) != _TYPES or type(auto) is not bool:
        wrong = next(
            (name for name, value in zip(_SHAPE, values, strict=True) if type(value) is not _SHAPE[name]), "auto"
        )
        raise ClaimsError(f"a claim record's {wrong!r} is not {_SHAPE.get(wrong, bool).__name__}")
    token, agent, path, shared, reason, granted, ttl, renewed = values
    return Claim(token, AgentName(agent), path, shared, reason, granted, ttl, renewed, auto)
