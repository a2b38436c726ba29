"""Points in time as people write them: `2h` ago, or an ISO date and time."""

import re
from datetime import UTC, datetime, timedelta

from agentroom_git.errors import UsageError

_AGO = re.compile(r"(\d{1,6})\s*(s|min|m|h|d|w)(?: ago)?")
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment; one without a time zone is UTC. Raise `UsageError` for anything else."""
    ago = _AGO.fullmatch(text.strip().lower())
    try:
        if ago:
            return now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        hint = "for example 30m, 2h, 1d or 2026-01-31T14:00"
        raise UsageError(f"{ascii(text[:40])} is no moment in time", hint=hint) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
