"""Which worktrees wait instead of being synced, and why: kept in a private file, for `status` and for what was told."""

from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json

REASONS = {
    "switched": "it is not on its own branch: git switch {branch}",
    "unfolded": "it has commits that are not folded yet: agentroom fold does it, or the sidecar",
    "held": "its branch stepped back; run sync to take the others' work up again",
    "refused": "its newest commit has a path that nobody may check out: git rm --cached it and commit",
    "dirty": "uncommitted changes are in the way: commit them, or run sync",
    "untracked": "untracked files are in the way: commit or move them, or run sync",
    "staged": "staged changes are in the way: commit them",
    "filter": "these paths need a filter program: run git merge {integration}",
    "operation": "an operation of git's is under way there: finish it",
    "locked": "git holds a lock there; it goes on when git ends",
    "moved": "its branch moved just now; it is tried again",
    "branch": "it is not on its own branch: git switch {branch}",
    "exchange": "its file system cannot exchange files: run git merge {integration}",
    "index": "only git writes its index (split or sparse): git update-index --no-split-index, or merge {integration}",
    "submodule": "a submodule is in the way: run git merge {integration}",
    "tool": "a tool of its agent's runs there; it goes on when the tool ends",
    "busy": "its agent has just written there; it is tried again",
    "case": "its file system takes some names for one: rename one of them, or run git merge {integration}",
    "unsafe": "integration has paths that must not be written",
}
PASSING = frozenset({"locked", "moved", "unfolded", "tool", "busy"})
QUIET = PASSING | {"operation", "held"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """The worktree was left as it is. `reason` is one of `REASONS`, or the worktree's own problem; `late` as above."""

    agent: AgentName
    reason: str
    text: str
    paths: tuple[str, ...]
    late: tuple[str, ...] = ()

    @property
    def is_passing(self) -> bool:
        """Whether it goes by itself, so that nobody is told."""
        return self.reason in PASSING


def waiting(room: Room, agent: AgentName, reason: str, paths: tuple[str, ...]) -> Waiting:
    """Return that the agent's worktree waits for this reason, in words."""
    text = REASONS[reason].format(
        branch=room.names.branch(agent), integration=f"agentroom/{room.names.room}/integration"
    )
    return Waiting(agent, reason, text, paths)


def file_of(room: Room) -> Path:
    return room.private / "waits.json"


def waits(room: Room) -> dict[str, Waiting]:
    """Return the worktrees that waited when they were last looked at."""
    found = {}
    for agent, entry in read_json(file_of(room)).items():
        if isinstance(entry, dict):
            paths = tuple(str(path) for path in entry.get("paths", ()))
            found[agent] = Waiting(AgentName(agent), str(entry.get("reason")), str(entry.get("text")), paths)
    return found
