"""opencode: everything by one variable, on top of the user's own configuration. Nothing in the worktree."""

import json
from collections.abc import Sequence
from typing import Any

from agentroom_git.agents.client import START_SECONDS, Client, Launch, Seat
from agentroom_git.resources import templates_dir

VARIABLE = "OPENCODE_CONFIG_CONTENT"
HOOK = "AGENTROOM_HOOK"
"""Tells the plugin what answers its events: a JSON list."""
HEADLESS = "AGENTROOM_HEADLESS"
"""Tells the plugin that `opencode run` ends with its turn, so that it cannot be kept from stopping."""
PLUGIN = "opencode/agentroom.js"


def plan(seat: Seat) -> Launch:
    """Return the command, and the configuration that opencode takes from the environment."""
    config = _users_own(seat.environment.get(VARIABLE, ""))
    config["mcp"] = {**_table(config.get("mcp")), "agentroom": server_of(seat.program)}
    plugins = config.get("plugin")
    config["plugin"] = [*(plugins if isinstance(plugins, list) else []), (templates_dir() / PLUGIN).as_uri()]
    variables = {VARIABLE: json.dumps(config), HOOK: json.dumps(seat.hook)}
    if seat.is_headless:
        variables[HEADLESS] = "1"
        return Launch(("opencode", "run", *seat.extra, *(("--", seat.task) if seat.task else ())), variables)
    return Launch(("opencode", *seat.extra, *((f"--prompt={seat.task}",) if seat.task else ())), variables)


def server_of(program: Sequence[str]) -> dict[str, object]:
    return {"type": "local", "command": [*program, "mcp"], "enabled": True, "timeout": START_SECONDS * 1000}


def _users_own(text: str) -> dict[str, Any]:
    """Return what the user has in the variable already; what is no JSON object opencode does not take either."""
    try:
        return _table(json.loads(text))
    except ValueError:
        return {}


def _table(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


CLIENT = Client(
    name="opencode",
    title="opencode",
    package="opencode-ai",
    oldest=(1, 18, 33),
    login="opencode auth login",
    plan=plan,
    headless_verb="run",
)
