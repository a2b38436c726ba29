"""What the doctor says of clients that are started without `agentroom run`, with programs that stand in for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.agents import loading
from agentroom_git.room.doctor import Finding
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def put(programs: Path, name: str, says: str, version: str = "99.0.0") -> None:
    lines = f"case $1 in --version) echo {version};; *) echo '{says}';; esac"
    (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
    (programs / name).chmod(0o755)


def findings(bed: Bed) -> dict[str, Finding]:
    """Return what is found, by the words that it begins with."""
    return {" ".join(one.text.split()[:2]): one for one in loading.examine_clients(bed.room(), bed.repository)}


def set_up(bed: Bed, *clients: str) -> None:
    words = [word for name in clients for word in ("--client", name)]
    subprocess.run([*COMMAND, "init", *words], cwd=bed.repository, check=True, capture_output=True, timeout=60)


def test_a_client_without_project_files_is_started_by_run(bed: Bed, programs: Path) -> None:
    put(programs, "gemini", "")

    assert findings(bed)["Gemini CLI"] == Finding(
        "ok", "Gemini CLI 99.0.0 is started by: agentroom run NAME --cli gemini"
    )


@pytest.mark.parametrize(
    ("says", "level"),
    [
        ("agentroom: agentroom mcp - ✔ Connected", "ok"),
        ("agentroom: agentroom mcp - ⏸ Pending approval", "problem"),
        ("✗ agentroom: agentroom mcp - Disconnected", "problem"),
        ("No servers", "problem"),
    ],
)
def test_the_client_itself_says_whether_it_loads_the_server(bed: Bed, programs: Path, says: str, level: str) -> None:
    put(programs, "claude", says)
    set_up(bed, "claude")
    found = [one for one in loading.examine_clients(bed.room(), bed.repository) if "the server" in one.text]

    assert [one.level for one in found] == [level]
    assert bool(found[0].remedy) is (level == "problem")


def test_hooks_that_codex_would_skip_are_told(bed: Bed, programs: Path) -> None:
    put(programs, "codex", "agentroom  agentroom  mcp  -  enabled")
    set_up(bed, "codex")
    texts = {one.text: one.level for one in loading.examine_clients(bed.room(), bed.repository)}

    assert texts["Codex runs the room's hooks only once you have reviewed them"] == "notice"
    assert texts["Codex 99.0.0 loads the server here"] == "ok"


def test_a_client_that_is_too_old_is_a_problem_with_its_remedy(bed: Bed, programs: Path) -> None:
    put(programs, "codex", "", version="0.1.0")

    found = findings(bed)["Codex 0.1.0"]
    assert (found.level, found.remedy) == ("problem", "npm install -g @openai/codex")


def test_the_hook_is_run_once(bed: Bed, programs: Path) -> None:
    put(programs, "codex", "")

    assert findings(bed)["the hook"] == Finding("ok", "the hook that clients call runs")


def test_where_no_client_is_installed_nothing_is_said(bed: Bed, programs: Path) -> None:
    assert findings(bed) == {}
