"""Files that are made for an agent's client: kept out of git, told apart from the agent's own, and taken away again.

What was made is written down before it is made, with its hash: a file that somebody changed since is theirs.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError
from agentroom_git.room import excludes
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, replace_text, write_json
from agentroom_git.system.process import git

_LIST = "files.json"


def private_folder(room: Room, agent: AgentName) -> Path:
    """Return the folder for what the agent's client needs and the worktree does not."""
    return room.private / "clients" / agent


def place(room: Room, agent: AgentName, worktree: Path, files: Mapping[Path, str], *, client: str) -> list[Path]:
    """Write the files that the client needs, given by absolute path, and return those that were written.

    A file of the agent's or the project's that speaks of the room already is left as it is; raises `UsageError` for
    one that does not.
    """
    known = _known(room, agent)
    mine = {path: text for path, text in files.items() if _is_mine(path, known) or not _stands(worktree, path, client)}
    hashes = known | {str(path): _hash(text) for path, text in mine.items()}
    write_json(private_folder(room, agent) / _LIST, dict(hashes))
    excludes.exclude(room, [_pattern(worktree, path) for path in mine if path.is_relative_to(worktree)])
    for path, text in mine.items():
        replace_text(path, text)
    return list(mine)


def remove(room: Room, agent: AgentName, worktree: Path | None) -> None:
    """Take away what was placed for the agent, but for what somebody changed since."""
    known = _known(room, agent)
    for path in map(Path, known):
        if _is_mine(path, known):
            path.unlink(missing_ok=True)
            if worktree is not None and path.is_relative_to(worktree):
                _remove_empty(path.parent, worktree)
    shutil.rmtree(private_folder(room, agent), ignore_errors=True)
    if known:
        excludes.keep_only(room, _still_wanted(room))


def _known(room: Room, agent: AgentName) -> dict[str, str]:
    record = read_json(private_folder(room, agent) / _LIST)
    return {path: digest for path, digest in record.items() if isinstance(digest, str)}


def _is_mine(path: Path, known: Mapping[str, str]) -> bool:
    digest = known.get(str(path))
    try:
        return digest is not None and not path.is_symlink() and digest == _hash(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return False


def _stands(worktree: Path, path: Path, client: str) -> bool:
    """Return whether somebody else's file is there and may stay; raise where nothing can be written."""
    if not path.is_relative_to(worktree):
        return False
    linked = next((one for one in (path, *path.parents) if one.is_relative_to(worktree) and one.is_symlink()), None)
    if linked is not None and linked != worktree:
        raise UsageError(f"{linked} is a symbolic link", hint="nothing is written through it: remove it")
    if not path.exists() and not _is_tracked(worktree, path):
        return False
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if '"agentroom"' in text:
        return True
    raise UsageError(
        f"{path} is not ours, and says nothing of agentroom",
        hint=f"in your own checkout: agentroom init --client {client}, and commit what it changed",
    )


def _is_tracked(worktree: Path, path: Path) -> bool:
    name = str(path.relative_to(worktree))
    return git("ls-files", "--error-unmatch", "--", name, cwd=worktree).code == 0


def _pattern(worktree: Path, path: Path) -> str:
    return f"/{path.relative_to(worktree).as_posix()}"


def _still_wanted(room: Room) -> Sequence[str]:
    wanted: set[str] = set()
    for agent, found in room.worktrees().items():
        paths = (Path(path) for path in _known(room, agent))
        wanted |= {_pattern(found.path, path) for path in paths if path.is_relative_to(found.path)}
    return sorted(wanted)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        with suppress(OSError):
            folder.rmdir()
        folder = folder.parent


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
