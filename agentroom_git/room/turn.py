"""One turn of an agent's own: save its edits, fold, and bring the others' work in, now."""

from dataclasses import dataclass

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import aftermath, leases, notes
from agentroom_git.room.folding import Folder, FoldReport
from agentroom_git.room.room import Room
from agentroom_git.room.saving import Saved, save_edits
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
