"""The gate: whether the combined work passes the user's check, and which fold broke it.

`read_green`, `last_check` and `last_blame` only read; `check_now` runs the check on what is newest.
"""

from agentroom_git.room.gate.reading import Check, last_blame, last_check, read_green
from agentroom_git.room.gate.work import NoCheckError, check_now

__all__ = ["Check", "NoCheckError", "check_now", "last_blame", "last_check", "read_green"]
