"""One thread at a time, but while it waits: what shares Python's lock anyway is done sooner one after the other."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from agentroom_git.system.clock import Clock

BRIEF_SECONDS = 0.002
_mine = threading.local()
_waited = [0.0]
"""For how long a block was last away: what a disk needs, it needs again."""


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
        self._turn.release()
        try:
            self._clock.sleep(seconds)
        finally:
            self._turn.acquire()

    def boot_id(self) -> str:
        return self._clock.boot_id()


@contextmanager
def away(most: float = BRIEF_SECONDS) -> Iterator[None]:
    """Give the turn up for a block that waits for a disk, if this thread has one, and take it again.

    Where the disk was last waited for no longer than `most` seconds, the turn is kept: another's would take longer.
    """
    turn = getattr(_mine, "turn", None) if _waited[0] > most else None
    began = time.monotonic()
    if turn is not None:
        turn.release()
    try:
        yield
    finally:
        _waited[0] = time.monotonic() - began
        if turn is not None:
            turn.acquire()
