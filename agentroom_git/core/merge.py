"""The generic three-way algebra: a base, any number of sides, and one value or a contest.

Text, paths, modes and deletions are merged by the same rule, so it knows nothing of them, and imports nothing of the
project. It never decides a contest: `precedence` only says in which order the sides of one are preferred.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """The one value that follows from the base and the sides."""

    value: T


@dataclass(frozen=True, slots=True)
class Contested(Generic[T]):
    """Two or more different changes of one base, each once, in the order in which they were first given."""

    base: T
    values: tuple[T, ...]


def merge_values(base: T, sides: Iterable[T]) -> Resolved[T] | Contested[T]:
    """Merge indivisible values: a side equal to the base says nothing, equal sides speak once.

    The outcome is independent of the order of the sides, but for the order of `Contested.values`; giving a side, or
    the base, once more changes nothing.
    """
    changed = tuple(dict.fromkeys(value for value in sides if value != base))
    if not changed:
        return Resolved(base)
    if len(changed) == 1:
        return Resolved(changed[0])
    return Contested(base, changed)


class Ranked(Protocol):
    """What a contest between sides is decided by."""

    @property
    def token(self) -> int: ...
    @property
    def support(self) -> int: ...
    @property
    def generation(self) -> int: ...
    @property
    def id(self) -> str: ...


def precedence(side: Ranked) -> tuple[int, int, int, str]:
    """Sort key that puts the preferred side first: claim token, support, generation (higher first), lower id.

    Nothing in it is measured by a clock. Equal keys are left to the caller, who knows the values.
    """
    return (-side.token, -side.support, -side.generation, side.id)
