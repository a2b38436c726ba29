"""Preparing a new worktree: the untracked files that it needs, and the commands that make it ready to work in."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git.archive import untracked_files
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import trust
from agentroom_git.room.config import FILE_NAME
from agentroom_git.room.room import Room
from agentroom_git.system.process import ProcessError, environment, shell

# Set where a git hook runs us: a command of `setup:` must not act on the repository that they name.
_BOUND = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"}
)


class SetupError(AgentroomError):
    """A command of `setup:` failed; the worktree stays."""


def copy_files(room: Room, worktree: Worktree) -> Iterator[str]:
    """Copy the untracked files that `copy:` names and the worktree lacks; yield their paths.

    A link is copied as a link. Nothing is read or written through one, so nothing leaves either checkout.
    """
    if not room.config.copy:
        return
    matched = {
        found.relative_to(room.checkout).as_posix() for text in room.config.copy for found in room.checkout.glob(text)
    }
    for name in untracked_files(room.checkout):
        if name != FILE_NAME and _is_below(name, matched) and _copy(room.checkout, worktree.path, name):
            yield name


def _is_below(name: str, matched: set[str]) -> bool:
    return name in matched or any(parent.as_posix() in matched for parent in Path(name).parents)


def _copy(source: Path, target: Path, name: str) -> bool:
    if os.path.lexists(target / name) or any((target / parent).is_symlink() for parent in Path(name).parents):
        return False
    if not (source / name).is_symlink() and not (source / name).is_file():
        return False
    try:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return False
    shutil.copy2(source / name, target / name, follow_symlinks=False)
    return True


def run_setup(room: Room, agent: AgentName, worktree: Worktree) -> None:
    """Run the trusted commands of `setup:` in the worktree; raise `SetupError` naming the one that failed."""
    env = {key: value for key, value in environment().items() if key not in _BOUND}
    env |= {"AGENTROOM_ROOM": room.names.room, "AGENTROOM_AGENT": agent}
    for command in trust.commands(room).setup:
        try:
            done = shell(command, cwd=worktree.path, env=env, seconds=room.config.setup_seconds)
            problem = done.message if done.code != 0 else ""
        except ProcessError as error:
            problem = error.message
        if problem:
            raise SetupError(
                f"setup: {command!r} failed in {worktree.path}: {problem}",
                hint=f"correct it, then: agentroom join {agent}; the worktree stays",
            )
