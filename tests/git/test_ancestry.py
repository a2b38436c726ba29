"""What is told along integration, against the whole graph."""

import random
from dataclasses import dataclass, field

import pytest

from agentroom_git.core.ids import Oid
from agentroom_git.git import ancestry as ancestries
from agentroom_git.git.ancestry import Ancestry


@dataclass
class _Graph:
    """A room's history: folds, branches that start at older ones, and now and then a merge of anything."""

    rng: random.Random
    parents: dict[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    reached: dict[Oid, frozenset[Oid]] = field(default_factory=dict)

    def commit(self, *parents: Oid) -> Oid:
        made = Oid(f"{len(self.parents):040x}")
        self.parents[made] = parents
        self.reached[made] = frozenset({made}).union(*(self.reached[one] for one in parents))
        return made

    def begin(self) -> list[Oid]:
        """Return the chain of a new room on top of a history with merges."""
        first = [self.commit()]
        for _ in range(12):
            first.append(self.commit(first[-1], *self.rng.sample(first, self.rng.choice((0, 0, 1)))))
        return [first[-1], self.commit(first[-1])]

    def work(self, folds: list[Oid]) -> Oid:
        tip = self.rng.choice([*folds[-4:], self.rng.choice([*self.parents])])
        for _ in range(self.rng.randint(1, 4)):
            other = self.rng.choice([*self.parents])
            is_merge = self.rng.random() < 0.2 and other not in self.reached[tip]
            tip = self.commit(tip, other) if is_merge else self.commit(tip)
        return tip


@pytest.mark.parametrize("most_steps", [3, 10, 256])
def test_what_is_told_is_right_however_little_is_known(most_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ancestries, "MOST_STEPS", most_steps)
    asked = told = 0
    for seed in range(60):
        rng = random.Random(seed)
        graph = _Graph(rng)
        folds, ancestry = graph.begin(), Ancestry(graph.parents.get)
        for _ in range(25):
            new = graph.work(folds)
            if new not in graph.reached[folds[-1]]:
                folds.append(graph.commit(folds[-1], new))
            if rng.random() < 0.7 and not ancestry.grow(folds[-1]):
                ancestry = Ancestry(graph.parents.get)
                assert ancestry.grow(folds[-1])
            for wrong, answer in _asked(graph, ancestry, rng):
                asked, told = asked + 1, told + answer
                assert not wrong, f"seed {seed}"
    assert told > asked / 10


def _asked(graph: _Graph, ancestry: Ancestry, rng: random.Random) -> list[tuple[bool, bool]]:
    """Ask a few things; return of each whether the answer is wrong, and whether there was one."""
    recent = [*graph.parents][-40:]
    one, other = rng.choice(recent), rng.choice(recent)
    reaches = ancestry.reaches(one, other)
    bases = frozenset(rng.sample(recent, rng.randint(1, 4)))
    between = ancestry.between(bases, one)
    maximal = ancestry.maximal(bases)
    alone = graph.reached[one].difference(*(graph.reached[base] for base in bases))
    best = {one for one in bases if not any(one != base and one in graph.reached[base] for base in bases)}
    return [
        (reaches not in (None, other in graph.reached[one]), reaches is not None),
        (between not in (None, alone), between is not None),
        (maximal not in (None, best), maximal is not None),
    ]


def test_everything_is_told_of_branches_that_began_at_a_fold() -> None:
    graph = _Graph(random.Random(1))
    start = graph.commit(graph.commit())
    tips = [graph.commit(graph.commit(start)) for _ in range(20)]
    fold, ancestry = start, Ancestry(graph.parents.get)
    for number, tip in enumerate(tips):
        assert ancestry.grow(fold)
        done = frozenset(tips[:number]) or frozenset({start})
        assert ancestry.reaches(fold, tip) is False
        assert ancestry.between(done, tip) == {tip, *graph.parents[tip]}
        fold = graph.commit(fold, tip)
    assert ancestry.grow(fold)
    assert all(ancestry.reaches(fold, tip) for tip in tips)
    assert ancestry.maximal(frozenset([*tips, start])) == frozenset(tips)


def test_integration_that_was_put_elsewhere_is_another_trunk() -> None:
    graph = _Graph(random.Random(1))
    start = graph.commit(graph.commit())
    one, other = (graph.commit(start, graph.commit(start)) for _ in range(2))
    ancestry = Ancestry(graph.parents.get)

    assert ancestry.grow(one)
    assert not ancestry.grow(other)
    assert ancestry.reaches(one, start)
