"""One thread at a time, but while it sleeps: what shares Python's lock anyway is done sooner one after the other."""

import threading
from contextlib import AbstractContextManager
from datetime import datetime

from agentroom_git.system.clock import Clock


class Turns:
    """A clock for threads that take turns: whoever sleeps by it lets the others go on meanwhile.

    A thread calls `taken()` around all that it does, and the clock's methods inside.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()

    def taken(self) -> AbstractContextManager[object]:
        return self._turn

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
