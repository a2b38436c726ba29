"""Whether clients that are started without `agentroom run` will load the server and the hooks, asked of themselves.

Only clients that are on PATH and that the project's files speak of are looked at: `agentroom run` needs no files.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.agents import program, project_files
from agentroom_git.agents.client import Client
from agentroom_git.agents.clients import CLIENTS
from agentroom_git.core.escape import one_line
from agentroom_git.room.doctor import Finding
from agentroom_git.room.room import Room
from agentroom_git.system.process import ProcessError, environment, own_hook_command, run

ASK_SECONDS = 60.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client says of our server; `is_loaded` None: it does not say."""

    is_loaded: bool | None
    said: str


def examine_clients(room: Room, folder: Path) -> Iterator[Finding]:
    """Say for each client whether it loads the server and the hooks in this folder."""
    env = environment()
    found = False
    for client in CLIENTS.values():
        try:
            path = program.find_program(client, env)
        except program.ClientError:
            continue
        found = True
        yield from _examine(room, client, path, folder, env)
    if found:
        yield _try_hook(folder)


def _examine(room: Room, client: Client, path: Path, folder: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        version = ".".join(map(str, program.check_version(room, client, path, env)))
    except program.ClientError as error:
        yield Finding("problem", error.message, error.hint)
        return
    top = room.repo.worktree or room.checkout
    if not project_files.names_ours(client.name, top):
        yield Finding("ok", f"{client.title} {version} is started by: agentroom run NAME --cli {client.name}")
        return
    answer = _ask(client, path, folder, env)
    remedy = _REMEDIES[client.name]
    if answer.is_loaded:
        yield Finding("ok", f"{client.title} {version} loads the server here")
    elif answer.is_loaded is None:
        yield Finding(
            "notice", f"{client.title} {version} does not say whether it loads the server: {answer.said}", remedy
        )
    else:
        yield Finding("problem", f"{client.title} {version} does not load the server here: {answer.said}", remedy)
    yield from _HOOKS.get(client.name, _no_word)(room, top)


def _ask(client: Client, path: Path, folder: Path, env: Mapping[str, str]) -> Answer:
    try:
        done = run([str(path), "mcp", "list"], cwd=folder, env=env, seconds=ASK_SECONDS)
    except ProcessError as error:
        return Answer(None, error.message)
    lines = (done.out + done.err).decode("utf-8", "replace").splitlines()
    ours = [one_line(_COLOURS.sub("", line).strip(), 160) for line in lines if "agentroom" in line]
    if not ours:
        return Answer(False, "it lists no server agentroom")
    # Codex prints its configuration and connects to nothing.
    words = ("enabled",) if client.name == "codex" else ("connected", "\u2713", "\u2714")
    refused = ("disconnected", "disabled", "pending", "failed", "not connected")
    told = " ".join(ours).lower()
    return Answer(any(word in told for word in words) and not any(word in told for word in refused), ours[0])


def _no_word(room: Room, top: Path) -> Iterator[Finding]:
    yield from ()


def _claude_hooks(room: Room, top: Path) -> Iterator[Finding]:
    if _has_hooks(top / ".claude/settings.json") or _has_hooks(room.checkout / ".claude/settings.local.json"):
        yield Finding("ok", "Claude Code finds the room's hooks here")
    else:
        yield Finding("notice", "Claude Code finds no hooks of the room here", "agentroom init --client claude")


def _codex_hooks(room: Room, top: Path) -> Iterator[Finding]:
    if _has_hooks(room.checkout / ".codex/hooks.json"):
        remedy = "codex, then /hooks; agentroom run needs no review"
        yield Finding("notice", "Codex runs the room's hooks only once you have reviewed them", remedy)
    else:
        text = f"Codex finds no hooks of the room: it reads those of {room.checkout} alone"
        yield Finding("notice", text, "agentroom init --client codex")


def _settings_hooks(client: str, path: str) -> Callable[[Room, Path], Iterator[Finding]]:
    def look(room: Room, top: Path) -> Iterator[Finding]:
        title = CLIENTS[client].title
        if _has_hooks(top / path):
            yield Finding("ok", f"{title} finds the room's hooks here")
        else:
            yield Finding("notice", f"{title} finds no hooks of the room here", f"agentroom init --client {client}")

    return look


def _opencode_plugin(room: Room, top: Path) -> Iterator[Finding]:
    if (top / ".opencode/plugin/agentroom.js").is_file():
        yield Finding("ok", "opencode finds the room's plugin here")
    else:
        yield Finding("notice", "opencode finds no plugin of the room here", "agentroom init --client opencode")


_HOOKS: dict[str, Callable[[Room, Path], Iterator[Finding]]] = {
    "claude": _claude_hooks,
    "codex": _codex_hooks,
    "gemini": _settings_hooks("gemini", ".gemini/settings.json"),
    "opencode": _opencode_plugin,
    "qwen": _settings_hooks("qwen", ".qwen/settings.json"),
}
_REMEDIES = {
    "claude": "approve it once: claude, then /mcp; or agentroom run NAME --cli claude",
    "codex": "trust the project once: codex; or agentroom run NAME --cli codex",
    "gemini": "trust the folder once: gemini, then /permissions; or agentroom run NAME --cli gemini",
    "opencode": "opencode mcp list says why; or agentroom run NAME --cli opencode",
    "qwen": "qwen mcp approve agentroom; or agentroom run NAME --cli qwen",
}


def _has_hooks(path: Path) -> bool:
    try:
        return "agentroom hook" in path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _try_hook(folder: Path) -> Finding:
    """Give the hook a harmless event, as a client would."""
    event = json.dumps({"hook_event_name": "SessionEnd", "cwd": os.fspath(folder.parent), "session_id": "doctor"})
    try:
        done = run([*own_hook_command(), "claude"], cwd=folder, stdin=event.encode(), seconds=ASK_SECONDS)
        problem = done.message if done.code != 0 else ""
    except ProcessError as error:
        problem = error.message
    if problem:
        return Finding("problem", f"the hook that clients call does not run: {problem}", "install agentroom again")
    return Finding("ok", "the hook that clients call runs")
