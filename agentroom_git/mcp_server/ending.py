"""How the server ends: soon after its client is gone, whichever way that shows, and not in the middle of a call.

The SDK ends by itself when standard input closes and no call runs. It does not when a call waits for a lock, when the
client was killed and something else holds the pipe open, or on a signal while a thread blocks in reading the pipe.
"""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LOOK_SECONDS = 0.25
GRACE_SECONDS = 1.25
"""How long running calls get to finish. Each of them may be killed at any point, so the limit costs no work."""


class Calls:
    """Counts the calls that run."""

    def __init__(self) -> None:
        self._running = 0
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def wait_for_all(self, seconds: float) -> bool:
        """Return whether no call runs any more."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout=seconds)


def end_with_the_client(calls: Calls, wire: int) -> None:
    """Watch the parent process, the pipe `wire` and the signals from now on; call it once, from the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _on_signal(calls))
    threading.Thread(target=_watch, args=(calls, os.dup(wire), os.getppid()), name="client", daemon=True).start()


def _on_signal(calls: Calls) -> "signal._HANDLER":
    def handle(number: int, frame: FrameType | None) -> None:
        # In a thread of its own: the interrupted main thread may hold the lock of `calls`.
        threading.Thread(target=_end, args=(calls, 128 + number), name="ending", daemon=True).start()

    return handle


def _watch(calls: Calls, wire: int, parent: int) -> None:
    poll = select.poll()
    poll.register(wire, 0)  # a hang-up is always reported, also while requests wait to be read
    while os.getppid() == parent:
        if poll.poll(LOOK_SECONDS * 1000):
            # The SDK reads to the end and leaves by itself; it stays only when a call takes too long.
            threading.Event().wait(GRACE_SECONDS)
            break
    _end(calls, 0)


def _end(calls: Calls, code: int) -> None:
    calls.wait_for_all(GRACE_SECONDS)
    # A normal exit would wait for the thread that reads the pipe.
    os._exit(code)
