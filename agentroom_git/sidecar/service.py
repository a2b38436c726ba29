"""One room as the sidecar keeps it: fold, sync, notes, then the other duties, each when there is something to do."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentroom_git.core.ids import BASE, Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.room import disk, forward_only, leases, notes, toolmark
from agentroom_git.room.aftermath import after_folds
from agentroom_git.room.folding import Folder, observe_branches
from agentroom_git.room.left_locks import clear_left_locks
from agentroom_git.room.room import Room, acting_as
from agentroom_git.room.sync_waits import Waiting
from agentroom_git.room.syncing import SyncResult, sync_room
from agentroom_git.sidecar.duties import Duty, Roster, back_off
from agentroom_git.sidecar.edits import NAME as EDITS
from agentroom_git.sidecar.edits import Edits
from agentroom_git.sidecar.endings import EndingsDuty
from agentroom_git.sidecar.gating import GateDuty
from agentroom_git.sidecar.packer import PackDuty
from agentroom_git.sidecar.watch import Watch

# A worktree in the middle of a git command is tried again soon; one that waits for its agent, when something moves.
RETRY_PASSING_SECONDS = 0.05
RETRY_WAITING_SECONDS = 1.0
LOOK_AT_DISK_SECONDS = 1.0

Fingerprint = tuple[object, ...]

DUTIES: tuple[Callable[[Room, Callable[[], None]], Duty], ...] = (GateDuty, PackDuty, EndingsDuty)
"""What makes the duties of a room, in the order in which they run; a duty's thread calls the second argument when it is
done, so that the duty gets its turn at once."""


@dataclass(slots=True)
class Service:
    """What was last seen of the room, whether worktrees wait (`busy`: for the end of a tool), and its duties."""

    room: Room
    say: Callable[[str], None]
    watch: Watch
    roster: Roster = field(init=False)
    folder: Folder = field(init=False)
    seen: Fingerprint = ()
    noted: dict[str, Oid] = field(default_factory=dict)
    retry_after: float | None = None
    busy: tuple[Path, ...] = ()
    tried: float = 0.0
    pause: float = 0.0
    is_disk_full: bool = False
    known: dict[str, Oid] = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Folder(self.room)
        self.known = forward_only.remembered(self.room)
        others = [make(self.room, self.watch.poke) for make in DUTIES]
        self.roster = Roster([Edits(self.room, self.watch), *others], self.say)

    def tick(self) -> bool:
        """Bring everything up to date; return whether something was folded.

        What fails is said and rests for a while; the room's other duties go on.
        """
        now = self.room.clock.monotonic()
        if clear_left_locks(self.room):
            # A sync was killed on its way: it is taken back and done again.
            self.seen = ()
        if self._mind_disk():
            return False
        folded = moved = False
        if not self.pause or now - self.tried >= self.pause:
            try:
                folded, moved = self._bring_up_to_date(now)
                self.pause = 0.0
            except AgentroomError as error:
                self._rest(now, f"{error};")
            except Exception:  # noqa: BLE001 - the room's boundary: one bad moment must not end everybody's syncing
                self._rest(now, traceback.format_exc())
                self.folder = Folder(self.room)
        self.roster.wake(EDITS)
        self.roster.run(self.room.clock.monotonic(), moved=moved)
        return folded

    def look_at_edits(self) -> None:
        """Give the edits and what is due their turn, without a look at refs: nothing but files was touched."""
        if not self.is_disk_full:
            self.roster.wake(EDITS)
            self.roster.run(self.room.clock.monotonic(), moved=False)

    def next_in(self) -> float | None:
        """Return in how many seconds there is something to do by itself, or None."""
        if self.is_disk_full:
            return LOOK_AT_DISK_SECONDS
        now = self.room.clock.monotonic()
        wait = self.pause or self.retry_after
        own = None if wait is None else max(0.0, self.tried + wait - now)
        return min((one for one in (own, self.roster.next_in(now)) if one is not None), default=None)

    def close(self) -> None:
        self.roster.close()

    def _mind_disk(self) -> bool:
        """Return whether there is too little room on a disk to do anything; say so when it begins and ends."""
        found = disk.shortage(self.room)
        if found and not self.is_disk_full:
            self.say(f"{found}: nothing is folded or synced until there is room")
        elif self.is_disk_full and not found:
            self.say("there is room on the disk again")
        self.is_disk_full = bool(found)
        return self.is_disk_full

    def _rest(self, now: float, why: str) -> None:
        self.pause, self.tried, self.seen = back_off(self.pause), now, ()
        self.say(f"{why} again in {self.pause:g} s")

    def _bring_up_to_date(self, now: float) -> tuple[bool, bool]:
        """Fold, sync and write notes where something moved; return whether something was folded, and moved."""
        self._put_back()
        fingerprint = _fingerprint(self.room)
        is_due = self.retry_after is not None and now - self.tried >= self.retry_after
        # The end of a tool wakes the loop, since it takes the mark away.
        is_due |= any(not toolmark.is_running(str(git_dir)) for git_dir in self.busy)
        has_moved = fingerprint != self.seen
        folded = self._fold_and_sync(now) if has_moved or is_due else False
        # As it was before the fold: what moved meanwhile, by us or by others, is looked at in the next round.
        self.seen = fingerprint
        return folded, self._note() or has_moved

    def _put_back(self) -> None:
        put = forward_only.put_back(self.room, self.known)
        for name in put:
            self.say(f"{name} was removed or moved back by force: put back at {self.known[name][:10]}")
        forward_only.tell_put_back(self.room, put)

    def _fold_and_sync(self, now: float) -> bool:
        report = self.folder.fold()
        for made in report.made:
            if made.agent != BASE:
                leases.beat(acting_as(self.room, made.agent))
        after_folds(self.room, report.made)
        results = sync_room(self.room)
        self.retry_after = _retry_after(results, self.retry_after, has_failed=bool(report.failed))
        self.busy = _busy(self.room, results)
        self.tried = now
        return bool(report.made)

    def _note(self) -> bool:
        """Bring the notes up to date; return whether a ref of the room had moved."""
        self.known = forward_only.tips(self.room)
        if self.known == self.noted:
            return False
        notes.project(self.room)
        self.noted = self.known
        return True


def _retry_after(results: list[SyncResult], before: float | None, *, has_failed: bool) -> float | None:
    """Return in how many seconds to try again by itself, longer each time, or None where nothing waits."""
    waiting = [result for result in results if isinstance(result, Waiting)]
    if any(result.is_passing for result in waiting):
        return min(RETRY_WAITING_SECONDS, before * 1.5 if before else RETRY_PASSING_SECONDS)
    return RETRY_WAITING_SECONDS if waiting or has_failed else None


def _busy(room: Room, results: list[SyncResult]) -> tuple[Path, ...]:
    """Return the git directories of the worktrees that wait for the end of a tool."""
    agents = {result.agent for result in results if isinstance(result, Waiting) and result.reason == "tool"}
    return tuple(found.git_dir for agent, found in room.worktrees().items() if agent in agents) if agents else ()


def _fingerprint(room: Room) -> Fingerprint:
    """Return what decides whether there is something to fold or to sync."""
    branches = tuple((branch.agent, branch.head, branch.name, branch.under_way) for branch in observe_branches(room))
    return (room.refs.get(room.names.integration), *branches)
