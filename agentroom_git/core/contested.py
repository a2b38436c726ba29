"""What is kept of a path, or of a region of it, that concurrent commits changed differently."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import Oid


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """What a tree holds at a path that is not a folder."""

    id: Oid
    mode: int


Version = tuple[Oid | None, bytes]
"""A side: its content, and its name where the sides have different ones."""
TWO_NAMES = frozenset({"rename/rename", "twins"})
"""Kinds of which every version stands, each under a name of its own."""


@dataclass(frozen=True, slots=True)
class Contested:
    """What concurrent commits changed differently, with everything that lost.

    `start` and `lines` are the region's place in the merged file, counted from 1, or 0 and 0 for a whole file. `base`
    and `sides` are blob ids, None where there is no file. `winner` is the index of the side that stands, or None where
    the result combines several. `names` are the sides' paths where each side has another one. `place` is the region's
    place in the base.
    """

    id: str
    path: bytes
    kind: str
    step: str
    start: int
    lines: int
    base: Oid | None
    agents: tuple[tuple[str, ...], ...]
    sides: tuple[Oid | None, ...]
    winner: int | None
    names: tuple[bytes, ...] = ()
    place: str = ""

    @property
    def versions(self) -> dict[Version, tuple[str, ...]]:
        """The agents of each side."""
        return dict(zip(self._keys(), self.agents, strict=True))

    @property
    def standing(self) -> Version | None:
        """The side that stands."""
        return None if self.winner is None else self._keys()[self.winner]

    def _keys(self) -> list[Version]:
        return list(zip(self.sides, self.names or (b"",) * len(self.sides), strict=True))


def record_id(path: bytes, place: str, base: Entry | None, sides: Sequence[Entry | None]) -> str:
    """Return twelve hexadecimal digits: a hash of the path, the base region and the sides."""
    parts = [path.hex(), place, *(f"{entry.id} {entry.mode:o}" if entry else "-" for entry in (base, *sides))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def describe_contested(record: Contested) -> str:
    """Return what was contested and who stands, on one line."""
    where = path_text(record.path)
    if record.start:
        where += f" lines {record.start}-{record.start + max(record.lines, 1) - 1}"
    names = [" and ".join(side) or "nobody" for side in record.agents]
    if record.kind == "parse":
        return f"{where}: the versions of {', '.join(names)} merge cleanly, but the result does not parse"
    if record.kind == "dropped":
        return f"{where}: lines that both integration and {names[-1]} had are gone; look whether that is right"
    if record.names:
        both = ", ".join(f"{path_text(path)} by {name}" for path, name in zip(record.names, names, strict=True))
        return f"{where} ({record.kind}): {both}; both are there, see which is to stay"
    if record.winner is None:
        return f"{where}: the versions of {', '.join(names)} were combined; look whether they fit"
    losers = [name for index, name in enumerate(names) if index != record.winner]
    if set(losers) == {names[record.winner]}:
        return f"{where} ({record.kind}): of two versions of {losers[0]}'s the one on integration stands"
    others = " or ".join(f"{name}'s" for name in losers)
    return f"{where} ({record.kind}): {names[record.winner]}'s version stands, not {others}"
