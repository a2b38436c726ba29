"""While a tool of an agent's runs, its worktree is left alone, and never for ever."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.room import coordination, toolmark
from agentroom_git.room.sync_waits import Waiting
from agentroom_git.room.syncing import Synced, SyncResult, sync_room
from rooms import Bed

HOOK = [sys.executable, "-m", "agentroom_git", "hook", "claude"]


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    return bed


def tell(bed: Bed, name: str, event: str, **fields: Any) -> None:
    text = json.dumps({"hook_event_name": event, "cwd": str(bed.path(name))} | fields)
    subprocess.run(HOOK, cwd=bed.path(name), input=text, text=True, capture_output=True, timeout=60, check=True)


def begin(bed: Bed, name: str, tool: str = "Bash") -> None:
    tell(bed, name, "PreToolUse", tool_name=tool, tool_input={"command": "make test"})


def git_dir(bed: Bed, name: str) -> str:
    return str(bed.room().worktrees()[bed.room(bed.path(name)).agent()].git_dir)


def send(bed: Bed, path: str) -> None:
    """Let alice's work be on integration, and not in bob's worktree."""
    bed.commit("alice", {path: "x\n"})
    bed.fold()


def sync_bob(bed: Bed, *, asked: bool = False) -> SyncResult:
    return next(found for found in sync_room(bed.room(), ["bob"], asked=asked) if found.agent == "bob")


def test_a_worktree_is_synced_between_two_tools_and_not_during_one(room: Bed) -> None:
    send(room, "a.txt")
    begin(room, "bob")

    waiting = sync_bob(room)
    assert isinstance(waiting, Waiting)
    assert (waiting.reason, waiting.is_passing) == ("tool", True)
    assert not (room.path("bob") / "a.txt").exists()

    tell(room, "bob", "PostToolUse", tool_name="Bash", tool_input={"command": "make test"})
    assert isinstance(sync_bob(room), Synced)


@pytest.mark.parametrize("event", ["Stop", "UserPromptSubmit", "SessionStart", "SessionEnd"])
def test_any_other_event_of_the_agents_ends_the_mark(room: Bed, event: str) -> None:
    begin(room, "bob")
    assert toolmark.is_running(git_dir(room, "bob"))

    tell(room, "bob", event)

    assert not toolmark.is_running(git_dir(room, "bob"))


def test_the_agents_own_sync_is_done_all_the_same(room: Bed) -> None:
    send(room, "a.txt")
    begin(room, "bob")

    assert isinstance(sync_bob(room, asked=True), Synced)


def test_with_live_a_running_tool_keeps_nothing_out(room: Bed) -> None:
    (room.repository / ".agentroom.yaml").write_text("sync: live\n")
    send(room, "a.txt")
    begin(room, "bob")

    assert isinstance(sync_bob(room), Synced)


def test_another_agents_tool_is_no_hindrance(room: Bed) -> None:
    send(room, "a.txt")
    begin(room, "alice")

    assert isinstance(sync_bob(room), Synced)


def test_a_tool_that_only_reads_or_waits_leaves_no_mark(room: Bed) -> None:
    for tool in ("Read", "Grep", "Task", "mcp__agentroom__wait"):
        begin(room, "bob", tool)
        assert not toolmark.is_running(git_dir(room, "bob"))


def test_a_denied_edit_leaves_no_mark(room: Bed) -> None:
    (room.repository / ".agentroom.yaml").write_text("enforce: refuse\n")
    coordination.claim(room.as_agent("alice"), ["src"], reason="mine")

    tell(room, "bob", "PreToolUse", tool_name="Edit", tool_input={"file_path": str(room.path("bob") / "src/app.py")})

    assert not toolmark.is_running(git_dir(room, "bob"))


@contextmanager
def hooked_by_a_process_of_its_own(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A client that lives on after its hook, which it calls through a shell, has set the mark."""
    program = (
        "import subprocess, sys\n"
        'hook = \'from agentroom_git.room import toolmark; toolmark.follow(sys.argv[1], "PreToolUse", "Bash")\'\n'
        "command = f'\"{sys.executable}\" -c \\'import sys; {hook}\\' \"$0\"; true'\n"
        "subprocess.run(['sh', '-c', command, sys.argv[1]], check=True)\n"
        "print('set', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "set\n"
        yield client


def test_a_mark_belongs_to_the_client_and_not_to_the_shell_that_called_the_hook(tmp_path: Path) -> None:
    with hooked_by_a_process_of_its_own(tmp_path) as client:
        assert (tmp_path / toolmark.NAME).read_text().split()[0] == str(client.pid)
        assert toolmark.is_running(str(tmp_path))
        client.kill()
        client.wait()
        assert not toolmark.is_running(str(tmp_path))


@pytest.mark.parametrize("tool", ["Edit", "Bash"])
def test_a_mark_counts_no_longer_than_its_tool_may_take(
    tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolmark, "_SHELLS", frozenset())  # whatever started the tests
    toolmark.follow(str(tmp_path), "PreToolUse", tool)
    assert toolmark.is_running(str(tmp_path))
    longest = toolmark.LONGEST_SECONDS.get(tool, toolmark.OTHERS_SECONDS)
    later = toolmark.now() + longest + 1

    monkeypatch.setattr(toolmark, "now", lambda: later)

    assert not toolmark.is_running(str(tmp_path))


@pytest.mark.parametrize("text", ["", "x", "1 2", "\0", "PID 1e308", "PID nan", "1@x inf"])
def test_a_damaged_mark_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / toolmark.NAME).write_text(text.replace("PID", str(os.getpid())))

    assert not toolmark.is_running(str(tmp_path))
