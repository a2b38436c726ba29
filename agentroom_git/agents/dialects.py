"""How each agent's command line tells its hook what happens, and how it wants to be answered.

A dialect turns an event's record into an `Event` and an answer into a record, and nothing else. What each command line
really sends and heeds was found by running it (docs/enforcement.md has the table).

Imports next to nothing on purpose: a hook runs before and after every tool of an agent.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What happens, in the room's terms.
START, PROMPT, BEFORE, AFTER, STOP, END = "start", "prompt", "before", "after", "stop", "end"

_PATH_FIELDS = ("file_path", "notebook_path", "filePath", "absolute_path", "path")
_PATCH_FIELDS = ("command", "patchText", "patch", "input")
_FOLDER_FIELDS = ("workdir", "dir_path", "directory")
_PART_FIELDS = ("offset", "limit", "start_line", "end_line", "pages")
_PATCH_HEADERS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")
_GOES_ON = frozenset({"clear", "resume", "compact"})
"""Reasons for which a session ends only to begin again."""


class Event:
    """One event. `paths` are the files that the tool edits, absolute; `command` is the shell's, run in `folder`.

    `tool` is `Edit` or `Bash` for one that edits files or runs a command, else its own name.

    `shown` is the file that the tool read, absolute; `is_whole`: it read all of it, or wrote the file as a whole.

    `is_again`: the agent goes on only because a stop hook wanted it to; `goes_on`: a session that ends begins again.
    """

    __slots__ = (
        "command", "cwd", "folder", "goes_on", "is_again", "is_whole", "kind", "name", "paths", "session", "shown",
        "tool",
    )  # fmt: skip

    def __init__(self, kind: str, name: str, cwd: str, session: str) -> None:
        self.kind = kind
        self.name = name
        self.cwd = cwd
        self.folder = cwd
        self.session = session
        self.paths: list[str] = []
        self.command = ""
        self.tool = ""
        self.shown = ""
        self.is_whole = False
        self.is_again = False
        self.goes_on = False


class Dialect:
    """One command line's way of speaking.

    `kinds` maps its names of events; `edits`, `patches` and `shells` are its tools that name a file, carry a patch, and
    run a command; `reads` those that show a file, `wholes` those of `edits` that write one anew. `tells_before`: what
    is said before a tool reaches the agent; where it does not, it is said after.
    """

    __slots__ = ("edits", "is_flat", "kinds", "patches", "reads", "shells", "tells_before", "wholes")

    def __init__(  # noqa: PLR0913 - a dialect has this many parts
        self,
        kinds: dict[str, str],
        *,
        edits: frozenset[str],
        patches: frozenset[str] = frozenset(),
        shells: frozenset[str],
        reads: frozenset[str] = frozenset(),
        wholes: frozenset[str] = frozenset(),
        tells_before: bool = True,
        is_flat: bool = False,
    ) -> None:
        self.kinds = kinds
        self.edits = edits
        self.patches = patches
        self.shells = shells
        self.reads = reads
        self.wholes = wholes
        self.tells_before = tells_before
        self.is_flat = is_flat

    def decode(self, record: "dict[str, Any]", cwd: str) -> Event:
        """Return the event in this record; what is missing or of another type counts as empty."""
        name = _text(record.get("hook_event_name"))
        event = Event(self.kinds.get(name, ""), name, _text(record.get("cwd")) or cwd, _text(record.get("session_id")))
        event.is_again = record.get("stop_hook_active") is True
        event.goes_on = record.get("reason") in _GOES_ON
        tool, given = _text(record.get("tool_name")), record.get("tool_input")
        event.tool = "Bash" if tool in self.shells else "Edit" if tool in self.edits | self.patches else tool
        if not isinstance(given, dict):
            return event
        if tool in self.reads:
            event.shown = os.path.join(event.cwd, _first(given, _PATH_FIELDS))
            event.is_whole = _shows_all(given, record.get("tool_response"))
        if tool in self.edits:
            found = [_first(given, _PATH_FIELDS)]
            event.is_whole = tool in self.wholes
        elif tool in self.patches:
            found = patched(_first(given, _PATCH_FIELDS))
        elif tool in self.shells:
            event.command = _command(given.get("command"))
            event.folder = os.path.join(event.cwd, _first(given, _FOLDER_FIELDS))
            found = patched(event.command) if "*** Begin Patch" in event.command else []
        else:
            found = []
        event.paths = [os.path.join(event.folder, path) for path in found if path]
        return event

    def tell(self, event: Event, text: str) -> "dict[str, Any]":
        """Return the answer that lets the agent go on and tells it something."""
        return {"hookSpecificOutput": {"hookEventName": event.name, "additionalContext": text}}

    def refuse(self, event: Event, reason: str) -> "dict[str, Any]":
        """Return the answer that keeps a tool from running."""
        if self.is_flat:
            return {"decision": "deny", "reason": reason}
        decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        return {"hookSpecificOutput": {"hookEventName": event.name, **decision}}

    def keep_on(self, reason: str) -> "dict[str, Any]":
        """Return the answer to an agent about to stop that makes it go on."""
        return {"decision": "deny" if self.is_flat else "block", "reason": reason}


def patched(text: str) -> list[str]:
    """Return the files that a patch in the form of `apply_patch` adds, updates, deletes or moves to."""
    found = [line[len(head) :].strip() for line in text.split("\n") for head in _PATCH_HEADERS if line.startswith(head)]
    return list(dict.fromkeys(found))


def _shows_all(given: "dict[str, Any]", answer: object) -> bool:
    """Return whether a tool showed the whole file, as far as it says; Claude Code cuts long ones, and tells."""
    if any(given.get(field) for field in _PART_FIELDS):
        return False
    file = answer.get("file") if isinstance(answer, dict) else None
    shown, total = (file.get("numLines"), file.get("totalLines")) if isinstance(file, dict) else (None, None)
    return not (isinstance(shown, int) and isinstance(total, int) and shown < total)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first(given: "dict[str, Any]", fields: tuple[str, ...]) -> str:
    return next((given[field] for field in fields if isinstance(given.get(field), str)), "")


def _command(value: object) -> str:
    """Return a command line; one that is given as words is the script of `sh -c` or the words themselves."""
    if isinstance(value, list):
        words = [word for word in value if isinstance(word, str)]
        return words[2] if len(words) == 3 and words[1] in ("-c", "-lc") else " ".join(words)
    return _text(value)


_CLAUDE_KINDS = {
    "SessionStart": START,
    "UserPromptSubmit": PROMPT,
    "PreToolUse": BEFORE,
    "PostToolUse": AFTER,
    "Stop": STOP,
    "SessionEnd": END,
}
_CLAUDE_EDITS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})

_CLAUDE_READS, _CLAUDE_WHOLES = frozenset({"Read"}), frozenset({"Write"})

DIALECTS = {
    "claude": Dialect(
        _CLAUDE_KINDS, edits=_CLAUDE_EDITS, shells=frozenset({"Bash"}), reads=_CLAUDE_READS, wholes=_CLAUDE_WHOLES
    ),
    "codex": Dialect(
        _CLAUDE_KINDS,
        edits=_CLAUDE_EDITS,
        patches=frozenset({"apply_patch"}),
        shells=frozenset({"Bash", "shell"}),
        reads=_CLAUDE_READS,
        wholes=_CLAUDE_WHOLES,
    ),
    "gemini": Dialect(
        {
            "SessionStart": START,
            "BeforeAgent": PROMPT,
            "BeforeTool": BEFORE,
            "AfterTool": AFTER,
            "AfterAgent": STOP,
            "SessionEnd": END,
        },
        edits=frozenset({"write_file", "replace"}),
        shells=frozenset({"run_shell_command"}),
        reads=frozenset({"read_file"}),
        wholes=frozenset({"write_file"}),
        tells_before=False,
        is_flat=True,
    ),
    # opencode has no hook command of its own: templates/opencode/agentroom.js speaks for it, in Claude Code's words.
    "opencode": Dialect(
        _CLAUDE_KINDS,
        edits=frozenset({"edit", "write", "multiedit"}),
        patches=frozenset({"apply_patch", "patch"}),
        shells=frozenset({"bash"}),
        reads=frozenset({"read"}),
        wholes=frozenset({"write"}),
    ),
    "qwen": Dialect(
        _CLAUDE_KINDS,
        edits=_CLAUDE_EDITS | {"write_file", "edit", "replace", "notebook_edit"},
        shells=frozenset({"Bash", "run_shell_command"}),
        reads=_CLAUDE_READS | {"read_file"},
        wholes=_CLAUDE_WHOLES | {"write_file"},
    ),
}
