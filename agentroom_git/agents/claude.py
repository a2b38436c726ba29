"""Claude Code: everything by flags, on top of the user's own settings. Nothing in the worktree."""

import json

from agentroom_git.agents.client import Client, Launch, Seat
from agentroom_git.agents.events import EVENTS, hook_command, hook_table

WAITING = "MCP_CONNECTION_NONBLOCKING"
"""Set to false, Claude Code waits for its servers, for half a minute unless `MCP_TIMEOUT` says otherwise."""
_PERMISSIONS = ("--permission-mode", "--dangerously-skip-permissions")


def plan(seat: Seat) -> Launch:
    """Return the command: `-p` with edits accepted where nobody is there to be asked, else a session with the task."""
    server, *arguments = seat.program
    servers = {
        "agentroom": {
            "type": "stdio",
            "command": server,
            "args": [*arguments, "mcp"],
            # Without it the tools are hidden behind a search, and the first request waits only about 2 s for them.
            "alwaysLoad": True,
        }
    }
    settings = {"hooks": hook_table(EVENTS, hook_command(seat.hook, "claude"))}
    mode = () if seat.has_option(*_PERMISSIONS) or not seat.is_headless else ("--permission-mode", "acceptEdits")
    flags = (
        f"--mcp-config={json.dumps({'mcpServers': servers})}",
        f"--settings={json.dumps(settings)}",
        "--allowedTools=mcp__agentroom",
        *mode,
        *seat.extra,
    )
    # `--` because some of its options take any number of values, the task among them.
    task = ("--", seat.task) if seat.task else ()
    # A session shows when a server comes late; a model that nobody watches goes on without the room.
    waits = {WAITING: "false"} if seat.is_headless and WAITING not in seat.environment else {}
    return Launch(("claude", *(("-p",) if seat.is_headless else ()), *flags, *task), waits)


CLIENT = Client(
    name="claude",
    title="Claude Code",
    package="@anthropic-ai/claude-code",
    oldest=(2, 1, 197),
    login="start claude once and log in, or set ANTHROPIC_API_KEY",
    plan=plan,
)
