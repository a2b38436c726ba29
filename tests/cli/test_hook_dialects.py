"""`agentroom hook CLIENT` for every client: each room behaviour in each dialect, in this process."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.cli import hook
from agentroom_git.room import coordination, messages, tasks
from agentroom_git.room.assignment import assign
from rooms import Bed

CLAUDE = {"before": "PreToolUse", "after": "PostToolUse", "stop": "Stop"}
NAMES = {
    "claude": CLAUDE,
    "codex": CLAUDE,
    "gemini": {"before": "BeforeTool", "after": "AfterTool", "stop": "AfterAgent"},
    "opencode": CLAUDE,
    "qwen": CLAUDE,
}
EDITS: dict[str, tuple[str, Callable[[str], dict[str, str]]]] = {
    "claude": ("Write", lambda path: {"file_path": path, "content": "x"}),
    "codex": ("apply_patch", lambda path: {"command": f"*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n"}),
    "gemini": ("write_file", lambda path: {"file_path": path, "content": "x"}),
    "opencode": ("write", lambda path: {"filePath": path, "content": "x"}),
    "qwen": ("write_file", lambda path: {"file_path": path, "content": "x"}),
}
SHELLS = {
    "claude": "Bash",
    "codex": "Bash",
    "gemini": "run_shell_command",
    "opencode": "bash",
    "qwen": "run_shell_command",
}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(params=sorted(NAMES))
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    def send(client: str, cwd: Path, name: str, **fields: Any) -> dict[str, Any]:
        event = {"hook_event_name": NAMES[client].get(name, name), "cwd": str(cwd), "session_id": "s"} | fields
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(event).encode())))
        capsys.readouterr()
        assert hook.main([client]) == 0
        out = capsys.readouterr().out
        return json.loads(out) if out else {}

    return send


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"], reason="posting rules")
    return bed


def edit(ask: Ask, client: str, bed: Bed, when: str, path: str = "src/app.py") -> dict[str, Any]:
    tool, given = EDITS[client]
    return ask(client, bed.path("bob"), when, tool_name=tool, tool_input=given(path))


def text_of(answer: dict[str, Any]) -> str:
    return str(answer.get("hookSpecificOutput", {}).get("additionalContext", ""))


def failures(bed: Bed) -> str:
    log = bed.repository / ".git/agentroom/main/hook/failed-open.log"
    return log.read_text() if log.exists() else ""


def test_at_refuse_an_edit_of_what_another_holds_is_denied(room: Bed, ask: Ask, client: str) -> None:
    (room.repository / ".agentroom.yaml").write_text("enforce: refuse\n")

    denied = edit(ask, client, room, "before")
    shell = ask(
        client, room.path("bob"), "before", tool_name=SHELLS[client], tool_input={"command": "echo x > src/app.py"}
    )

    for answer in (denied, shell):
        reason = answer.get("reason") or answer["hookSpecificOutput"]["permissionDecisionReason"]
        assert 'src/app.py is claimed by alice, their reason, quoted: "posting rules"' in reason
    assert edit(ask, client, room, "before", "README.md") == {}


def test_at_warn_the_editor_is_told_where_its_client_listens(room: Bed, ask: Ask, client: str) -> None:
    before = text_of(edit(ask, client, room, "before"))
    after = text_of(edit(ask, client, room, "after"))

    heard, unheard = (after, before) if client == "gemini" else (before, after)
    assert "src/app.py is claimed by alice" in heard
    assert unheard == ""


def test_unread_messages_come_once_after_a_tool(room: Bed, ask: Ask, client: str) -> None:
    messages.broadcast(room.as_agent("alice"), "rounding changed", topic="t")

    assert 'alice [t]: "rounding changed"' in text_of(ask(client, room.path("bob"), "after", tool_name="x"))
    assert ask(client, room.path("bob"), "after", tool_name="x") == {}
    assert failures(room) == ""


def test_an_agent_about_to_stop_is_kept_going_twice_and_then_let_go(room: Bed, ask: Ask, client: str) -> None:
    answers = [ask(client, room.path("alice"), "stop", stop_hook_active=again) for again in (False, True, True)]

    word = "deny" if client == "gemini" else "block"
    assert [answer.get("decision", "") for answer in answers] == [word, word, ""]
    assert "you still hold src" in answers[0]["reason"]


def test_a_hook_that_comes_after_its_command_ended_does_nothing(
    room: Bed, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTROOM_AGENT", "alice")
    room.write("alice", {"README.md": "edited\n"})

    assert ask("claude", room.path("alice"), "stop") == {}

    assert room.git("show", "HEAD:README.md", cwd=room.path("alice")) != "edited\n"


def test_at_a_stop_the_turns_edits_are_saved_before_anything_is_asked(room: Bed, ask: Ask) -> None:
    room.write("bob", {"README.md": "edited\n"})

    assert ask("claude", room.path("bob"), "stop") == {}

    assert room.git("show", "HEAD:README.md", cwd=room.path("bob")) == "edited\n"


def test_a_session_begins_with_the_state_in_at_most_1500_bytes(room: Bed, ask: Ask, client: str) -> None:
    bob, alice = room.as_agent("bob"), room.as_agent("alice")
    assign(bob, "statements and export")
    tasks.add(alice, "free work " + "x" * 180)
    for number in range(8):
        coordination.claim(alice, [f"lib{number}"], reason="r" * 200)
        messages.broadcast(alice, f"{number} " + "\u00e9" * 400)

    text = text_of(ask(client, room.path("bob"), "SessionStart", source="startup"))

    assert text.startswith("[agentroom]\nYou are bob in room main.\nYour task ")
    assert "Call status, then claim(paths, reason) before you edit a file" in text
    assert "more wait: call read." in text
    assert len(text.encode()) <= 1500


def test_the_state_names_who_holds_what_and_which_tasks_are_open(room: Bed, ask: Ask) -> None:
    tasks.add(room.as_agent("alice"), "export as CSV")

    text = text_of(ask("claude", room.path("bob"), "SessionStart"))

    assert 'alice holds src: "posting rules"' in text
    assert '"export as CSV"' in text
    assert "Also here: alice." in text


def test_who_lost_a_claim_is_told_once_after_a_tool(room: Bed, ask: Ask) -> None:
    coordination.auto_claim(room.as_agent("bob"), "README.md")
    coordination.claim(room.as_agent("alice"), ["README.md"])

    assert "You lost README.md: alice took it over." in text_of(ask("codex", room.path("bob"), "after", tool_name="x"))
    assert ask("codex", room.path("bob"), "after", tool_name="x") == {}


def test_a_session_that_ends_gives_claims_back_and_one_that_begins_again_does_not(room: Bed, ask: Ask) -> None:
    ask("claude", room.path("alice"), "SessionEnd", reason="clear")
    assert len(coordination.live_claims(room.room())) == 1
    ask("claude", room.path("alice"), "SessionEnd", reason="other")
    assert coordination.live_claims(room.room()) == []


def test_where_the_session_was_started_counts_more_than_where_it_is(
    room: Bed, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.broadcast(room.as_agent("alice"), "for bob", to="bob")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(room.path("bob")))

    assert '"for bob"' in text_of(ask("claude", room.path("alice"), "after", tool_name="x"))


@pytest.mark.parametrize("name", ["Notification", "PreCompact", "SubagentStop", ""])
def test_an_event_that_nothing_is_known_of_is_answered_with_nothing(room: Bed, ask: Ask, name: str) -> None:
    messages.broadcast(room.as_agent("alice"), "hello")

    assert ask("claude", room.path("bob"), name) == {}
    assert failures(room) == ""
