"""The clock seam: wall time for people, monotonic time for decisions.

Wall time is shown and stored for display, never compared between machines or subtracted. Leases and timeouts use
`monotonic`, which on Linux counts from boot, suspended time included, and is the same for every process of one boot.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

# macOS has no CLOCK_BOOTTIME; its CLOCK_MONOTONIC goes on counting while the machine sleeps.
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time in UTC, aware. For display only."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; comparable between processes that report the same `boot_id`."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def boot_id(self) -> str:
        """Names the boot that `monotonic` counts from, or "" where the system does not tell."""
        ...


def spent() -> float:
    """Return how many seconds of a processor the calling thread has used: what it waited for does not count."""
    return time.thread_time()


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_SINCE_BOOT)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def boot_id(self) -> str:
        try:
            return _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            return ""
