"""The gate: whether the combined work passes the user's check, and which fold broke it.

`read_green` and `last_check` only read; `work` is what runs the check.
"""

from agentroom_git.room.gate.reading import Check, last_check, read_green

__all__ = ["Check", "last_check", "read_green"]
