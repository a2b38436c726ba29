"""The claims algebra: overlap, grant, release, expiry, fencing.

A claim is one path, with everything below it, under one fencing token. The table holds the live claims, ordered by
token; `highest` is the highest token ever given in the room, so that a token never comes twice, also after every claim
is gone. Nothing here reads a clock: who calls says which tokens it has seen unchanged for their whole lease.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import AgentName
from agentroom_git.core.paths import is_safe_path
from agentroom_git.errors import AgentroomError, UsageError

VERSION = 1
DEFAULT_TTL = 900
MIN_TTL, MAX_TTL = 5, 7 * 24 * 3600
MAX_PATHS = 64
MAX_PATH_BYTES = 512
MAX_REASON = 500
# A home folder that no shell has expanded, or a drive.
_ELSEWHERE = re.compile(r"~(/|$)|[A-Za-z]:[/\\]")


class ClaimsError(AgentroomError):
    """The table of claims in the repository cannot be read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`renewed` counts renewals, so that a renewed claim is another record with a new lease."""

    token: int
    agent: AgentName
    path: str
    shared: bool
    reason: str
    granted: str
    ttl: int
    renewed: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    highest: int = 0
    claims: tuple[Claim, ...] = ()

    def of(self, agent: str) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.claims if claim.agent == agent)


@dataclass(frozen=True, slots=True)
class Granted:
    """`claims` are the caller's claims on what it asked for, new or held before; `took_over` had run out."""

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


def parse_path(raw: str) -> str:
    """Return a claimable repository path in its one spelling: relative, `/` between parts, no trailing `/`.

    Raises `UsageError` for a path that leaves the repository, names `.git` in any spelling, or is a pattern.
    """
    shown = ascii(raw[:80])
    path = raw.removeprefix("./").rstrip("/")
    if not path or path == ".":
        raise UsageError(f"{shown} is not a path inside the repository", hint="name the files or folders to claim")
    if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        raise UsageError(f"a claimed path is longer than {MAX_PATH_BYTES} bytes", hint="claim the folder instead")
    if "*" in path or "?" in path:
        raise UsageError(f"{shown} is a pattern", hint="claim the folder: a claim covers everything below it")
    if not is_safe_path(path.encode("utf-8", "surrogateescape")) or _ELSEWHERE.match(path):
        raise UsageError(
            f"{shown} cannot be claimed: it leaves the repository, names .git, or no file system would take it",
            hint="give a path relative to the top of the repository",
        )
    return path


def parse_request(paths: Sequence[str], reason: str, ttl: int) -> tuple[str, ...]:
    """Return the distinct paths asked for, in order; raise `UsageError` for a request that is too large."""
    if not paths:
        raise UsageError("no path to claim", hint="name the files or folders to claim")
    if len(paths) > MAX_PATHS:
        raise UsageError(f"{len(paths)} paths in one claim, at most {MAX_PATHS}", hint="claim their folder")
    if len(reason) > MAX_REASON:
        raise UsageError(f"the reason is longer than {MAX_REASON} characters", hint="say it in a broadcast")
    if not MIN_TTL <= ttl <= MAX_TTL:
        hint = f"the default is {DEFAULT_TTL} s; activity renews it"
        raise UsageError(f"a lease of {ttl} s is not between {MIN_TTL} s and {MAX_TTL} s", hint=hint)
    return tuple(dict.fromkeys(parse_path(path) for path in paths))


def covers(outer: str, inner: str) -> bool:
    """Return whether a claim on `outer` covers `inner`: the path itself or anything below it."""
    return outer == inner or inner.startswith(outer + "/")


def overlaps(one: str, other: str) -> bool:
    """Return whether some path is covered by both. Symmetric, and implied by containment."""
    return covers(one, other) or covers(other, one)


def _excludes(held: Claim, path: str, shared: bool) -> bool:
    return not (held.shared and shared) and overlaps(held.path, path)


def grant(
    table: Table,
    agent: AgentName,
    paths: Sequence[str],
    *,
    reason: str,
    ttl: int,
    shared: bool,
    at: str,
    stale: Collection[int],
) -> Granted | Denied:
    """Decide a request for several paths, all or nothing.

    What the agent holds already in the same mode is kept under its token. Claims of others in `stale` (tokens whose
    lease has run out for the caller) give way and are named in the answer.
    """
    others = [claim for claim in table.claims if claim.agent != agent]
    blocking = {path: [c for c in others if _excludes(c, path, shared)] for path in paths}
    conflicts = {c.token: c for held in blocking.values() for c in held if c.token not in stale}
    if conflicts:
        free = tuple(path for path, held in blocking.items() if all(c.token in stale for c in held))
        return Denied(tuple(conflicts[token] for token in sorted(conflicts)), free)
    took_over = {c.token: c for held in blocking.values() for c in held}
    kept = [claim for claim in table.claims if claim.token not in took_over]
    answer: list[Claim] = []
    highest = table.highest
    for path in paths:
        mine = next((c for c in kept if c.agent == agent and c.path == path and c.shared == shared), None)
        if mine is None:
            highest += 1
            mine = Claim(highest, agent, path, shared, reason, at, ttl)
            kept.append(mine)
        answer.append(mine)
    claims = tuple(sorted(kept, key=lambda claim: claim.token))
    return Granted(Table(highest, claims), tuple(answer), tuple(took_over[token] for token in sorted(took_over)))


def release(table: Table, agent: AgentName, paths: Sequence[str] | None) -> Returned:
    """Give back the agent's claims on exactly these paths, or all of its claims where `paths` is None.

    A claim that somebody else holds by now is left alone and named in the answer.
    """
    wanted = None if paths is None else set(paths)
    mine = tuple(c for c in table.of(agent) if wanted is None or c.path in wanted)
    tokens = {claim.token for claim in mine}
    missing = [path for path in paths or () if path not in {c.path for c in mine}]
    foreign = tuple(c for c in table.claims if c.agent != agent and c.path in missing)
    unknown = tuple(path for path in missing if path not in {c.path for c in foreign})
    rest = tuple(claim for claim in table.claims if claim.token not in tokens)
    return Returned(replace(table, claims=rest), mine, foreign, unknown)


def renew(table: Table, agent: AgentName, tokens: Collection[int]) -> Table:
    """Return the table with these claims of the agent under a new lease."""
    claims = tuple(
        replace(c, renewed=c.renewed + 1) if c.agent == agent and c.token in tokens else c for c in table.claims
    )
    return replace(table, claims=claims)


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
    for name, kind in _SHAPE.items():
        if type(record.get(name)) is not kind:
            raise ClaimsError(f"a claim record's {name!r} is not {kind.__name__}")
    values = {name: record[name] for name in _SHAPE}
    return Claim(**values | {"agent": AgentName(record["agent"])})
