"""Joining and leaving: a worktree and a branch for each agent, and nothing lost when it goes."""

import fnmatch
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.events import Joined, Left
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git import archive, aside, worktrees
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.worktrees import Identity, Worktree
from agentroom_git.room import coordination, generated, left_locks, logs, lost_branch
from agentroom_git.room.folding import Folder
from agentroom_git.room.preparing import copy_files, run_setup
from agentroom_git.room.room import Room
from agentroom_git.room.running import run_lock
from agentroom_git.system.locks import held, try_hold

# Folders that tools make again by themselves: they go with the worktree.
REGENERATED = frozenset(
    {
        "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".venv", "venv",
        "node_modules", ".next", ".turbo", ".cache", ".gradle", ".parcel-cache", "target", "dist", "build", "coverage",
    }
)  # fmt: skip
LOCK_SECONDS = 3600.0
LOOKS = 20
"""How often a worktree that changes between two looks is looked at before leaving is given up."""


class WorkUnderWayError(AgentroomError):
    """An agent cannot leave before something in its worktree is finished."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`is_new` says whether the worktree was made just now; `copied` are the files that `copy:` brought into it."""

    worktree: Worktree
    is_new: bool
    copied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """`kept` are the refs that hold what was not folded; `left_behind` the ignored files for which the folder stays.

    `path` is what was removed, or kept: the worktree's folder, or only the repository's entry of one that was broken.
    """

    path: Path
    kept: tuple[str, ...]
    left_behind: tuple[str, ...]


def join(room: Room, agent: AgentName, *, command: str = "") -> Arrival:
    """Give the agent its worktree, made and prepared where it has none, and record that it joined.

    A worktree that lost its way back to the repository is mended; one that is gone is made again on the same branch;
    a deleted branch is put back.
    What an earlier join left unfinished is finished.
    """
    start = room.integration()
    with _moving(room, agent):
        _take_back(room, agent)
        _clear(room, agent)
        found = _found(room, agent)
        arrival = Arrival(found, False, ()) if found else _make(room, agent, start)
        logs.record(room, Joined(str(arrival.worktree.path), room.names.branch(agent), command), writer=agent)
        if arrival.worktree.is_ready:
            return arrival
        copied = tuple(copy_files(room, arrival.worktree))
        run_setup(room, agent, arrival.worktree)
        worktrees.mark_ready(arrival.worktree)
        return Arrival(arrival.worktree, arrival.is_new, copied)


def _found(room: Room, agent: AgentName) -> Worktree | None:
    """Return the agent's worktree, its branch put back where somebody deleted it."""
    _take_back(room, agent)
    found = room.worktrees().get(agent)
    if found is not None and lost_branch.put_back(room, agent, found):
        found = room.worktrees().get(agent)
    return found


def _take_back(room: Room, agent: AgentName) -> None:
    """Put the folder back that a killed leave had put aside, and sweep what others were removing."""
    aside.sweep(room.repo)
    found = room.worktrees().get(agent)
    if found is not None and found.problem:
        aside.take_back(found)


def _moving(room: Room, agent: AgentName) -> AbstractContextManager[None]:
    """Order those who join and leave under one name."""
    path = room.private / "join" / f"{agent}.lock"
    return held(path, seconds=LOCK_SECONDS, what=f"the lock on {agent}'s worktree")


def _make(room: Room, agent: AgentName, start: Oid) -> Arrival:
    path = room.worktrees_dir / agent
    # Git fails of a lock that a killed process of ours has left on the branch.
    left_locks.clear_left_locks(room)
    identity = Identity(room.names.room, agent)
    return Arrival(worktrees.add_worktree(room.repo, path, room.names.branch(agent), start, identity), True, ())


def _clear(room: Room, agent: AgentName) -> None:
    """Mend or drop what is left of the agent's former worktrees, and see that the place for a new one is free."""
    path = room.worktrees_dir / agent
    sound = False
    for found in worktrees.list_worktrees(room.repo):
        mine = found.identity == Identity(room.names.room, agent)
        if found.problem and (mine or found.path == path):
            sound |= _repair(room, agent, found)
        elif mine:
            sound = True
    if not sound and (path.is_symlink() or path.exists()) and not _is_empty_folder(path):
        moved = (path / ".git").is_file()
        raise UsageError(
            f"{path} is in the way of {agent}'s worktree",
            hint=f"if the repository was moved: git worktree repair {path}" if moved else "move it away",
        )


def _repair(room: Room, agent: AgentName, broken: Worktree) -> bool:
    """Make a broken worktree sound, or drop its entry with everything it names kept; return whether it is sound."""
    if broken.is_mendable and broken.identity is None:
        worktrees.write_identity(broken.git_dir, Identity(room.names.room, agent))
    if broken.is_mendable and not _is_empty_folder(broken.path):
        worktrees.mend(broken)
        return True
    if broken.identity is None:
        worktrees.remove_interrupted(room.repo, broken)
        return False
    tuple(_archive_entry(room, agent, broken))
    worktrees.remove_worktree(room.repo, broken)
    return False


def _is_empty_folder(path: Path) -> bool:
    return not path.is_symlink() and path.is_dir() and not any(path.iterdir())


def leave(room: Room, agent: AgentName, *, exit_code: int = -1, discard_ignored: bool = False) -> Departure:
    """Fold the agent's commits, archive what is not committed, give back its claims and remove its worktree.

    Raises `UsageError` while it runs, and `WorkUnderWayError` in the middle of a merge or a rebase, or where something
    goes on writing there. Nothing is removed before everything that was not folded has a ref, looked at once more
    right before the folder goes.
    """
    running = try_hold(run_lock(room, agent))
    if running is None:
        raise UsageError(f"{agent} is running", hint="end its command first")
    try:
        with _moving(room, agent):
            return _leave(room, agent, exit_code, discard_ignored)
    finally:
        running.release()


def _leave(room: Room, agent: AgentName, exit_code: int, discard_ignored: bool) -> Departure:
    found = _found(room, agent)
    if found is not None and found.is_mendable and not _is_empty_folder(found.path):
        worktrees.mend(found)
        found = room.worktrees().get(agent)
    if found is None:
        raise UsageError(f"{agent} has no worktree in room {room.names.room}", hint="agentroom status lists who has")
    _check_removable(found)
    Folder(room).fold([agent])
    kept = tuple(_archive_entry(room, agent, found) if found.problem else _archive(room, agent, found))
    coordination.release_all(room, agent)
    generated.remove(room, agent, None if found.problem else found.path)
    behind = () if found.problem or discard_ignored else tuple(_precious(room, found))
    logs.record(room, Left(exit_code, kept), writer=agent)
    if found.problem:
        worktrees.remove_worktree(room.repo, found)
    if found.problem or behind:
        return Departure(found.git_dir if found.problem else found.path, kept, behind)
    departure = _remove(room, agent, kept, discard_ignored)
    if departure.kept != kept:
        logs.record(room, Left(exit_code, departure.kept), writer=agent)
    return departure


def _remove(room: Room, agent: AgentName, kept: tuple[str, ...], discard_ignored: bool) -> Departure:
    """Remove a sound worktree, put aside, after a look at it that finds nothing to keep but what is kept already.

    An editor, or an agent that was not started by `agentroom run`, may go on writing there meanwhile.
    """
    found = room.worktrees().get(agent)
    if found is None or found.problem:
        raise WorkUnderWayError(f"somebody else removed {agent}'s worktree", hint="agentroom status says what is left")
    _check_removable(found)
    with aside.put_aside(found) as place:
        for _ in range(LOOKS):
            room.failpoint("look once more")
            place = aside.look_again(room.repo, place)
            before = aside.state_of(place, REGENERATED)
            _check_removable(place)
            behind = () if discard_ignored else tuple(_precious(room, place))
            late = tuple(ref for ref in _archive(room, agent, place) if ref not in kept)
            kept += late
            if behind:
                return Departure(found.path, kept, behind)
            if not late and aside.state_of(place, REGENERATED) == before:
                room.failpoint("remove worktree")
                aside.remove_aside(room.repo, place)
                return Departure(found.path, kept, ())
    raise WorkUnderWayError(f"something goes on writing in {found.path}", hint="end it first")


def _check_removable(found: Worktree) -> None:
    if found.problem:
        return
    if found.lock is not None:
        why = f": {found.lock}" if found.lock else ""
        raise WorkUnderWayError(f"{found.path} is locked{why}", hint=f"git worktree unlock {found.path}")
    operation = operation_under_way(found.git_dir)
    if operation:
        raise WorkUnderWayError(
            f"{operation} in {found.path}", hint=f"finish or abort it: git -C {found.path} status says how"
        )


def _archive(room: Room, agent: AgentName, found: Worktree) -> Iterator[str]:
    """Keep what integration does not have and would go with the worktree; yield the refs."""
    prefix = room.names.archive(agent)
    if found.head is not None and not room.history.reaches(room.integration(), found.head):
        yield archive.keep(room.refs, prefix, found.head)
    snapshot = archive.snapshot(found, agent)
    if snapshot is not None:
        yield archive.keep_snapshot(room.refs, prefix, snapshot)
    for commit in archive.lost_commits(found):
        yield archive.keep(room.refs, prefix, commit)


def _archive_entry(room: Room, agent: AgentName, broken: Worktree) -> Iterator[str]:
    """Keep what the repository's entry of a broken worktree names: its HEAD, and what was staged."""
    prefix = room.names.archive(agent)
    if broken.head is None and worktrees.restore_head(broken):
        broken = worktrees.read_worktree(room.repo, broken.name) or broken
    if broken.head is not None and not room.history.reaches(room.integration(), broken.head):
        yield archive.keep(room.refs, prefix, broken.head)
    staged = archive.snapshot_index(room.repo, broken, agent)
    if staged is not None:
        yield archive.keep(room.refs, prefix, staged)
    for commit in archive.lost_commits(broken):
        yield archive.keep(room.refs, prefix, commit)


def _precious(room: Room, found: Worktree) -> Iterator[str]:
    """Yield what no snapshot has and no tool makes again: ignored files, unless copied, and repositories below."""
    yield from archive.nested_repositories(found, REGENERATED)
    for name in archive.ignored_files(found):
        parts = Path(name).parts
        if name.endswith("/") or REGENERATED.intersection(parts) or _is_built(parts):
            continue
        if not _is_copy(room.checkout / name, found.path / name):
            yield name


def _is_built(parts: tuple[str, ...]) -> bool:
    if parts[-1].endswith((".pyc", ".pyo", ".o", ".class")):
        return True
    return any(fnmatch.fnmatch(part, "*.egg-info") for part in parts)


def _is_copy(original: Path, copied: Path) -> bool:
    try:
        if copied.is_symlink():
            return original.is_symlink() and original.readlink() == copied.readlink()
        return original.is_file() and original.read_bytes() == copied.read_bytes()
    except OSError:
        return False
