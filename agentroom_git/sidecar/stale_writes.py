"""Looking at uncommitted files, once they have been left alone for a moment, for whole-file writes from an old version.

The hook after a tool does that at once, and a save before it commits; this is for agents without hooks and hooks that
were killed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git.worktree_lock import is_taken
from agentroom_git.room import stale, toolmark
from agentroom_git.room.edits import Desk
from agentroom_git.room.room import Room
from agentroom_git.system.pids import is_git_at_work_in

SETTLE_SECONDS = 1.0
"""How long a worktree's files have to be left alone: an editor may empty a file before it writes it."""


@dataclass(slots=True)
class StaleWrites:
    """`looked` is the moment of the last edits that were looked at, by agent."""

    room: Room
    looked: dict[AgentName, float] = field(default_factory=dict)

    def run(self, now: float, desks: Mapping[AgentName, Desk], edited: Mapping[AgentName, float]) -> float | None:
        """Look where the last edits, made when `edited` says, are over; return in how many seconds others will be."""
        due: list[float] = []
        for agent, at in edited.items():
            desk = desks.get(agent)
            if desk is None or not desk.edits or self.looked.get(agent) == at:
                continue
            if now - at < SETTLE_SECONDS:
                due.append(at + SETTLE_SECONDS - now)
            elif self._is_busy(desk):
                due.append(SETTLE_SECONDS)
            else:
                self.looked[agent] = at
                self._look(agent, desk)
        return min(due, default=None)

    def _is_busy(self, desk: Desk) -> bool:
        git_dir, top = desk.worktree.git_dir, desk.worktree.path
        return toolmark.is_running(str(git_dir)) or is_taken(git_dir) or is_git_at_work_in(top)

    def _look(self, agent: AgentName, desk: Desk) -> None:
        worktree = self.room.worktrees().get(agent)
        if worktree is None or worktree.problem:
            return
        try:
            paths = [path.decode("utf-8", "surrogateescape") for path in desk.edits]
            stale.look_at_edits(self.room, agent, worktree, paths)
        except AgentroomError:
            # Looked at again before it is saved: one agent's trouble is no other's.
            return
