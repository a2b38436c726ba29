"""A region of a file that two agents would contest if both committed what they have."""

from dataclasses import dataclass

NEAR_LINES = 3
"""Regions that are as near as this are taken for one that moved, as an agent goes on editing around it."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A region of a file that two agents would contest. `start` counts from 1, and is 0 for the whole file."""

    path: str
    agents: tuple[str, str]
    start: int
    lines: int

    def is_same_as(self, other: "Clash") -> bool:
        """Whether it is the region of the other one, perhaps grown, shrunk or moved by a few lines."""
        if (self.path, self.agents) != (other.path, other.agents):
            return False
        if not self.start or not other.start:
            return True
        near = NEAR_LINES + max(self.lines, other.lines)
        return abs(self.start - other.start) <= near

    def describe(self) -> str:
        """Return where it is."""
        if not self.start:
            return self.path
        last = self.start + max(self.lines, 1) - 1
        return f"{self.path} lines {self.start}-{last}" if last > self.start else f"{self.path} line {self.start}"
