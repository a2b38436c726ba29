"""What agents' hooks could not do: they let the agent go on, and wrote it down."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agentroom_git.core.escape import one_line
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.hookcache import FAILED_OPEN
from agentroom_git.room.room import Room

RECENT = timedelta(days=1)
MAX_BYTES = 64 * 1024


def examine_failures(room: Room) -> Iterator[Finding]:
    """Tell of failures of the last day, the newest in its own words."""
    path = room.private / "hook" / FAILED_OPEN
    since = (room.clock.now() - RECENT).astimezone(UTC)
    recent = [one for one in _read(path) if one[0] >= since]
    if not recent:
        return
    at, agent, error = recent[-1]
    times = "once" if len(recent) == 1 else f"{len(recent)} times"
    yield Finding(
        "notice",
        f"an agent's hook failed {times} within a day and let the agent go on; at {at:%H:%M} UTC for {agent}: {error}",
        f"correct what it says; {path} has all of them",
    )


def _read(path: Path) -> Iterator[tuple[datetime, str, str]]:
    """Yield when, for whom and what, oldest first; lines that are damaged or cut are passed over."""
    try:
        lines = path.read_bytes()[-MAX_BYTES:].split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            record = json.loads(line)
            at = datetime.fromtimestamp(float(record["at"]), UTC)
            yield at, one_line(str(record["agent"]), 40), one_line(str(record["error"]), 200)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            continue
