"""Where commits stand along integration, so that what dozens of branches ask of it needs no walk.

The chain of first parents that ends at integration is known down to a floor. Of every commit that came in above the
floor, and only of those, it is known with which fold it came. So of a commit from which every path ends on the chain
everything is known that it reaches: the commits on these paths, and what the highest commit of the chain that they end
at reaches. A path that ends nowhere within bounds tells nothing, and the answer is None. Clocks do not matter.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agentroom_git.core.ids import Oid

MOST_STEPS = 256
_MOST_LINEAR, _MOST_VISITED, _MOST_KNOWN = 64, 1000, 50_000
Parents = Callable[[Oid], tuple[Oid, ...] | None]
"""Returns the parents of a commit, or None where it is missing."""


@dataclass(slots=True)
class _Reach:
    """What some commits reach: these, and what the commit at `place` on the chain does."""

    commits: set[Oid] = field(default_factory=set)
    place: int = -1


@dataclass(slots=True)
class Ancestry:
    """The chain that ended at some integration; `grow` takes it on to the next."""

    parents: Parents
    _end: Oid | None = None
    _places: dict[Oid, int] = field(default_factory=dict)
    _came: dict[Oid, int] = field(default_factory=dict)
    _last: tuple[frozenset[Oid], _Reach] | None = None

    def grow(self, tip: Oid) -> bool:
        """Take the chain on to `tip`, or begin it there; false where that is on another one."""
        if tip in self._places:
            return True
        above = self._above(tip)
        if above is None or len(self._places) + len(self._came) > _MOST_KNOWN:
            return False
        for commit in reversed(above):
            self._append(commit)
        return True

    def _above(self, tip: Oid) -> list[Oid] | None:
        """Return the commits from the tip down to the present end, which is left out; None where that is elsewhere.

        Without an end, it goes down through folds, and then some way where nothing was merged.
        """
        found: list[Oid] = []
        commit, linear = tip, 0
        while commit != self._end:
            found.append(commit)
            parents = self.parents(commit) or ()
            linear += len(parents) == 1
            is_over = linear == _MOST_LINEAR or (linear > 0 and len(parents) > 1) or len(found) == MOST_STEPS
            if not parents or is_over:
                return found if self._end is None else None
            commit = parents[0]
        return found

    def _append(self, commit: Oid) -> None:
        """Note what the next commit of the chain brings in; where that is not to be told, the floor is there."""
        parents = self.parents(commit)
        brought = self._unknown(parents[1:]) if parents is not None and self._end is not None else None
        if brought is None:
            self._places, self._came, self._last = {}, {}, None
        place = self._places[self._end] + 1 if self._places and self._end is not None else 0
        self._places[commit] = place
        self._came.update(dict.fromkeys(brought or (), place))
        self._end = commit

    def _unknown(self, starts: Iterable[Oid]) -> set[Oid] | None:
        return self._walk(starts, self._is_known)

    def _is_known(self, commit: Oid) -> bool:
        return commit in self._places or commit in self._came

    def _walk(self, starts: Iterable[Oid], is_end: Callable[[Oid], bool]) -> set[Oid] | None:
        """Return what lies on the paths down from the commits before their ends; None where one has no end."""
        found: set[Oid] = set()
        waiting = list(starts)
        while waiting:
            commit = waiting.pop()
            if commit in found or is_end(commit):
                continue
            parents = self.parents(commit)
            if not parents or len(found) == _MOST_VISITED:
                return None
            found.add(commit)
            waiting += parents
        return found

    def reaches(self, descendant: Oid, ancestor: Oid) -> bool | None:
        """Return whether the one reaches the other, or None."""
        reach = self._reach(frozenset({descendant}))
        return None if reach is None else self._is_reached(reach, ancestor)

    def between(self, bases: frozenset[Oid], commit: Oid) -> set[Oid] | None:
        """Return what the commit reaches and none of the bases does, or None."""
        reach = self._reach(bases)
        if reach is None:
            return None
        # Whatever is not known here has a path down to what is, or the walk has no end: it is not below the floor.
        return self._walk([commit], lambda one: self._has(reach, one))

    def maximal(self, commits: frozenset[Oid]) -> frozenset[Oid] | None:
        """Return those of the commits that no other of them reaches, or None."""
        below: set[Oid] = set()
        for commit in commits:
            below.update(self.parents(commit) or ())
        reach = self._reach(frozenset(below))
        told = {commit: reach and self._is_reached(reach, commit) for commit in commits}
        return None if None in told.values() else frozenset(one for one, is_reached in told.items() if not is_reached)

    def _is_reached(self, reach: _Reach, commit: Oid) -> bool | None:
        if self._has(reach, commit):
            return True
        # One below the floor has no path to anything above it.
        return False if self._is_known(commit) or self._walk([commit], self._is_known) is not None else None

    def _has(self, reach: _Reach, commit: Oid) -> bool:
        if commit in reach.commits:
            return True
        place = self._places.get(commit, self._came.get(commit))
        return place is not None and place <= reach.place

    def _reach(self, commits: frozenset[Oid]) -> _Reach | None:
        # Sets are asked about that grow by one each time.
        known, reach = self._last or (frozenset[Oid](), _Reach())
        if not known <= commits:
            known, reach = frozenset(), _Reach()
        self._last = None
        if not all(self._extend(reach, commit) for commit in commits - known):
            return None
        self._last = commits, reach
        return reach

    def _extend(self, reach: _Reach, start: Oid) -> bool:
        ends: list[int] = []

        def is_end(commit: Oid) -> bool:
            if commit in self._places:
                ends.append(self._places[commit])
                return True
            return commit in reach.commits

        found = self._walk([start], is_end)
        if found is None:
            return False
        reach.commits |= found
        reach.place = max([reach.place, *ends])
        return True
