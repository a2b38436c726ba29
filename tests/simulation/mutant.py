"""A bug to be found: it replaces a piece of the product by name, for the time of a `with` block, in tests alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

Patches = list[tuple[Any, str, Any]]


@dataclass(frozen=True)
class Mutant:
    """`level` names the schedules that find it; `patches` gives what is replaced: owner, name, value."""

    name: str
    level: str
    patches: Callable[[], Patches]

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, value in self.patches():
                stack.enter_context(mock.patch.object(owner, name, value))
            yield
