"""One turn of an agent's own: save its edits, fold, and bring the others' work in, now."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.claims import Returned
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import aftermath, coordination, leases, notes
from agentroom_git.room.folding import Folder, FoldReport
from agentroom_git.room.room import Room
from agentroom_git.room.saving import Saved, save_edits, save_own
from agentroom_git.room.syncing import SyncResult, sync_room


@dataclass(frozen=True, slots=True)
class Turn:
    saved: Saved
    folds: FoldReport
    synced: SyncResult


def own_worktree(room: Room, agent: AgentName) -> Worktree:
    """Return the agent's worktree; raise `UsageError` with the remedy where it has no sound one."""
    found = room.worktrees().get(agent)
    if found is None:
        raise UsageError(f"{agent} has no worktree", hint=f"run: agentroom join {agent}")
    if found.problem:
        raise UsageError(f"{agent}'s worktree {found.path}: {found.problem}", hint=f"run: agentroom join {agent}")
    return found


def take_turn(room: Room, *, message: str = "") -> Turn:
    """Commit the acting agent's edits, fold everyone's commits, and bring integration into its worktree."""
    agent = room.agent()
    room.integration()
    leases.beat(room)
    saved = save_edits(room, agent, own_worktree(room, agent), message)
    report = Folder(room).fold()
    aftermath.after_folds(room, report.made)
    (synced,) = sync_room(room, [agent], asked=True)
    notes.project(room)
    return Turn(saved, report, synced)


def release(room: Room, paths: Sequence[str] | None) -> Returned:
    """Commit the acting agent's edits, where the room saves at such moments, and give back its claims on the paths.

    In this order, so that the commit names the tokens. What cannot be saved keeps nobody from giving back.
    """
    save_own(room, "before it gave back a claim")
    return coordination.release(room, paths)
