"""The moments at which clients call `agentroom hook`, by the names that each gives them."""

import shlex
from collections.abc import Sequence

from agentroom_git.agents.client import HOOK_SECONDS

EVENTS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
"""As Claude Code, Codex and Qwen Code name them."""
GEMINI_EVENTS = ("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd")
_OF_TOOLS = frozenset({"PreToolUse", "PostToolUse", "BeforeTool", "AfterTool"})

Entry = dict[str, object]


def hook_command(hook: Sequence[str], client: str) -> str:
    """Return the command line that a client's shell runs for each event."""
    return shlex.join([*hook, client])


def hook_table(events: Sequence[str], command: str, *, unit: int = 1) -> dict[str, list[Entry]]:
    """Return the `hooks` table of a client's settings; `unit` is how many of its time units make a second."""
    handler: Entry = {"type": "command", "command": command, "timeout": HOOK_SECONDS * unit}
    return {
        event: [{"matcher": "*", "hooks": [handler]} if event in _OF_TOOLS else {"hooks": [handler]}]
        for event in events
    }
