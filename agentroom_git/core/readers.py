"""Reading many texts with one automaton: each move is worked out once, so that a text costs a look-up a character.

What is remembered is bounded; beyond that it is worked out anew.
"""

from agentroom_git.core.automata import Automaton, closed, step

MAX_MOVES = 4096


class _Node:
    """A set of states, and where each character that was read from it led."""

    __slots__ = ("moves", "states")

    def __init__(self, states: frozenset[int]) -> None:
        self.states = states
        self.moves: dict[str, _Node] = {}


class Reader:
    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton
        self._forget()

    def _forget(self) -> None:
        self._start = _Node(closed(self._automaton, {0}))
        self._nodes = {self._start.states: self._start}
        self._count = 0

    def accepts(self, text: str) -> bool:
        return not self._automaton.accepting.isdisjoint(self._after(text))

    def reads(self, text: str) -> bool:
        """Return whether some accepted text begins with this one."""
        return bool(self._after(text))

    def _after(self, text: str) -> frozenset[int]:
        if self._count >= MAX_MOVES:
            self._forget()
        node = self._start
        for sign in text:
            node = node.moves.get(sign) or self._move(node, sign)
            if not node.states:
                break
        return node.states

    def _move(self, node: _Node, sign: str) -> _Node:
        states = step(self._automaton, node.states, ord(sign))
        following = self._nodes.setdefault(states, _Node(states))
        node.moves[sign] = following
        self._count += 1
        return following
