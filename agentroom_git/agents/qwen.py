"""Qwen Code: the server by a flag, the hooks by a file of defaults outside the worktree that a variable names.

Defaults give way to the user's own settings wherever both say something.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from agentroom_git.agents.client import TOOL_SECONDS, Client, GeneratedFile, Launch, Seat
from agentroom_git.agents.events import EVENTS, Entry, hook_command, hook_table

VARIABLE = "QWEN_CODE_SYSTEM_DEFAULTS_PATH"
FILE = Path("qwen-defaults.json")
MILLISECONDS = 1000
_APPROVAL = ("--approval-mode", "-y", "--yolo")


def plan(seat: Seat) -> Launch:
    """Return the command, and the file of defaults with the hooks in it."""
    mode = ("--approval-mode", "auto-edit") if seat.is_headless and not seat.has_option(*_APPROVAL) else ()
    task = (f"--prompt{'' if seat.is_headless else '-interactive'}={seat.task}",) if seat.task else ()
    servers = json.dumps({"mcpServers": {"agentroom": server_of(seat.program)}})
    hooks = {"hooks": hooks_of(hook_command(seat.hook, "qwen"))}
    file = GeneratedFile(seat.private / FILE, json.dumps(hooks, indent=2) + "\n")
    arguments = ("qwen", f"--mcp-config={servers}", *mode, *seat.extra, *task)
    return Launch(arguments, {VARIABLE: str(file.path)}, (file,))


def server_of(program: Sequence[str]) -> dict[str, object]:
    command, *arguments = program
    return {
        "command": command,
        "args": [*arguments, "mcp"],
        "timeout": TOOL_SECONDS * MILLISECONDS,
        "trust": True,
        # Without it the tools are hidden behind a search.
        "alwaysLoadTools": True,
    }


def hooks_of(hook: str) -> dict[str, list[Entry]]:
    return hook_table(EVENTS, hook, unit=MILLISECONDS)


CLIENT = Client(
    name="qwen",
    title="Qwen Code",
    package="@qwen-code/qwen-code",
    oldest=(0, 24, 4),
    login="start qwen once and choose how to log in, or set OPENAI_API_KEY and OPENAI_BASE_URL",
    plan=plan,
)
