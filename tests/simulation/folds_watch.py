"""What integration says of itself, watched at every step of every operation: as a kill right there would leave it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentroom_git.core.ids import Oid
from agentroom_git.git import folds
from agentroom_git.git.folds import Fold
from agentroom_git.git.operations import operation_under_way
from agentroom_git.room.room import Room
from simulation.seeds import Violation
from simulation.world import NAMES, World

Place = tuple[str, Oid | None]


@dataclass
class FoldsWatch:
    """`places` is where each agent was at the last look, `tips` the last commit that was folded off its own branch."""

    world: World
    places: dict[str, Place] = field(default_factory=dict)
    tips: dict[str, Oid] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.room = self.world.reader
        self.recorded = self.looked_at = self.room.integration()

    def look_within(self) -> None:
        """Of what a fold drops there is a record before integration has the fold (I1)."""
        tip = self.room.integration()
        for fold in self._since(self.recorded, tip):
            for record in (text.partition(" ")[0] for text in fold.contested):
                if self.room.refs.get(self.room.names.contested + record) is None:
                    raise Violation("I1", f"fold {fold.id[:10]} names the record {record}, and there is none")
        self.recorded = tip

    def look(self) -> None:
        """A branch that moved other than forward comes in as a join, which takes back what it left (P9)."""
        self.look_within()
        places = {name: _place(self.room, self.world, name) for name in NAMES}
        for fold in reversed(list(self._since(self.looked_at, self.recorded))):
            self._look_at(fold, places)
        self.looked_at, self.places = self.recorded, places

    def _look_at(self, fold: Fold, places: dict[str, Place]) -> None:
        (brought,) = fold.folded
        name, joined = brought.agent, folds.read_join(self.room.history, brought.id)
        new = joined[1] if joined else brought.id
        tip = self.tips.pop(name, None)
        own = (self.room.names.branch_ref(name), new)
        if not self.places.get(name) == places.get(name) == own:
            return  # it was elsewhere meanwhile
        if tip is not None and joined is None and not self.room.history.reaches(new, tip):
            raise Violation("P9", f"{name} went from {tip[:10]} to {new[:10]}, which is folded as if it went forward")
        self.tips[name] = new

    def _since(self, before: Oid, tip: Oid) -> Iterator[Fold]:
        """Yield the folds after `before`, newest first."""
        while tip != before and folds.is_fold(self.room.history, tip):
            yield folds.read_fold(self.room.history, tip)
            tip = self.room.history.parents(tip)[0]


def _place(room: Room, world: World, name: str) -> Place:
    """Return the branch of a worktree and its commit; neither where it is gone or git in the middle of something."""
    head = world.git_dir(name) / "HEAD"
    if not head.exists() or operation_under_way(world.git_dir(name)):
        return "", None
    branch = head.read_text().strip().removeprefix("ref: ")
    return branch, room.refs.get(branch) if branch.startswith("refs/") else None
