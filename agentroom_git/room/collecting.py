"""Keeping the repository lean without losing anything: pack what the room wrote, and give up worktrees nobody works in.

Objects are packed and never pruned. What a worktree holds and integration does not goes to a ref of the archive before
the worktree goes; where that cannot be done, it stays, and the reason is told.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git import aside, delivery, packing
from agentroom_git.git.packing import Packed
from agentroom_git.git.worktrees import Worktree, list_worktrees
from agentroom_git.room import presence, running, trust
from agentroom_git.room.absence import gone_seconds, silent_seconds
from agentroom_git.room.room import Room
from agentroom_git.room.trust import NotTheUserError
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import held, is_held, try_hold
from agentroom_git.system.pids import is_anybody_in

EVERY = 2000
"""Loose objects after which the sidecar packs."""
STATE = "packing.json"
LOCK_SECONDS = 600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One worktree: whether it goes, and why or why not; `kept` are the refs that hold what it had."""

    agent: str
    path: str
    goes: bool
    why: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """`packed` is None in a dry run; `loose` is about how many loose objects there were."""

    packed: Packed | None
    loose: int
    worktrees: tuple[Verdict, ...]


def collect(room: Room, *, idle: float | None = None, dry_run: bool = False) -> Collected:
    """Pack, and remove worktrees seen gone for a day, or silent for `idle` seconds, their work archived.

    Raises `NotTheUserError` where anybody but the user would remove those that are only idle. What can fail as a whole
    comes before the first of them goes.
    """
    if idle is not None and not dry_run and not trust.is_user(room):
        raise NotTheUserError("removing idle worktrees is the user's", hint=f"run it in {room.checkout}")
    room.integration()
    loose = packing.count_loose(room.repo.common_dir)
    found = sorted(room.worktrees().items())
    gone = gone_seconds(room, dict(found), note=not dry_run)
    judged = (_judge(room, agent, worktree, idle, gone.get(agent)) for agent, worktree in found)
    if dry_run:
        return Collected(None, loose, (*judged, *_sites(room, is_landing=is_held(_land_lock(room)))))
    sites = _clear_sites(room)
    aside.sweep(room.repo)
    packed = pack(room)
    done = tuple(_remove(room, one) if one.goes else one for one in judged)
    return Collected(packed, loose, (*done, *sites))


def pack(room: Room) -> Packed:
    """Pack what the room's refs reach, and clear what killed processes left among the objects; one at a time."""
    common = room.repo.common_dir
    with held(room.private / "packing.lock", seconds=LOCK_SECONDS, what="the lock on packing"):
        prefixes = (room.names.own, f"refs/heads/agentroom/{room.names.room}/")
        tips = {tip for prefix in prefixes for tip in room.refs.listed(prefix).values()}
        notes = room.refs.get(room.names.notes)
        # A ref that names nothing must not keep the rest from being packed; doctor names it.
        known = [tip for tip in (*tips, notes) if tip is not None and tip in room.repo.handle]
        room.failpoint("pack objects")
        packed = packing.pack(common, known, _loose_refs(room, prefixes))
        packing.clear_unfinished(common, room.clock.now().timestamp())
        write_json(room.private / STATE, {"left": packing.count_loose(common)})
    return packed


def is_due(room: Room) -> bool:
    """Return whether so many loose objects came since the room was last packed that it is worth while."""
    left = read_json(room.private / STATE).get("left")
    return packing.count_loose(room.repo.common_dir) >= EVERY + (left if isinstance(left, int) else 0)


def _loose_refs(room: Room, prefixes: tuple[str, ...]) -> int:
    folders = (room.repo.common_dir / prefix for prefix in prefixes)
    return sum(len(names) for folder in folders for _, _, names in os.walk(folder))


def _judge(room: Room, agent: AgentName, worktree: Worktree, idle: float | None, gone: float | None) -> Verdict:
    path = str(worktree.path)
    if running.is_running(room, agent):
        return Verdict(agent, path, False, "its command is running")
    if worktree.problem:
        return _judge_broken(agent, worktree, gone)
    silent = silent_seconds(room, agent, worktree)
    if silent is None:
        return Verdict(agent, path, False, f"nobody can tell who is in it; to remove it: agentroom leave {agent}")
    shown = f"silent for {silent / 3600:.0f} h"
    if idle is None:
        return Verdict(agent, path, False, f"{shown}; to remove it: agentroom leave {agent}, or gc --idle TIME")
    if is_anybody_in(worktree.path):
        return Verdict(agent, path, False, f"{shown}, but a process works in it")
    return Verdict(agent, path, silent >= idle, shown)


def _judge_broken(agent: AgentName, worktree: Worktree, gone: float | None) -> Verdict:
    path, why = str(worktree.path), worktree.problem
    if worktree.is_mendable:
        return Verdict(agent, path, False, f"{why}; to mend it: agentroom join {agent}")
    if gone is None:
        return Verdict(agent, path, False, f"{why}; to forget it: agentroom leave {agent}")
    if gone < DAY:
        return Verdict(agent, path, False, f"{why}, or its disk is away; to forget it today: agentroom leave {agent}")
    return Verdict(agent, path, True, why)


def _remove(room: Room, verdict: Verdict) -> Verdict:
    """Let the agent leave, which archives first; what keeps it from leaving keeps the worktree."""
    try:
        gone = presence.leave(room, AgentName(verdict.agent))
    except (AgentroomError, OSError) as error:
        return Verdict(verdict.agent, verdict.path, False, f"{verdict.why}, but {error}")
    if gone.left_behind:
        why = f"{len(gone.left_behind)} ignored files exist only there: agentroom leave {verdict.agent}"
        return Verdict(verdict.agent, verdict.path, False, f"{why} --discard-ignored", gone.kept)
    return Verdict(verdict.agent, verdict.path, True, verdict.why, gone.kept)


def _land_lock(room: Room) -> Path:
    return room.private / "land.lock"


def _clear_sites(room: Room) -> tuple[Verdict, ...]:
    """Remove what killed landings left, unless one is under way, which may take as long as the user's hooks do."""
    lock = try_hold(_land_lock(room))
    sites = tuple(_sites(room, is_landing=lock is None))
    if lock is not None:
        try:
            delivery.clear_sites(room.repo, room.worktrees_dir)
        finally:
            lock.release()
    return sites


def _sites(room: Room, *, is_landing: bool) -> Iterator[Verdict]:
    why = "a landing is under way" if is_landing else "a landing that was killed left it"
    for found in list_worktrees(room.repo):
        if found.path.parent == room.worktrees_dir and found.path.name.startswith(delivery.PREFIX):
            yield Verdict("", str(found.path), not is_landing, why)
