"""The uncommitted edits of a room's agents, as far as they were looked at."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.dirt import Dirt, Edit
from agentroom_git.git.worktrees import Worktree


@dataclass(slots=True)
class Desk:
    """One agent's worktree and what is edited in it."""

    agent: AgentName
    worktree: Worktree
    dirt: Dirt
    edits: dict[bytes, Edit] = field(default_factory=dict)

    @classmethod
    def open(cls, agent: AgentName, worktree: Worktree, head: Oid) -> "Desk":
        return cls(agent, worktree, Dirt(worktree.path, head))

    def look(self, paths: Iterable[bytes]) -> list[Edit]:
        """Look at the files again; return those that are edited."""
        found = []
        for path in paths:
            edit = self.dirt.look(path)
            if edit is None:
                self.edits.pop(path, None)
                self.dirt.forget(path)
            else:
                self.edits[path] = edit
                found.append(edit)
        return found

    def look_at_all(self) -> list[Edit]:
        """Look at the whole worktree."""
        return self.look(self.dirt.scan() | self.edits.keys())

    def move(self, worktree: Worktree, head: Oid) -> list[Edit]:
        """Take up another HEAD: what it changed may have become an edit, or none, without the file being written."""
        history = self.dirt.history
        before, self.dirt.head, self.worktree = self.dirt.head, head, worktree
        changed: Collection[bytes] = history.changes(history.tree_of(before), history.tree_of(head))
        return self.look({*changed, *self.edits})
