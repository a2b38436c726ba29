"""Which of an agent's edits may be saved for it, and why the others are left: they are the agent's own to commit.

Left are: what looks like a secret or holds one, a file that stopped parsing, and new files that are large, binary, or
not known to have been written by the agent.
"""

import fnmatch
import os
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from agentroom_git.core.events import Joined
from agentroom_git.core.hunks import is_binary
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.parse import guard_for
from agentroom_git.git.worktrees import Worktree, prepared_seconds
from agentroom_git.room.digest import read_digest
from agentroom_git.room.room import Room
from agentroom_git.room.secrets import find_token

MAX_NEW_FILE = 1024 * 1024
MAX_LOOKED_INTO = 5 * 1024 * 1024
LOOKS_SECRET = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    ".netrc", ".npmrc", ".pypirc", "credentials", "credentials.*", "secrets.*", "*.keystore",
)  # fmt: skip
# A file's date has the kernel's grain, some milliseconds; an event's has none.
_GRAIN_SECONDS = 1.0


def refuse(
    room: Room, worktree: Worktree, head: Oid, changed: Sequence[str], new: Sequence[str], since: float | None
) -> dict[str, str]:
    """Return the paths that are left, each with the reason.

    New files count as written by the agent from `since` on, in seconds of the files' own clock; None: none does.
    """
    tree = room.history.tree_of(head)
    found = {path: _refuse_new(worktree.path, path, since) for path in new}
    found |= {path: _refuse_changed(room, tree, worktree.path, path) for path in changed}
    return {path: reason for path, reason in found.items() if reason}


def prepared_at(worktree: Worktree) -> float:
    """Return when the worktree was ready for its agent: what is older was copied into it or set up."""
    return prepared_seconds(worktree)


def began_at(room: Room, agent: AgentName, worktree: Worktree) -> float:
    """Return when the agent's command began, the worktree being ready."""
    move = read_digest(room, agent).move
    if move is None or not isinstance(move.event.body, Joined):
        return prepared_at(worktree)
    return max(prepared_at(worktree), datetime.fromisoformat(move.event.at).timestamp() - _GRAIN_SECONDS)


def _refuse_new(top: Path, path: str, since: float | None) -> str:
    if _looks_secret(path):
        return "it looks like a secret"
    file = top / path
    try:
        status = file.lstat()
        if since is None or status.st_ctime < since:
            return "it is not known to be the agent's"
        if file.is_symlink():
            return ""
        if not file.is_file():
            return "it is not a file"
        if status.st_size > MAX_NEW_FILE:
            return f"it is larger than {MAX_NEW_FILE // 1024} KiB"
        text = _read(file)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if is_binary(text):
        return "it is binary"
    held = find_token(text.decode("utf-8", "replace"))
    return f"it holds {held}" if held else ""


def _refuse_changed(room: Room, tree: Oid, top: Path, path: str) -> str:
    file = top / path
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_LOOKED_INTO:
            return ""
        text = _read(file)
    except OSError:
        # Gone by now: git sees what there is.
        return ""
    if _looks_secret(path):
        return "it looks like a secret"
    entry = room.history.entry(tree, os.fsencode(path))
    before = room.history.blob(entry.id) if entry is not None and stat.S_ISREG(entry.mode) else b""
    guard = guard_for(path)
    if guard is not None and not guard(text) and guard(before):
        return "it stopped parsing"
    known = set(before.split(b"\n"))
    added = b"\n".join(line for line in text.split(b"\n") if line not in known)
    held = find_token(added.decode("utf-8", "replace"))
    return f"it holds {held}" if held else ""


def _looks_secret(path: str) -> bool:
    return any(fnmatch.fnmatch(Path(path).name.lower(), pattern) for pattern in LOOKS_SECRET)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_LOOKED_INTO)
