"""The official MCP Inspector, strict, in both protocol eras, over every tool of the server."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from agentroom_git.room import coordination
from agentroom_git.system.process import own_program
from real_clients import folders
from rooms import Bed
from seal import OUTSIDE

pytestmark = [pytest.mark.clients, pytest.mark.timeout(500)]
ERAS = pytest.mark.parametrize(
    "era", [pytest.param(era, marks=pytest.mark.xdist_group(f"inspector-{era}")) for era in ("legacy", "modern")]
)
CALLS: dict[str, dict[str, object]] = {
    "claim": {"paths": ["src/app.py"], "reason": "a trial"},
    "status": {"paths": ["src"]},
    "broadcast": {"text": "a trial", "topic": "trial"},
    "note": {"text": "a trial", "topic": "trial"},
    "tasks": {"action": "list"},
    "read": {"limit": 3},
    "sync": {"message": "a trial"},
    "handoff": {"paths": ["src/app.py"], "to": "bob"},
    "wait": {"seconds": 1},
    "release": {},
}


def inspect(folder: Path, era: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*map(str, folders("mcp-inspector")[::-1]), OUTSIDE.get("PATH", os.defpath)])
    server = [*own_program(), "mcp"]
    command = [
        "mcp-inspector",
        "--cli",
        *server,
        "--protocol-era",
        era,
        "--connect-timeout",
        "90000",
        *words,
    ]
    env = {**os.environ, "PATH": path}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture
def worktree(bed: Bed) -> Path:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("bob"), ["README.md"], reason="words")
    return bed.path("alice")


@ERAS
def test_every_tool_is_listed_and_answers_in_its_own_schema(worktree: Path, era: str) -> None:
    listed = inspect(worktree, era, "--strict", "--method", "tools/list")
    assert listed.returncode == 0, listed.stderr + listed.stdout
    assert {tool["name"] for tool in json.loads(listed.stdout)["tools"]} == CALLS.keys()
    for tool, arguments in CALLS.items():
        words = ("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        called = inspect(worktree, era, *words)
        assert called.returncode == 0, f"{tool}: {called.stderr}{called.stdout}"
        assert json.loads(called.stdout)["structuredContent"] is not None


@ERAS
def test_a_refusal_is_an_answer_and_a_wrong_call_an_error(worktree: Path, era: str) -> None:
    words = ("--method", "tools/call", "--tool-name", "claim", "--tool-args-json")
    refused = inspect(worktree, era, *words, '{"paths": ["README.md"]}')
    assert (refused.returncode, json.loads(refused.stdout)["structuredContent"]["granted"]) == (0, False)

    assert inspect(worktree, era, *words, '{"paths": ["../outside"]}').returncode == 5
