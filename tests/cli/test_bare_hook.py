"""The hook as `agentroom run` gives it: started bare, it finds the package and, when it has to, its libraries."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import agentroom_git
from agentroom_git.resources import hooks_dir
from agentroom_git.room import coordination
from agentroom_git.system.process import own_hook_command
from rooms import Bed


@pytest.fixture(params=["a checkout", "an installed package"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    if request.param == "a checkout":
        return own_hook_command()
    package = tmp_path / "site" / "agentroom_git"
    shutil.copytree(Path(agentroom_git.__file__).parent, package, ignore=shutil.ignore_patterns("hooks", "templates"))
    shutil.copytree(hooks_dir(), package / "resources" / "hooks")
    return [sys.executable, "-S", str(package / "resources" / "hooks" / "agent.py")]


def test_it_answers_what_needs_the_repository(bed: Bed, command: list[str]) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"])
    (bed.repository / ".agentroom.yaml").write_text("enforce: refuse\n")
    event = {
        "hook_event_name": "PreToolUse",
        "cwd": str(bed.path("bob")),
        "tool_name": "Edit",
        "tool_input": {"file_path": "src/app.py"},
    }
    done = subprocess.run(
        [*command, "claude"], cwd=bed.path("bob"), input=json.dumps(event), capture_output=True, text=True, timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_it_says_which_clients_it_knows(tmp_path: Path, command: list[str]) -> None:
    done = subprocess.run([*command, "emacs"], cwd=tmp_path, capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stderr[:31]) == (1, "agentroom: hook takes one of: c")
