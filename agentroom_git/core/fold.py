"""The fold: a pure function from a set of commits to a tree and a list of contested regions.

The set is given by its heads, each with the agent who wrote it; everything that they reach is in it, also the folds
that agents have built on (their trees are facts like any other). The tree is defined by recursion over the set alone,
so the order in which commits arrived, and how they were batched, cannot matter:

    fold({h})          = the tree of h
    fold({h1, .., hn}) = three-way merge of fold({h1, .., hn-1}) and h_n, over fold(what both reach)

with the heads in the order of their ids. With one merge base this is git's own three-way merge; with
several it is the virtual base of the recursive strategy, whose result is the fold of those bases.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agentroom_git.core.carried import carry
from agentroom_git.core.contested import Contested
from agentroom_git.core.gathered import gather
from agentroom_git.core.history import Head, History
from agentroom_git.core.ids import Oid
from agentroom_git.core.tree import Party, TreeMerge, Voice, merge_trees


@dataclass(frozen=True, slots=True)
class Folded:
    """`contested` are the records of every merge on the way, `gathered` the same with one for each region."""

    tree: Oid
    contested: tuple[Contested, ...]
    gathered: tuple[Contested, ...] = ()


@dataclass(slots=True)
class Engine:
    """Computes folds and remembers them; the memory never changes an answer."""

    history: History
    _folds: dict[frozenset[Head], Folded] = field(default_factory=dict)
    _voices: dict[tuple[frozenset[Oid], Head], Voice] = field(default_factory=dict)

    def fold(self, heads: Iterable[Head]) -> Folded:
        """Return the tree of the set with these heads, and what was contested on the way."""
        wanted = frozenset(heads)
        kept = self.history.maximal(frozenset(head.id for head in wanted))
        key = frozenset(head for head in wanted if head.id in kept)
        if not key:
            raise ValueError("a fold needs at least one head")
        if key not in self._folds:
            self._folds[key] = self._compute(key)
        return self._folds[key]

    def _compute(self, heads: frozenset[Head]) -> Folded:
        first, *rest = sorted(heads)
        folded = Folded(self.history.tree_of(first.id), ())
        done = [first]
        for head in rest:
            # The first heads are a set of their own: what is known of it need not be merged again.
            key = frozenset([*done, head])
            if key not in self._folds:
                self._folds[key] = self._grow(folded, self._merge(folded.tree, done, head))
            folded = self._folds[key]
            done.append(head)
        return folded

    def _grow(self, folded: Folded, step: TreeMerge) -> Folded:
        known = tuple(dict.fromkeys((*folded.contested, *folded.gathered)))
        moved = dict(zip(known, carry(self.history, known, folded.tree, step.tree), strict=True))
        contested = distinct((*(moved[one] for one in folded.contested), *step.contested))
        earlier = [(one, moved[one]) for one in folded.gathered]
        found = gather(self.history, folded.tree, earlier, step.tree, step.contested)
        over = frozenset[str]().union(*(one.over for one in found))
        kept = tuple(there for one, there in earlier if one.id not in over)
        return Folded(step.tree, contested, distinct((*kept, *(one.record for one in found))))

    def _merge(self, tree: Oid, done: list[Head], head: Head) -> TreeMerge:
        meet = self.history.meet(frozenset(one.id for one in done), head.id)
        base = self._base(meet)
        doubtful = None
        if base is not None and len(meet) > 1:
            doubtful = {record.path for record in base.contested if record.winner is not None}
        ours = Party(tree, tuple(self.voice(meet, one) for one in done))
        theirs = Party(self.history.tree_of(head.id), (self.voice(meet, head),))
        return merge_trees(self.history, base.tree if base else None, ours, theirs, doubtful)

    def _base(self, meet: frozenset[Oid]) -> Folded | None:
        """Return the virtual base; histories that share nothing have none."""
        return self.fold(Head(id, self.history.author_of(id)) for id in meet) if meet else None

    def voice(self, meet: frozenset[Oid], head: Head) -> Voice:
        """Return how a head speaks in a merge over the commits `meet`."""
        # Every merge of a set has a voice of each of its heads, and mostly over the same commits.
        if (meet, head) not in self._voices:
            self._voices[meet, head] = self._find_voice(meet, head)
        return self._voices[meet, head]

    def _find_voice(self, meet: frozenset[Oid], head: Head) -> Voice:
        history = self.history
        return Voice(
            agent=head.agent,
            id=head.id,
            weight=history.weight(meet, head.id),
            tree=history.tree_of(head.id),
            tokens=tuple(sorted(history.tokens(meet, head.id).items())),
        )


def distinct(contested: tuple[Contested, ...]) -> tuple[Contested, ...]:
    """Return each record once."""
    return tuple({record.id: record for record in contested}.values())
