"""Gemini CLI: it takes servers and hooks from settings files alone, so one is generated in the worktree.

Its files for the whole machine would do as well, but it reads those only where they belong to root.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from agentroom_git.agents.client import TOOL_SECONDS, Client, GeneratedFile, Launch, Seat
from agentroom_git.agents.events import GEMINI_EVENTS, Entry, hook_command, hook_table

SETTINGS = Path(".gemini/settings.json")
MILLISECONDS = 1000
_APPROVAL = ("--approval-mode", "-y", "--yolo")


def plan(seat: Seat) -> Launch:
    """Return the command, the settings, and the variable without which Gemini CLI does not read them."""
    mode = ("--approval-mode", "auto_edit") if seat.is_headless and not seat.has_option(*_APPROVAL) else ()
    task = (f"--prompt{'' if seat.is_headless else '-interactive'}={seat.task}",) if seat.task else ()
    hooks = hooks_of(hook_command(seat.hook, "gemini"))
    settings = {"mcpServers": {"agentroom": server_of(seat.program)}, "hooks": hooks}
    return Launch(
        ("gemini", *mode, *seat.extra, *task),
        {"GEMINI_CLI_TRUST_WORKSPACE": "true"},
        (GeneratedFile(seat.worktree / SETTINGS, json.dumps(settings, indent=2) + "\n"),),
    )


def server_of(program: Sequence[str]) -> dict[str, object]:
    command, *arguments = program
    return {
        "command": command,
        "args": [*arguments, "mcp"],
        "timeout": TOOL_SECONDS * MILLISECONDS,
        # Without it the tools are not even shown to a model that runs where nobody can be asked.
        "trust": True,
    }


def hooks_of(hook: str) -> dict[str, list[Entry]]:
    return hook_table(GEMINI_EVENTS, hook, unit=MILLISECONDS, name="agentroom")


CLIENT = Client(
    name="gemini",
    title="Gemini CLI",
    package="@google/gemini-cli",
    oldest=(0, 61, 0),
    login="start gemini once and log in, or set GEMINI_API_KEY",
    plan=plan,
)
