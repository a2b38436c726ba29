"""What each client is started with: pure functions from a seat to a launch."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from agentroom_git.agents import claude, codex, opencode
from agentroom_git.agents.client import Client, Seat
from agentroom_git.agents.clients import CLIENTS
from agentroom_git.core.ids import AgentName

SEAT = Seat(
    AgentName("alice"),
    Path("/room/alice"),
    Path("/private"),
    ("/bin/agentroom",),
    ("/bin/python", "/hook.py"),
    {},
    task="-x --y",
    is_headless=True,
)
ALL = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


def server_command(client: Client, seat: Seat = SEAT) -> list[str]:
    """Return the command of the MCP server wherever the client is told of it."""
    launch = client.plan(seat)
    texts = [*launch.arguments, *launch.environment.values(), *(file.text for file in launch.files)]
    if client.name == "codex":
        setting = next(text for text in texts if text.startswith("mcp_servers."))
        server = tomllib.loads(setting)["mcp_servers"]["agentroom"]
    else:
        text = next(text for text in texts if '"agentroom"' in text)
        record = json.loads(text[text.index("{") :])
        server = record.get("mcpServers", record.get("mcp"))["agentroom"]
    command = server["command"]
    return list(command) if isinstance(command, list) else [command, *server["args"]]


@ALL
def test_the_server_is_started_by_an_absolute_path(client: Client) -> None:
    assert server_command(client) == ["/bin/agentroom", "mcp"]


@ALL
def test_a_task_is_a_single_word_even_where_it_looks_like_options(client: Client) -> None:
    words = client.plan(SEAT).arguments

    assert words[-1].endswith("-x --y")
    assert words[-2] == "--" or words[-1].startswith("--prompt")


@ALL
def test_without_a_task_a_session_starts_that_says_nothing(client: Client) -> None:
    words = client.plan(replace(SEAT, task="", is_headless=False)).arguments

    assert not {"--", "-p", "exec", "run"} & set(words)
    assert not any(word.startswith("--prompt") for word in words)


@ALL
def test_the_users_own_arguments_come_before_the_task(client: Client) -> None:
    words = client.plan(replace(SEAT, extra=("--model", "m"))).arguments

    assert words.index("--model") < len(words) - 1


@pytest.mark.parametrize(
    ("name", "ours", "given"),
    [
        ("claude", "acceptEdits", ("--permission-mode", "plan")),
        ("claude", "acceptEdits", ("--dangerously-skip-permissions",)),
        ("codex", "workspace-write", ("--sandbox=read-only",)),
        ("codex", "workspace-write", ("-s", "read-only")),
        ("gemini", "auto_edit", ("--yolo",)),
        ("qwen", "auto-edit", ("--approval-mode=yolo",)),
    ],
)
def test_what_is_allowed_without_asking_is_the_users_to_say(name: str, ours: str, given: tuple[str, ...]) -> None:
    assert ours in CLIENTS[name].plan(SEAT).arguments
    assert ours not in CLIENTS[name].plan(replace(SEAT, extra=given)).arguments
    assert ours not in CLIENTS[name].plan(replace(SEAT, is_headless=False)).arguments


def test_only_gemini_needs_a_file_in_the_worktree() -> None:
    launches = {name: client.plan(SEAT) for name, client in CLIENTS.items()}
    inside = {
        name: [str(file.path) for file in launch.files if file.path.is_relative_to(SEAT.worktree)]
        for name, launch in launches.items()
    }

    assert {name: paths for name, paths in inside.items() if paths} == {"gemini": ["/room/alice/.gemini/settings.json"]}


def test_codex_trusts_our_hooks_by_their_hash_and_no_others() -> None:
    words = [word for word in codex.plan(SEAT).arguments if word.startswith("hooks.")]
    hooks = tomllib.loads("\n".join(word for word in words if not word.startswith("hooks.state")))["hooks"]
    state = tomllib.loads(next(word for word in words if word.startswith("hooks.state")))["hooks"]["state"]

    assert set(hooks) == {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"}
    assert len(state) == len(hooks)
    # As Codex 0.169.0 computes it: tests/clients sees it run hooks that were trusted in this way.
    expected = "sha256:df537b83ba3dc0cc4fa156823985305541c5b001556f4c15b957022126dbe6ed"
    assert state["/<session-flags>/config.toml:pre_tool_use:0:0"]["trusted_hash"] == expected
    assert "--dangerously-bypass-hook-trust" not in codex.plan(SEAT).arguments


@pytest.mark.parametrize("value", [{"a b": ["x", 'q"', "back\\slash", "é\x7f\n"], "n": 3, "is": True}])
def test_toml_reads_back_as_what_was_written(value: dict[str, object]) -> None:
    assert tomllib.loads(f"top = {codex.toml(value)}") == {"top": value}


def test_what_the_user_has_configured_for_opencode_stays() -> None:
    own = {"model": "mine/best", "mcp": {"other": {"type": "remote"}}, "plugin": ["their-own"]}
    launch = opencode.plan(replace(SEAT, environment={opencode.VARIABLE: json.dumps(own)}))
    config = json.loads(launch.environment[opencode.VARIABLE])

    assert config["model"] == "mine/best"
    assert set(config["mcp"]) == {"other", "agentroom"}
    assert config["plugin"][0] == "their-own"


def test_claude_code_waits_for_the_server_where_nobody_watches_unless_the_user_says_otherwise() -> None:
    own = {claude.WAITING: "true"}

    assert claude.plan(SEAT).environment == {claude.WAITING: "false"}
    assert claude.plan(replace(SEAT, is_headless=False)).environment == {}
    assert claude.plan(replace(SEAT, environment=own)).environment == {}


def test_claude_code_asks_for_hooks_at_every_event() -> None:
    flag = next(word for word in claude.plan(SEAT).arguments if word.startswith("--settings="))
    hooks = json.loads(flag.removeprefix("--settings="))["hooks"]

    assert {entry["hooks"][0]["command"] for entries in hooks.values() for entry in entries} == {
        "/bin/python /hook.py claude"
    }
