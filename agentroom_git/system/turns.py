"""One thread at a time, but while it waits: what shares Python's lock anyway is done sooner one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from agentroom_git.system.clock import Clock

_mine = threading.local()


class Turns:
    """A clock for threads that take turns: whoever sleeps by it lets the others go on meanwhile.

    A thread calls `taken()` around all that it does, and the clock's methods inside.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._turn:
            _mine.turn = self._turn
            try:
                yield
            finally:
                _mine.turn = None

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        with away():
            self._clock.sleep(seconds)

    def boot_id(self) -> str:
        return self._clock.boot_id()


@contextmanager
def away() -> Iterator[None]:
    """Give the turn up for a block that waits for a disk, if this thread has one, and take it again."""
    turn = getattr(_mine, "turn", None)
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()
