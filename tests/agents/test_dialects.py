"""What each command line's events say, and how each is answered. The records are of the shape that was seen by running
the programs: Claude Code 2.1, Codex 0.169, Gemini CLI 0.61, Qwen Code 0.24, and opencode 1.18 through its plugin."""

from typing import Any

import pytest

from agentroom_git.agents.dialects import AFTER, BEFORE, DIALECTS, END, PROMPT, START, STOP, patched

CWD = "/repo.agents/bob"
PATCH = """*** Begin Patch
*** Add File: src/new.py
+print("*** Add File: no.py")
*** Update File: src/old.py
*** Move to: src/moved.py
@@
-a
+b
*** Delete File: gone.py
*** End Patch
"""


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s-1", "transcript_path": "/t", "cwd": CWD, "hook_event_name": name} | fields


@pytest.mark.parametrize(
    ("client", "names"),
    [
        ("claude", "SessionStart UserPromptSubmit PreToolUse PostToolUse Stop SessionEnd"),
        ("codex", "SessionStart UserPromptSubmit PreToolUse PostToolUse Stop SessionEnd"),
        ("gemini", "SessionStart BeforeAgent BeforeTool AfterTool AfterAgent SessionEnd"),
        ("opencode", "SessionStart UserPromptSubmit PreToolUse PostToolUse Stop SessionEnd"),
        ("qwen", "SessionStart UserPromptSubmit PreToolUse PostToolUse Stop SessionEnd"),
    ],
)
def test_each_event_has_one_meaning(client: str, names: str) -> None:
    events = [DIALECTS[client].decode(record(name), CWD) for name in names.split()]

    assert [event.kind for event in events] == [START, PROMPT, BEFORE, AFTER, STOP, END]
    assert {event.session for event in events} == {"s-1"}


@pytest.mark.parametrize(
    ("client", "tool", "given", "paths"),
    [
        ("claude", "Write", {"file_path": f"{CWD}/a.py", "content": "x"}, ["a.py"]),
        ("claude", "Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"}, ["a.py"]),
        ("claude", "NotebookEdit", {"notebook_path": f"{CWD}/n.ipynb"}, ["n.ipynb"]),
        ("codex", "apply_patch", {"command": PATCH}, ["src/new.py", "src/old.py", "src/moved.py", "gone.py"]),
        ("codex", "apply_patch", {"command": "*** Update File: /elsewhere/x.py\n"}, ["/elsewhere/x.py"]),
        ("gemini", "write_file", {"file_path": f"{CWD}/a.py", "content": "x"}, ["a.py"]),
        ("gemini", "replace", {"file_path": "a.py", "old_string": "x"}, ["a.py"]),
        ("opencode", "write", {"filePath": f"{CWD}/a.py", "content": "x"}, ["a.py"]),
        ("opencode", "edit", {"filePath": "a.py"}, ["a.py"]),
        ("opencode", "apply_patch", {"patchText": PATCH}, ["src/new.py", "src/old.py", "src/moved.py", "gone.py"]),
        ("qwen", "write_file", {"file_path": f"{CWD}/a.py"}, ["a.py"]),
        ("qwen", "edit", {"file_path": "a.py"}, ["a.py"]),
        ("claude", "Read", {"file_path": "a.py"}, []),
        ("gemini", "read_file", {"file_path": "a.py"}, []),
        ("codex", "mcp__agentroom__claim", {"paths": ["a.py"]}, []),
        ("claude", "Write", {"file_path": ["a.py"]}, []),
        ("codex", "apply_patch", {"command": {"a": 1}}, []),
    ],
)
def test_what_a_tool_edits_is_told_from_its_input(
    client: str, tool: str, given: dict[str, Any], paths: list[str]
) -> None:
    event = DIALECTS[client].decode(record("PreToolUse", tool_name=tool, tool_input=given), "/")

    assert event.paths == [path if path.startswith("/") else f"{CWD}/{path}" for path in paths]


@pytest.mark.parametrize(
    ("client", "tool", "given", "command", "folder"),
    [
        ("claude", "Bash", {"command": "rm a", "description": "d"}, "rm a", CWD),
        ("codex", "Bash", {"command": "rm a", "workdir": "sub"}, "rm a", f"{CWD}/sub"),
        ("codex", "Bash", {"command": ["bash", "-lc", "rm a"]}, "rm a", CWD),
        ("codex", "Bash", {"command": ["rm", "a"]}, "rm a", CWD),
        ("gemini", "run_shell_command", {"command": "rm a", "dir_path": "/x"}, "rm a", "/x"),
        ("opencode", "bash", {"command": "rm a", "workdir": "/x"}, "rm a", "/x"),
        ("qwen", "run_shell_command", {"command": "rm a", "is_background": False}, "rm a", CWD),
        ("claude", "Bash", {"command": 7}, "", CWD),
    ],
)
def test_a_shell_command_comes_with_the_folder_it_runs_in(
    client: str, tool: str, given: dict[str, Any], command: str, folder: str
) -> None:
    event = DIALECTS[client].decode(record("PreToolUse", tool_name=tool, tool_input=given), "/")

    assert (event.command, event.folder.rstrip("/")) == (command, folder)


def test_a_patch_given_to_the_shell_edits_its_files() -> None:
    given = {"command": f"apply_patch <<'EOF'\n{PATCH}EOF"}

    event = DIALECTS["codex"].decode(record("PreToolUse", tool_name="Bash", tool_input=given), "/")

    assert event.paths == [f"{CWD}/{path}" for path in ("src/new.py", "src/old.py", "src/moved.py", "gone.py")]


def test_a_header_counts_at_the_beginning_of_a_line_only() -> None:
    assert patched("+*** Add File: a\n *** Delete File: b\n*** Update File: c\n") == ["c"]


@pytest.mark.parametrize("client", ["claude", "codex", "opencode", "qwen"])
def test_answers_in_the_words_of_claude_code(client: str) -> None:
    dialect = DIALECTS[client]
    before = dialect.decode(record("PreToolUse"), "/")
    after = dialect.decode(record("PostToolUse"), "/")

    assert dialect.tell(after, "t") == {
        "hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "t"}
    }
    assert dialect.refuse(before, "r") == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "r",
        }
    }
    assert dialect.keep_on("k") == {"decision": "block", "reason": "k"}


def test_answers_in_the_words_of_gemini() -> None:
    dialect = DIALECTS["gemini"]
    after = dialect.decode(record("AfterTool"), "/")

    assert dialect.tell(after, "t") == {"hookSpecificOutput": {"hookEventName": "AfterTool", "additionalContext": "t"}}
    assert dialect.refuse(after, "r") == {"decision": "deny", "reason": "r"}
    assert dialect.keep_on("k") == {"decision": "deny", "reason": "k"}


@pytest.mark.parametrize("client", sorted(DIALECTS))
def test_what_is_missing_or_of_another_type_counts_as_empty(client: str) -> None:
    dialect = DIALECTS[client]

    for strange in ({}, {"hook_event_name": 5, "cwd": 7, "session_id": None}, {"tool_name": "Bash", "tool_input": [1]}):
        event = dialect.decode(strange, "/here")
        assert (event.kind, event.cwd, event.session, event.paths, event.command) == ("", "/here", "", [], "")


def test_a_stop_hook_at_work_and_a_session_that_only_begins_again_are_told() -> None:
    dialect = DIALECTS["claude"]

    assert dialect.decode(record("Stop", stop_hook_active=True), "/").is_again
    assert not dialect.decode(record("Stop", stop_hook_active=False), "/").is_again
    assert dialect.decode(record("SessionEnd", reason="clear"), "/").goes_on
    assert not dialect.decode(record("SessionEnd", reason="other"), "/").goes_on


@pytest.mark.parametrize(
    ("client", "tool", "given", "is_whole"),
    [
        ("claude", "Read", {"file_path": "a.py"}, True),
        ("claude", "Read", {"file_path": "a.py", "offset": 10, "limit": 5}, False),
        ("gemini", "read_file", {"absolute_path": f"{CWD}/a.py"}, True),
        ("gemini", "read_file", {"file_path": "a.py", "start_line": 3}, False),
        ("opencode", "read", {"filePath": f"{CWD}/a.py"}, True),
        ("qwen", "read_file", {"absolute_path": f"{CWD}/a.py", "limit": 5}, False),
    ],
)
def test_which_file_was_read_and_whether_all_of_it(
    client: str, tool: str, given: dict[str, Any], is_whole: bool
) -> None:
    event = DIALECTS[client].decode(record("PostToolUse", tool_name=tool, tool_input=given), CWD)

    assert (event.shown, event.is_whole, event.paths) == (f"{CWD}/a.py", is_whole, [])


def test_a_long_file_that_was_cut_is_not_read_as_a_whole() -> None:
    cut = {"type": "text", "file": {"filePath": f"{CWD}/a.py", "numLines": 2000, "startLine": 1, "totalLines": 3000}}
    said = record("PostToolUse", tool_name="Read", tool_input={"file_path": "a.py"}, tool_response=cut)

    assert not DIALECTS["claude"].decode(said, CWD).is_whole


@pytest.mark.parametrize(
    ("client", "tool", "is_whole"),
    [
        ("claude", "Write", True),
        ("claude", "Edit", False),
        ("gemini", "write_file", True),
        ("gemini", "replace", False),
        ("opencode", "write", True),
        ("opencode", "edit", False),
        ("qwen", "write_file", True),
    ],
)
def test_which_tools_write_a_file_as_a_whole(client: str, tool: str, is_whole: bool) -> None:
    given = {"file_path": "a.py", "content": "x"}

    event = DIALECTS[client].decode(record("PostToolUse", tool_name=tool, tool_input=given), CWD)

    assert (event.is_whole, event.shown) == (is_whole, "")
