"""The project's own files for clients that somebody starts without `agentroom run`: written, and taken out again.

Only what is ours is put into a file or taken out of it; everything else keeps its place, comments and layout. Commands
are named without a path, so that the files can be committed.
"""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agentroom_git.agents import codex, gemini, opencode, qwen
from agentroom_git.agents.client import START_SECONDS, TOOL_SECONDS
from agentroom_git.agents.events import EVENTS, hook_table
from agentroom_git.core import json_text, marked_block
from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.resources import templates_dir
from agentroom_git.room.opening import Change
from agentroom_git.room.room import Room
from agentroom_git.system.files import replace_text
from agentroom_git.system.process import git

PROGRAM = ("agentroom",)
Edit = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file of the checkout: `fill` puts ours into its text, `clear` takes it out; both may be repeated."""

    path: str
    fill: Edit
    clear: Edit


def _members(path: str, *members: tuple[tuple[str, ...], object]) -> ProjectFile:
    """A JSON file that has these members, each named by its path."""

    def fill(text: str) -> str:
        for keys, value in members:
            text = json_text.put(text, keys, value)
        return text

    def clear(text: str) -> str:
        for keys, _ in members:
            text = json_text.take(text, keys)
        return text

    return ProjectFile(path, fill, clear)


def _items(path: str, *items: tuple[tuple[str, ...], object]) -> ProjectFile:
    """A JSON file that has these items in lists, each named by its path."""

    def fill(text: str) -> str:
        for keys, item in items:
            text = json_text.add(text, keys, item)
        return text

    def clear(text: str) -> str:
        for keys, item in items:
            text = json_text.take_items(text, keys, partial(_is_same, item))
        return text

    return ProjectFile(path, fill, clear)


def _is_same(ours: object, found: Any) -> bool:
    """Return whether it is our item, also as an earlier version wrote it: a hook is known by its command."""
    return found == ours or (isinstance(ours, dict) and bool(_commands(ours)) and _commands(found) == _commands(ours))


def _commands(entry: Any) -> list[object]:
    handlers = entry.get("hooks") if isinstance(entry, dict) else None
    return [one.get("command") for one in handlers or [] if isinstance(one, dict)]


def _both(first: ProjectFile, second: ProjectFile) -> ProjectFile:
    def fill(text: str) -> str:
        return second.fill(first.fill(text))

    def clear(text: str) -> str:
        return second.clear(first.clear(text))

    return ProjectFile(first.path, fill, clear)


def _hooks(path: str, table: dict[str, list[dict[str, object]]]) -> ProjectFile:
    return _items(path, *((("hooks", event), entry) for event, entries in table.items() for entry in entries))


def _block(path: str, lines: Sequence[str]) -> ProjectFile:
    """A TOML file with a table of ours at its end."""

    def fill(text: str) -> str:
        changed = marked_block.put(text, lines)
        try:
            tomllib.loads(changed)
        except tomllib.TOMLDecodeError as error:
            told = f"it is not TOML, or has {lines[0]} of its own: {error}"
            raise UsageError(one_line(told, 200), hint="correct it by hand") from error
        return changed

    return ProjectFile(path, fill, marked_block.take)


def _whole(path: str, template: str) -> ProjectFile:
    """A file that is ours alone."""

    def fill(text: str) -> str:
        ours = (templates_dir() / template).read_text("utf-8")
        if text.strip() and "agentroom" not in text:
            raise UsageError(f"{path} is there and is not ours", hint="move it away")
        return ours

    return ProjectFile(path, fill, lambda text: "" if "agentroom" in text else text)


def _server(*keys: str, **more: object) -> tuple[tuple[str, ...], object]:
    return (*keys, "agentroom"), {"command": "agentroom", "args": ["mcp"], **more}


def _codex_lines() -> list[str]:
    settings = {
        "command": "agentroom",
        "args": ["mcp"],
        "required": True,
        "startup_timeout_sec": START_SECONDS,
        "tool_timeout_sec": TOOL_SECONDS,
        "default_tools_approval_mode": "approve",
    }
    return ["[mcp_servers.agentroom]", *(f"{key} = {codex.toml(value)}" for key, value in settings.items())]


_CLAUDE_LISTS = _items(
    ".claude/settings.json",
    (("enabledMcpjsonServers",), "agentroom"),
    (("permissions", "allow"), "mcp__agentroom"),
)
FILES: dict[str, tuple[ProjectFile, ...]] = {
    "claude": (
        _members(".mcp.json", _server("mcpServers", type="stdio", alwaysLoad=True)),
        _both(_CLAUDE_LISTS, _hooks(".claude/settings.json", hook_table(EVENTS, "agentroom hook claude"))),
    ),
    "codex": (
        _block(".codex/config.toml", _codex_lines()),
        _hooks(".codex/hooks.json", hook_table(EVENTS, "agentroom hook codex")),
    ),
    "gemini": (
        _both(
            _members(gemini.SETTINGS.as_posix(), (("mcpServers", "agentroom"), gemini.server_of(PROGRAM))),
            _hooks(gemini.SETTINGS.as_posix(), gemini.hooks_of("agentroom hook gemini")),
        ),
    ),
    "opencode": (
        _members("opencode.json", (("mcp", "agentroom"), opencode.server_of(PROGRAM))),
        _whole(".opencode/plugin/agentroom.js", opencode.PLUGIN),
    ),
    "qwen": (
        _both(
            _members(".qwen/settings.json", (("mcpServers", "agentroom"), qwen.server_of(PROGRAM))),
            _hooks(".qwen/settings.json", qwen.hooks_of("agentroom hook qwen")),
        ),
    ),
    "cursor": (_members(".cursor/mcp.json", _server("mcpServers")),),
    "vscode": (_members(".vscode/mcp.json", _server("servers", type="stdio", cwd="${workspaceFolder}")),),
}
NEXT = {
    "codex": "Codex runs the hooks once you have reviewed them: codex, then /hooks",
    "gemini": "Gemini CLI reads them in folders that it trusts: gemini, then /permissions",
    "qwen": "Qwen Code starts the server once you have said so: qwen mcp approve agentroom",
    "vscode": "VS Code asks once whether it may start the server",
}


def parse_names(names: Sequence[str]) -> list[str]:
    """Return the names; raise `UsageError` for one that no files are known for."""
    unknown = [name for name in names if name not in FILES]
    if unknown:
        raise UsageError(f"no client is called {ascii(unknown[0][:40])}", hint=f"one of {', '.join(FILES)}")
    return list(names)


def write(room: Room, name: str) -> list[Change]:
    """Put ours into the client's files; nothing is written unless all of them can be."""
    texts = [(file, _read(room, file), file.path) for file in FILES[name]]
    changed = [(path, text, _edited(path, file.fill, text)) for file, text, path in texts]
    return list(_replace(room, changed, "set up {} for the room", "{} is set up for the room"))


def remove(room: Room, name: str) -> list[Change]:
    """Take ours out of the client's files; what is left empty is removed."""
    texts = [(file, _read(room, file), file.path) for file in FILES[name]]
    changed = [(path, text, _edited(path, file.clear, text) if text else text) for file, text, path in texts]
    return list(_replace(room, changed, "took the room out of {}", "{} says nothing of the room"))


def remove_all(room: Room) -> list[Change]:
    """Take ours out of every client's files; a file that cannot be read or parsed is told of and left alone."""
    changes: list[Change] = []
    for name in FILES:
        try:
            changes += [change for change in remove(room, name) if change.is_new]
        except AgentroomError as error:
            changes.append(Change(f"left alone: {error.message}", False))
    return changes


def names_ours(name: str, folder: Path) -> bool:
    """Return whether the client's files in a checkout or worktree have something of ours."""
    return any(b"agentroom" in _bytes(folder / file.path) for file in FILES[name])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _read(room: Room, file: ProjectFile) -> str:
    path = room.checkout / file.path
    if any(
        one.is_symlink() for one in (path, *path.parents) if one != room.checkout and one.is_relative_to(room.checkout)
    ):
        raise UsageError(f"{path} is, or lies behind, a symbolic link", hint="nothing is written through one")
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise AgentroomError(f"{path} cannot be read: {error}", hint="move it away") from error


def _edited(path: str, edit: Edit, text: str) -> str:
    try:
        return edit(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error


def _replace(room: Room, changed: Sequence[tuple[str, str, str]], done: str, stays: str) -> Iterator[Change]:
    for path, old, new in changed:
        if new == old:
            yield Change(stays.format(path), False)
            continue
        if new.strip() and new.strip() != "{}":
            replace_text(room.checkout / path, new)
        else:
            _remove(room.checkout, room.checkout / path)
        yield Change(done.format(path), True)
        if (room.checkout / path).exists() and git("check-ignore", "--quiet", "--", path, cwd=room.checkout).code == 0:
            yield Change(f"git ignores {path}: to commit it, git add --force {path}", False)


def _remove(checkout: Path, path: Path) -> None:
    path.unlink()
    for folder in path.parents:
        if folder == checkout or any(folder.iterdir()):
            break
        folder.rmdir()
