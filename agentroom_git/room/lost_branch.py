"""An agent's branch that somebody deleted while its worktree was on it."""

from agentroom_git.core.ids import AgentName
from agentroom_git.git import reflog
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room.room import Room


def is_lost(room: Room, agent: AgentName, found: Worktree) -> bool:
    """Return whether the worktree's HEAD is on the agent's branch, and that names no commit."""
    return found.head is None and found.branch == room.names.branch_ref(agent)


def put_back(room: Room, agent: AgentName, found: Worktree) -> bool:
    """Make a lost branch again where its worktree's HEAD was last; return whether there was one to make.

    The worktree is not touched. Where the reflog is lost, too, the branch begins at integration, and what the worktree
    has besides counts as the agent's edits.
    """
    if not is_lost(room, agent, found):
        return False
    head = reflog.last_commit(room.repo.handle, found.git_dir) or room.integration()
    return room.refs.swap(found.branch, head, None, message="agentroom: put back a deleted branch")
