"""Virtual time: it passes by being slept through, and its wall side may jump."""

from datetime import UTC, datetime, timedelta

from agentroom_git.system.clock import SystemClock

START = datetime(2026, 1, 1, tzinfo=UTC)


LEAST_SLEEP = 0.05
"""Who polls for a lock in vain does so two hundred times in ten seconds, not five thousand."""


class VirtualClock:
    """One machine's clock. Nobody waits for it; `skew` moves what it shows and never what it measures."""

    def __init__(self) -> None:
        self.elapsed = 1000.0
        self.skew = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed + self.skew)

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += max(seconds, LEAST_SLEEP)

    def boot_id(self) -> str:
        return "virtual"


class FastClock(SystemClock):
    """The real clock, but sleeps only move it on: for what looks at the real dates of files."""

    def __init__(self) -> None:
        self.slept = 0.0

    @property
    def elapsed(self) -> float:
        return super().monotonic() + self.slept

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.slept += max(seconds, 0.0)
