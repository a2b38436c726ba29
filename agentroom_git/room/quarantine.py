"""Commits that are not folded because no worktree could take them: they have a path that must not be written.

Git itself refuses to check out such paths (`.git` in any spelling, `..`), but stores them. Folded, one would keep
every other worktree from being synced. The agent is told; once the path is gone from its branch's newest commit, that
is folded.
"""

from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.paths import is_safe_path
from agentroom_git.room.room import Room

MAX_TOLD = 20


def unsafe_paths(room: Room, integration: Oid, commit: Oid) -> tuple[str, ...]:
    """Return the paths that must not be written and that the commit has and integration has not."""
    history = room.history
    changes = history.changes(history.tree_of(integration), history.tree_of(commit))
    return tuple(path_text(path) for path, (_, after) in sorted(changes.items()) if after and not is_safe_path(path))


def notice_of(agent: AgentName, commit: Oid, paths: tuple[str, ...]) -> Notice | None:
    """Return what the agent is told, or None where there is nobody to tell."""
    text = (
        f"your commit {commit[:10]} has a path that nobody may check out, {paths[0]}, so your work does not reach the"
        " others: git rm --cached it and commit"
    )
    return None if agent == BASE else Notice("unsafe", (agent,), text, paths[:MAX_TOLD])
