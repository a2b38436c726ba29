"""How the sidecar ends when it is told to: after its present step, or in the middle of one that takes too long.

Every step may be followed by a kill, so the limits cost no work. First the step gets time to end by itself; then it is
unwound, so that locks which agents' git would meet go with it; what still does not end is cut off.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

UNWIND_SECONDS = 1.0
CUT_OFF_SECONDS = 1.75


def end_on_signals() -> Callable[[], bool]:
    """Mind SIGTERM and SIGINT from now on; return what tells whether one has come. Call it from the main thread."""
    told = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if told.is_set():
            return
        told.set()
        signal.signal(signal.SIGALRM, _unwind)
        signal.setitimer(signal.ITIMER_REAL, UNWIND_SECONDS)
        # A thread, since the main one may be inside a library's call, where no signal is heard.
        cut_off = threading.Timer(CUT_OFF_SECONDS, os._exit, [0])
        cut_off.daemon = True
        cut_off.start()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return told.is_set


def _unwind(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
