"""The folds that are in question, oldest first, and the tree of each without what is already explained.

Where a fold is known to have broken the check, its change is taken out of the later ones, as far as that contests
nothing: so a second breakage is found behind a first one that nobody has repaired yet.
"""

from dataclasses import dataclass, field

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.git import folds
from agentroom_git.room.gate.reading import explained_folds, read_green
from agentroom_git.room.room import Room


@dataclass(slots=True)
class Line:
    """`commits` begin with green (`is_green`), or with the commit that opened the room, and end with the tip."""

    room: Room
    commits: list[Oid]
    is_green: bool
    explained: list[Oid]
    _trees: dict[Oid, Oid] = field(default_factory=dict)

    def tree(self, commit: Oid) -> Oid:
        """Return the commit's tree without the changes that are explained."""
        if commit not in self._trees:
            self._trees[commit] = self._without_explained(commit)
        return self._trees[commit]

    def _without_explained(self, commit: Oid) -> Oid:
        history = self.room.history
        tree = history.tree_of(commit)
        for broken in self.explained:
            if history.reaches(commit, broken):
                before = history.tree_of(history.parents(broken)[0])
                tree = apply_step(self.room, tree, history.tree_of(broken), before) or tree
        return tree


def read_line(room: Room) -> Line:
    """Return the folds from green to integration's tip."""
    green = read_green(room)
    found = [room.integration()]
    while found[-1] != green and folds.is_fold(room.history, found[-1]):
        found.append(room.history.parents(found[-1])[0])
    commits = found[::-1]
    known = explained_folds(room)
    # The newest first: each is taken out of what later ones built on it.
    return Line(room, commits, commits[0] == green, [one for one in found if one in known and one != commits[0]])


def apply_step(room: Room, tree: Oid, before: Oid, after: Oid) -> Oid | None:
    """Return the tree with the step from one tree to another applied to it, or None where that contests something."""
    if tree == before:
        return after
    ours, theirs = (Party(id, (Voice(AgentName(name), id, 1, id),)) for name, id in (("room", tree), ("step", after)))
    merged = merge_trees(room.history, before, ours, theirs)
    return None if merged.contested else merged.tree
