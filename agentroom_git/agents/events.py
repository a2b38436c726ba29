"""The moments at which clients call `agentroom hook`, by the names that each gives them."""

import shlex
from collections.abc import Sequence

from agentroom_git.agents.client import HOOK_SECONDS, STOP_SECONDS

EVENTS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
"""As Claude Code, Codex and Qwen Code name them."""
GEMINI_EVENTS = ("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd")
_OF_TOOLS = frozenset({"PreToolUse", "PostToolUse", "BeforeTool", "AfterTool"})

Entry = dict[str, object]


def hook_command(hook: Sequence[str], client: str) -> str:
    """Return the command line that a client's shell runs for each event."""
    return shlex.join([*hook, client])


def hook_table(events: Sequence[str], command: str, *, unit: int = 1, name: str = "") -> dict[str, list[Entry]]:
    """Return the `hooks` table of a client's settings.

    `unit` is how many of its time units make a second, `name` what it shows its user in place of the command.
    """
    called: Entry = {"type": "command", "command": command}
    if name:
        called = {"name": name, **called}
    table: dict[str, list[Entry]] = {}
    for event in events:
        entry: Entry = {"hooks": [{**called, "timeout": seconds_for(event) * unit}]}
        table[event] = [{"matcher": "*", **entry} if event in _OF_TOOLS else entry]
    return table


def seconds_for(event: str) -> int:
    return STOP_SECONDS if event in ("Stop", "AfterAgent") else HOOK_SECONDS
