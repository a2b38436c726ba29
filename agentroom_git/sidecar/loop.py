"""The loop: see what moved, fold it, sync the worktrees, bring the notes up to date; then wait.

It is woken by file-system events and, as a safety net, once a second. Nothing is done while the refs and the worktrees'
HEADs are as they were, so that an idle sidecar writes nothing. It can be killed at any point: each step is repeatable.
"""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from agentroom_git.core.ids import BASE, parse_room
from agentroom_git.core.refnames import RefNames
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.room import leases, logs, notes
from agentroom_git.room.aftermath import after_folds
from agentroom_git.room.folding import Folder, observe_branches
from agentroom_git.room.room import Room, acting_as
from agentroom_git.room.syncing import SyncResult, Waiting, sync_room
from agentroom_git.sidecar.lifecycle import SidecarError, state_path
from agentroom_git.sidecar.watch import POLL_SECONDS, Watch
from agentroom_git.system.files import write_json
from agentroom_git.system.locks import try_hold

# A worktree in the middle of a git command is tried again soon; one that waits for its agent, when something moves.
RETRY_PASSING_SECONDS = 0.05
RETRY_WAITING_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
_PREFIX, _SUFFIX = "refs/heads/agentroom/", "/integration"

Fingerprint = tuple[object, ...]


@dataclass(slots=True)
class Service:
    """One room as the sidecar keeps it: what it last saw, and whether worktrees wait."""

    room: Room
    folder: Folder = field(init=False)
    seen: Fingerprint = ()
    noted: Fingerprint = ()
    retry_after: float | None = None
    tried: float = 0.0

    def __post_init__(self) -> None:
        self.folder = Folder(self.room)

    def tick(self) -> bool:
        """Bring everything up to date; return whether something was folded."""
        now = self.room.clock.monotonic()
        fingerprint = _fingerprint(self.room)
        is_due = self.retry_after is not None and now - self.tried >= self.retry_after
        folded = False
        if fingerprint != self.seen or is_due:
            folded = self._fold_and_sync(now)
            # As it was before the fold: what moved meanwhile, by us or by others, is looked at in the next round.
            self.seen = fingerprint
        self._note()
        return folded

    def _fold_and_sync(self, now: float) -> bool:
        report = self.folder.fold()
        for made in report.made:
            if made.agent != BASE:
                leases.beat(acting_as(self.room, made.agent))
        after_folds(self.room, report.made)
        results = sync_room(self.room)
        self.retry_after = _retry_after(results, self.retry_after, has_failed=bool(report.failed))
        self.tried = now
        return bool(report.made)

    def _note(self) -> None:
        tips = tuple(sorted(self.room.refs.listed(self.room.names.own).items()))
        state = (*tips, self.room.refs.get(self.room.names.integration))
        if state != self.noted:
            notes.project(self.room)
            self.noted = state


def _retry_after(results: list[SyncResult], before: float | None, *, has_failed: bool) -> float | None:
    """Return in how many seconds to try again by itself, longer each time, or None where nothing waits."""
    waiting = [result for result in results if isinstance(result, Waiting)]
    if any(result.is_passing for result in waiting):
        return min(RETRY_WAITING_SECONDS, before * 1.5 if before else RETRY_PASSING_SECONDS)
    return RETRY_WAITING_SECONDS if waiting or has_failed else None


def _fingerprint(room: Room) -> Fingerprint:
    """Return what decides whether there is something to fold or to sync."""
    branches = tuple((branch.agent, branch.head, branch.name, branch.under_way) for branch in observe_branches(room))
    return (room.refs.get(room.names.integration), *branches)


def find_rooms(room: Room) -> list[Room]:
    """Return every room that is open in the repository, configured as this one."""
    found = []
    for name in room.refs.listed(_PREFIX):
        if not name.endswith(_SUFFIX):
            continue
        try:
            parsed = parse_room(name.removeprefix(_PREFIX).removesuffix(_SUFFIX))
        except UsageError:
            continue
        refs = replace(room.refs, lock=room.repo.private_dir / parsed / "refs.lock")
        found.append(replace(room, names=RefNames(parsed), refs=refs, me=None))
    return found


def serve(room: Room, *, is_stopped: Callable[[], bool], log: TextIO = sys.stderr) -> None:
    """Serve the repository's rooms until told to stop; raise `SidecarError` where another sidecar does."""
    lock = try_hold(room.sidecar_lock)
    if lock is None:
        raise SidecarError("a sidecar serves this repository already", hint="agentroom sidecar status")
    inode = _inode(room.sidecar_lock)
    try:
        # Where somebody removed the lock file, another sidecar may hold a new one by now: this one is over.
        _serve(room, lambda: is_stopped() or _inode(room.sidecar_lock) != inode, log)
    finally:
        if _inode(room.sidecar_lock) == inode:
            state_path(room).unlink(missing_ok=True)
        lock.release()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _serve(room: Room, is_stopped: Callable[[], bool], log: TextIO) -> None:
    state: dict[str, object] = {"pid": os.getpid(), "since": logs.stamp(room), "last_fold": ""}
    services: dict[str, Service] = {}
    pause = 0.0
    with Watch(room.repo.common_dir) as watch:
        # Watching began before the first look, so that nothing which moves in between is missed.
        write_json(state_path(room), state)
        _say(room, log, f"serving {room.checkout}")
        while not is_stopped():
            try:
                for found in find_rooms(room):
                    service = services.setdefault(found.names.room, Service(found))
                    if service.tick():
                        state["last_fold"] = logs.stamp(room)
                        write_json(state_path(room), state)
                        watch.poke()
                pause = 0.0
            except AgentroomError as error:
                pause = _back_off(pause)
                _say(room, log, f"{error}; again in {pause:g} s")
            except Exception:  # noqa: BLE001 - the loop's boundary: one bad moment must not end everybody's syncing
                pause = _back_off(pause)
                _say(room, log, f"{traceback.format_exc()}again in {pause:g} s")
                services.clear()
            retries = [service.retry_after for service in services.values() if service.retry_after is not None]
            watch.wait(is_stopped, at_least=pause, at_most=min(retries, default=POLL_SECONDS))
        _say(room, log, "stopped")


def _back_off(pause: float) -> float:
    return min(LONGEST_PAUSE_SECONDS, max(0.5, pause * 2))


def _say(room: Room, log: TextIO, text: str) -> None:
    log.write(f"{logs.stamp(room)} {text}\n")
    log.flush()
