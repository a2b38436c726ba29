"""`agentroom init --client`: the project's files get what is ours, and give it back."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agentroom_git.agents.project_files import FILES
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]
THEIRS = {
    ".mcp.json": '{\n    "mcpServers": {\n        "mine": {"command": "mine"}\n    }\n}\n',
    ".claude/settings.json": (
        '{"model": "opus", "permissions": {"allow": ["Bash(make test)"]},\n'
        ' "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}}\n'
    ),
    ".codex/config.toml": '# mine\nmodel = "best"\n\n[mcp_servers.mine]\ncommand = "mine" # stays\n',
    ".gemini/settings.json": '{\n\t"theme": "dark"\n}\n',
    "opencode.json": '{\n  // my model\n  "model": "mine/best"\n}\n',
    ".vscode/mcp.json": '{\n  "inputs": [],\n  "servers": {},\n}\n',
}


def agentroom(bed: Bed, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=bed.repository, capture_output=True, text=True, timeout=110)


def files(bed: Bed) -> dict[str, str]:
    paths = {file.path for known in FILES.values() for file in known}
    return {path: (bed.repository / path).read_text() for path in paths if (bed.repository / path).exists()}


def put_theirs(bed: Bed) -> None:
    for path, text in THEIRS.items():
        (bed.repository / path).parent.mkdir(exist_ok=True)
        (bed.repository / path).write_text(text)


ALL = [word for name in FILES for word in ("--client", name)]


def test_every_client_gets_the_server_and_what_was_there_stays(bed: Bed) -> None:
    put_theirs(bed)

    assert agentroom(bed, "init", *ALL).returncode == 0

    found = files(bed)
    assert json.loads(found[".mcp.json"])["mcpServers"].keys() == {"mine", "agentroom"}
    claude = json.loads(found[".claude/settings.json"])
    assert claude["permissions"]["allow"] == ["Bash(make test)", "mcp__agentroom"]
    assert [entry["hooks"][0]["command"] for entry in claude["hooks"]["Stop"]] == ["say done", "agentroom hook claude"]
    codex = tomllib.loads(found[".codex/config.toml"])
    assert codex["mcp_servers"]["agentroom"]["required"] is True
    assert found[".codex/config.toml"].startswith(THEIRS[".codex/config.toml"])
    assert "// my model" in found["opencode.json"]
    assert "agentroom hook gemini" in found[".gemini/settings.json"]
    assert set(found) == {file.path for known in FILES.values() for file in known}


def test_twice_is_once(bed: Bed) -> None:
    put_theirs(bed)
    agentroom(bed, "init", *ALL)
    before = files(bed)

    again = agentroom(bed, "init", *ALL)

    assert files(bed) == before
    assert not [line for line in again.stdout.splitlines() if line.startswith("+")]


@pytest.mark.parametrize("words", [("init", *ALL, "--remove"), ("uninstall",)])
def test_it_is_taken_out_again_and_nothing_else(bed: Bed, words: tuple[str, ...]) -> None:
    put_theirs(bed)
    agentroom(bed, "init", *ALL)

    assert agentroom(bed, *words).returncode == 0

    left = files(bed)
    assert set(left) == set(THEIRS)
    for path in (".mcp.json", ".codex/config.toml", ".gemini/settings.json", "opencode.json"):
        assert left[path] == THEIRS[path]
    assert json.loads(left[".claude/settings.json"]) == json.loads(THEIRS[".claude/settings.json"])


class TestBadInput:
    def refused(self, bed: Bed, *words: str) -> tuple[int, str]:
        done = agentroom(bed, "init", *words)
        return done.returncode, done.stderr.splitlines()[0]

    def test_a_client_that_is_not_known(self, bed: Bed) -> None:
        assert self.refused(bed, "--client", "emacs") == (2, "agentroom: no client is called 'emacs'")

    def test_a_file_that_is_no_json_is_left_as_it_is(self, bed: Bed) -> None:
        (bed.repository / ".mcp.json").write_text("{oops\n")

        assert self.refused(bed, "--client", "claude") == (2, "agentroom: .mcp.json: it is not JSON: line 1")
        assert files(bed) == {".mcp.json": "{oops\n"}

    def test_a_server_of_that_name_of_the_users_own(self, bed: Bed) -> None:
        (bed.repository / ".codex").mkdir()
        (bed.repository / ".codex/config.toml").write_text('[mcp_servers.agentroom]\ncommand = "x"\n')
        code, line = self.refused(bed, "--client", "codex")

        assert code == 2
        assert line.startswith(
            "agentroom: .codex/config.toml: it is not TOML, or has [mcp_servers.agentroom] of its own"
        )

    def test_nothing_is_written_through_a_link(self, bed: Bed, tmp_path: Path) -> None:
        (bed.repository / ".claude").symlink_to(tmp_path)

        assert self.refused(bed, "--client", "claude")[0] == 2
        assert not (tmp_path / "settings.json").exists()

    def test_removing_nothing_in_particular(self, bed: Bed) -> None:
        assert self.refused(bed, "--remove") == (2, "agentroom: --remove takes out what --client put in")
