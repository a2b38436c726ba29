"""Joining and leaving: a worktree and a branch for each agent, and nothing lost when it goes."""

import fnmatch
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.events import Joined, Left
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git import archive, worktrees
from agentroom_git.git.worktrees import Identity, Worktree
from agentroom_git.room import coordination, logs
from agentroom_git.room.folding import Folder
from agentroom_git.room.room import Room
from agentroom_git.system.locks import is_held
from agentroom_git.system.process import environment, shell

# Folders that tools make again by themselves: they go with the worktree.
REGENERATED = frozenset(
    {
        "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".venv", "venv",
        "node_modules", ".next", ".turbo", ".cache", ".gradle", ".parcel-cache", "target", "dist", "build", "coverage",
    }
)  # fmt: skip


class SetupError(AgentroomError):
    """A command of `setup:` failed; the worktree stays."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`is_new` says whether the worktree was made just now."""

    worktree: Worktree
    is_new: bool
    copied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """`kept` are the refs that hold what was not folded; `left_behind` the ignored files for which the folder stays."""

    path: Path
    kept: tuple[str, ...]
    left_behind: tuple[str, ...]


def run_lock(room: Room, agent: AgentName) -> Path:
    """Return the lock that a running agent holds."""
    return room.private / "run" / f"{agent}.lock"


def is_running(room: Room, agent: AgentName) -> bool:
    return is_held(run_lock(room, agent))


def join(room: Room, agent: AgentName, *, command: str = "") -> Arrival:
    """Give the agent its worktree, made and set up where it has none, and record that it joined."""
    start = room.integration()
    found = room.worktrees().get(agent)
    if found is not None and found.problem:
        _forget(room, agent, found)
        found = None
    arrival = Arrival(found, False, ()) if found else _make(room, agent, start)
    branch = room.names.branch(agent)
    logs.record(room, Joined(str(arrival.worktree.path), branch, command), writer=agent)
    if arrival.is_new:
        _run_setup(room, arrival.worktree)
    return arrival


def _make(room: Room, agent: AgentName, start: Oid) -> Arrival:
    path = room.worktrees_dir / agent
    if path.exists() and any(path.iterdir()):
        raise UsageError(f"{path} is in the way of {agent}'s worktree", hint="move it away, or set worktrees:")
    made = worktrees.add_worktree(room.repo, path, room.names.branch(agent), start)
    worktrees.write_identity(made.git_dir, Identity(room.names.room, agent))
    return Arrival(made, True, tuple(_copy_files(room, made)))


def _forget(room: Room, agent: AgentName, broken: Worktree) -> None:
    """Drop the entry of a worktree that is gone; where its HEAD was, detached or not, is kept."""
    if broken.head is not None:
        archive.keep(room.refs, room.names.archive(agent), broken.head)
    worktrees.remove_worktree(room.repo, broken)


def _copy_files(room: Room, made: Worktree) -> Iterator[str]:
    """Copy what `copy:` names and the worktree lacks; nothing outside the checkout, nothing through a link."""
    for pattern in room.config.copy:
        if os.path.isabs(pattern) or ".." in Path(pattern).parts:
            raise UsageError(f"copy: {pattern!r} leaves the repository", hint="name files below its top")
        for source in sorted(room.checkout.glob(pattern.rstrip("/"))):
            target = made.path / source.relative_to(room.checkout)
            if target.exists() or source.is_symlink() or ".git" in source.parts:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)
            yield str(source.relative_to(room.checkout))


def _run_setup(room: Room, made: Worktree) -> None:
    for command in room.config.setup:
        done = shell(command, cwd=made.path, env=environment(), seconds=room.config.setup_seconds)
        if done.code != 0:
            raise SetupError(
                f"setup: {command!r} failed in {made.path}: {done.message}", hint="correct it there; the worktree stays"
            )


def leave(room: Room, agent: AgentName, *, exit_code: int = -1, discard_ignored: bool = False) -> Departure:
    """Fold the agent's commits, archive what is not committed, give back its claims and remove its worktree."""
    if is_running(room, agent):
        raise UsageError(f"{agent} is running", hint="end its command first")
    found = room.worktrees().get(agent)
    if found is None:
        raise UsageError(f"{agent} has no worktree in room {room.names.room}", hint="agentroom status lists who has")
    Folder(room).fold([agent])
    kept = tuple(_archive(room, agent, found))
    coordination.release_all(room, agent)
    behind = () if found.problem or discard_ignored else tuple(_precious(room, found))
    logs.record(room, Left(exit_code, kept), writer=agent)
    if not behind:
        worktrees.remove_worktree(room.repo, found)
    return Departure(found.path, kept, behind)


def _archive(room: Room, agent: AgentName, found: Worktree) -> Iterator[str]:
    prefix = room.names.archive(agent)
    if found.head is not None and not room.history.reaches(room.integration(), found.head):
        yield archive.keep(room.refs, prefix, found.head)
    if not found.problem:
        snapshot = archive.snapshot(room.repo, found, agent)
        if snapshot is not None:
            yield archive.keep(room.refs, prefix, snapshot)


def _precious(room: Room, found: Worktree) -> Iterator[str]:
    """Yield ignored files that no tool makes again and that are not the user's own, copied."""
    for name in archive.ignored_files(found):
        parts = Path(name).parts
        if REGENERATED.intersection(parts) or any(fnmatch.fnmatch(part, "*.egg-info") for part in parts):
            continue
        if name.endswith((".pyc", ".pyo", ".o", ".class")) or _is_copy(room.checkout / name, found.path / name):
            continue
        yield name


def _is_copy(original: Path, copied: Path) -> bool:
    try:
        return original.is_file() and original.read_bytes() == copied.read_bytes()
    except OSError:
        return False
