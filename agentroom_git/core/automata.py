"""Small automata over characters: whether two have a text in common, whether one accepts all that another does.

Texts are read with one in `core/readers.py`.

Sized for the patterns of claims: a few hundred states, so the product of two is some ten thousand. Every search here is
bounded; none depends on what a text looks like.
"""

from collections.abc import Collection
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]
"""A set of characters: code points from and to, both included."""

SLASH: Ranges = ((47, 47),)
NOT_SLASH: Ranges = ((1, 46), (48, 0x10FFFF))
MAX_WORK = 100_000
"""How many states `includes` looks at; the sets of states that it follows may be exponentially many."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """States are numbers; `free` are moves that read nothing. Every state can reach an accepting one."""

    edges: tuple[tuple[tuple[Ranges, int], ...], ...]
    free: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]


class Builder:
    """Puts an automaton together, state by state."""

    def __init__(self) -> None:
        self._edges: list[list[tuple[Ranges, int]]] = []
        self._free: list[list[int]] = []
        self.start = self._state()

    def _state(self) -> int:
        self._edges.append([])
        self._free.append([])
        return len(self._edges) - 1

    def edge(self, start: int, ranges: Ranges, end: int) -> None:
        self._edges[start].append((ranges, end))

    def read(self, start: int, ranges: Ranges) -> int:
        """Add a state that is reached from `start` by one of these characters."""
        end = self._state()
        self.edge(start, ranges, end)
        return end

    def repeat(self, start: int, ranges: Ranges) -> int:
        """Add a state that is reached from `start` by any number of these characters."""
        state = self._state()
        self._free[start].append(state)
        self.edge(state, ranges, state)
        return state

    def fold_back(self, start: int) -> None:
        """Let any number of names, each with its slash, lead from `start` back to it."""
        name = self.read(start, NOT_SLASH)
        self.edge(name, NOT_SLASH, name)
        self.edge(name, SLASH, start)

    def spell(self, start: int, text: str, end: int) -> None:
        """Let exactly this text, which is not empty, lead from `start` to `end`."""
        for sign in text[:-1]:
            start = self.read(start, ((ord(sign), ord(sign)),))
        self.edge(start, ((ord(text[-1]), ord(text[-1])),), end)

    def finish(self, accepting: Collection[int]) -> Automaton:
        return Automaton(
            tuple(tuple(edges) for edges in self._edges),
            tuple(tuple(free) for free in self._free),
            frozenset(accepting),
        )


def step(one: Automaton, states: frozenset[int], sign: int) -> frozenset[int]:
    """Return the states that the character leads to from these."""
    found = {end for state in states for ranges, end in one.edges[state] if _contains(ranges, sign)}
    return closed(one, found)


def closed(one: Automaton, states: set[int]) -> frozenset[int]:
    """Return the states with those that are reached from them by reading nothing."""
    waiting = list(states)
    while waiting:
        for state in one.free[waiting.pop()]:
            if state not in states:
                states.add(state)
                waiting.append(state)
    return frozenset(states)


def _contains(ranges: Ranges, sign: int) -> bool:
    return any(low <= sign <= high for low, high in ranges)


def _touch(one: Ranges, other: Ranges) -> bool:
    return any(low <= end and start <= high for low, high in one for start, end in other)


def meet(one: Automaton, other: Automaton) -> bool:
    """Return whether both accept some text: a search of their product, at most one visit a pair of states."""
    seen = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        pair = waiting.pop()
        if pair[0] in one.accepting and pair[1] in other.accepting:
            return True
        for following in _together(one, other, pair):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def _together(one: Automaton, other: Automaton, pair: tuple[int, int]) -> list[tuple[int, int]]:
    first, second = pair
    found = [(end, second) for end in one.free[first]]
    found += [(first, end) for end in other.free[second]]
    edges = other.edges[second]
    found += [(end, last) for ranges, end in one.edges[first] for also, last in edges if _touch(ranges, also)]
    return found


def includes(outer: Automaton, inner: Automaton) -> bool:
    """Return whether `outer` accepts all that `inner` does; False where that takes too much work to tell."""
    signs = _representatives(outer, inner)
    begin = (0, closed(outer, {0}))
    seen = {begin}
    waiting = [begin]
    work = 0
    while waiting and work < MAX_WORK:
        state, states = waiting.pop()
        if state in inner.accepting and outer.accepting.isdisjoint(states):
            return False
        following = {(end, states) for end in inner.free[state]}
        read = {sign for ranges, _ in inner.edges[state] for sign in signs if _contains(ranges, sign)}
        for sign in read:
            after = step(outer, states, sign)
            following |= {(end, after) for ranges, end in inner.edges[state] if _contains(ranges, sign)}
            work += 1 + len(states)
        waiting += following - seen
        seen |= following
    return not waiting


def _representatives(one: Automaton, other: Automaton) -> list[int]:
    """Return one character of each set of characters that no edge tells apart."""
    ranges = [span for part in (one, other) for edges in part.edges for ranges, _ in edges for span in ranges]
    return sorted({low for low, _ in ranges} | {high + 1 for _, high in ranges})
