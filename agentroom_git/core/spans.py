"""Consecutive lines of a text: what changes them, and where they are after a change."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from agentroom_git.core.hunks import Hunk


@dataclass(frozen=True, slots=True)
class Span:
    """Lines [start, stop) of a text, counted from 0; a place between two lines where they are the same."""

    start: int
    stop: int

    def is_changed_by(self, hunk: Hunk) -> bool:
        """Return whether a hunk changes one of the lines or comes between two; beside them is enough for a place."""
        return self._has(hunk) or (self.start == self.stop and self.touches(hunk))

    def touches(self, hunk: Hunk) -> bool:
        """Return whether a hunk changes one of the lines, or what is beside them."""
        return hunk.old_start <= self.stop and hunk.old_stop >= self.start

    def after(self, hunks: Sequence[Hunk]) -> "Span":
        """Return where the lines are in the text that the hunks make, given in order, and what came in their place."""
        first = bisect_left(hunks, self.start, key=attrgetter("old_stop"))
        stop = bisect_right(hunks, self.stop, lo=first, key=attrgetter("old_start"))
        near = hunks[first:stop]
        earlier = [*hunks[max(first - 1, 0) : first], *(one for one in near if one.old_stop <= self.start)]
        earlier = [hunk for hunk in earlier if not self._has(hunk)]
        shift = earlier[-1].new_stop - earlier[-1].old_stop if earlier else 0
        changed = [hunk for hunk in near if self._has(hunk)]
        if not changed:
            return Span(self.start + shift, self.stop + shift)
        last = changed[-1]
        stop = max(self.stop, last.old_stop) + last.new_stop - last.old_stop
        return Span(min(self.start + shift, changed[0].new_start), stop)

    def _has(self, hunk: Hunk) -> bool:
        if hunk.old_start == hunk.old_stop == self.start == self.stop:
            return True
        return hunk.old_start < self.stop and hunk.old_stop > self.start
