"""Which of many patterns one pattern overlaps, without comparing it with each of them.

Two patterns meet only where what every path of the one begins with begins what every path of the other does, or the
other way round. So they are looked up by that beginning; `overlaps` alone decides about those that are found.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from agentroom_git.core.patterns import compiled, overlaps


class PatternIndex:
    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._resources: dict[str, list[int]] = {}
        self._paths: dict[str, list[int]] = {}
        for place, text in enumerate(patterns):
            found = compiled(text)
            if found.is_resource:
                self._resources.setdefault(text, []).append(place)
            else:
                self._paths.setdefault(found.prefix, []).append(place)
        self._beginnings = sorted(self._paths)

    def overlapping(self, asked: Sequence[str]) -> dict[str, list[int]]:
        """Return for each pattern the places of those that overlap it, in order."""
        found: dict[str, list[int]] = {pattern: [] for pattern in asked}
        # One held pattern after the other, so that what was worked out to read paths with a glob serves all of them.
        pairs = sorted((place, one) for one in found for place in self._candidates(one))
        for place, pattern in pairs:
            if overlaps(self._patterns[place], pattern):
                found[pattern].append(place)
        return found

    def _candidates(self, pattern: str) -> Iterator[int]:
        found = compiled(pattern)
        if found.is_resource:
            yield from self._resources.get(pattern, [])
        else:
            yield from (place for beginning in self._near(found.prefix) for place in self._paths[beginning])

    def _near(self, prefix: str) -> Iterator[str]:
        """Yield the beginnings that begin `prefix`, and those that it begins."""
        yield from (prefix[:size] for size in range(len(prefix)) if prefix[:size] in self._paths)
        for beginning in islice(self._beginnings, bisect_left(self._beginnings, prefix), None):
            if not beginning.startswith(prefix):
                return
            yield beginning
