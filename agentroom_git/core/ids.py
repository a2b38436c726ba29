"""Validated names and ids: the only way a name from outside travels inward.

An agent's or room's name becomes part of a ref, a folder and a note line, on file systems that may fold case, so the
grammar is what all of them take alike. Nothing here looks at the repository.
"""

import re
from typing import NewType

from agentroom_git.errors import UsageError

Oid = NewType("Oid", str)
"""Forty lower-case hexadecimal digits: a git object id."""

AgentName = NewType("AgentName", str)
RoomName = NewType("RoomName", str)

NULL = Oid("0" * 40)

BASE = AgentName("base")
SIDECAR = AgentName("sidecar")
HUMAN = AgentName("human")

# Parts of refs, everybody, and names that a reader could take for authority.
RESERVED = frozenset(
    {"integration", "green", "base", "sidecar", "human", "agentroom", "all", "everyone", "head"}
    | {"user", "system", "admin", "overseer"}
)
# Windows refuses these as file names, whatever follows the first dot.
DEVICE_NAMES = frozenset({"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)})

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
_OID = re.compile(r"[0-9a-f]{40}")


class BadNameError(UsageError):
    """A name that git, a file system or another agent could mistake for something else."""


def _parse_name(raw: str, what: str) -> str:
    shown = ascii(raw[:64])
    if raw != raw.lower() and _NAME.fullmatch(raw.lower()):
        raise BadNameError(
            f"{what} name {shown} has capital letters, which some file systems do not tell apart",
            hint=f"use {raw.lower()!r}",
        )
    if not _NAME.fullmatch(raw):
        raise BadNameError(
            f"{what} name {shown} is not allowed",
            hint="use 1 to 32 of a-z, 0-9, '-' and '_', beginning and ending with a letter or digit",
        )
    if raw in DEVICE_NAMES:
        raise BadNameError(f"{what} name {shown} is a device name on Windows", hint=f"try {raw + '-1'!r}")
    return raw


def parse_agent(raw: str) -> AgentName:
    """Return the name of an agent; raise `BadNameError` for one that is malformed or reserved."""
    name = _parse_name(raw, "agent")
    if name in RESERVED:
        raise BadNameError(f"agent name {name!r} is reserved", hint=f"try {name + '-1'!r}")
    return AgentName(name)


def parse_writer(raw: str) -> AgentName:
    """Return the name of whoever may write a log: an agent, the sidecar or the human."""
    return AgentName(raw) if raw in (SIDECAR, HUMAN) else parse_agent(raw)


def parse_room(raw: str) -> RoomName:
    """Return the name of a room; raise `BadNameError` for one that is malformed."""
    return RoomName(_parse_name(raw, "room"))


def parse_oid(raw: str) -> Oid:
    """Return a full object id; raise `ValueError` for anything else."""
    if not _OID.fullmatch(raw):
        raise ValueError(f"not a full object id: {ascii(raw[:64])}")
    return Oid(raw)


def is_oid(raw: str) -> bool:
    return _OID.fullmatch(raw) is not None
