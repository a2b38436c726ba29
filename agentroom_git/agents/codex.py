"""Codex: everything by `-c`, on top of the user's own configuration. Nothing in the worktree.

Codex skips a hook that nobody reviewed, without a word. Its own record of a review is the hash of the hook's
definition, which it also takes from `-c`: so exactly our own hooks are trusted, for this run, and nobody else's.
"""

import hashlib
import json
from collections.abc import Iterator

from agentroom_git.agents.client import START_SECONDS, TOOL_SECONDS, Client, Launch, Seat
from agentroom_git.agents.events import EVENTS, hook_command, seconds_for

# Where hooks from `-c` come from, in the names that Codex keeps reviews under.
_SOURCE = "/<session-flags>/config.toml"
_LABELS = {
    "SessionStart": "session_start",
    "UserPromptSubmit": "user_prompt_submit",
    "PreToolUse": "pre_tool_use",
    "PostToolUse": "post_tool_use",
    "Stop": "stop",
    "SessionEnd": "session_end",
}
_LONGEST_AT_END = 3
"""Codex cuts the last hook's time to this, and hashes the cut value."""
_SANDBOX = ("-s", "--sandbox", "--approve-for-me", "--dangerously-bypass-approvals-and-sandbox")


def plan(seat: Seat) -> Launch:
    """Return the command: `exec` in a sandbox that may write where nobody is there to be asked, else a session."""
    settings = [f"mcp_servers.agentroom={_server(seat)}", *_hooks(hook_command(seat.hook, "codex"))]
    flags = [word for setting in settings for word in ("-c", setting)]
    sandbox = ("-s", "workspace-write") if seat.is_headless and not seat.has_option(*_SANDBOX) else ()
    start = ("codex", "exec") if seat.is_headless else ("codex",)
    task = ("--", seat.task) if seat.task else ()
    return Launch((*start, *flags, *sandbox, *seat.extra, *task))


def _server(seat: Seat) -> str:
    command, *arguments = seat.program
    return toml(
        {
            "command": command,
            "args": [*arguments, "mcp"],
            # Codex waits about a second for servers that are not required, and then goes on without them.
            "required": True,
            "startup_timeout_sec": START_SECONDS,
            "tool_timeout_sec": TOOL_SECONDS,
            "default_tools_approval_mode": "approve",
        }
    )


def _hooks(command: str) -> Iterator[str]:
    """Yield the settings that add our hooks, and the one that says they were reviewed."""
    reviewed: dict[str, object] = {}
    for event in EVENTS:
        handler = {"type": "command", "command": command, "timeout": _seconds(event)}
        yield f"hooks.{event}={toml([{'hooks': [handler]}])}"
        reviewed[f"{_SOURCE}:{_LABELS[event]}:0:0"] = {"trusted_hash": hook_hash(event, command)}
    yield f"hooks.state={toml(reviewed)}"


def _seconds(event: str) -> int:
    return _LONGEST_AT_END if event == "SessionEnd" else seconds_for(event)


def hook_hash(event: str, command: str) -> str:
    """Return the hash under which Codex keeps the review of our hook for this event."""
    handler = {"type": "command", "command": command, "timeout": _seconds(event), "async": False}
    identity = {"event_name": _LABELS[event], "hooks": [handler]}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def toml(value: object) -> str:
    """Return a value as TOML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    # Strings, numbers and truth values are written as in JSON, but for the one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


CLIENT = Client(
    name="codex",
    title="Codex",
    package="@openai/codex",
    oldest=(0, 145, 0),
    login="codex login",
    plan=plan,
    headless_verb="exec",
)
