"""One set of commits, one tree: whatever the order, the batches, the engine's memory and the number of engines.

Each history is made by three to five agents in thirty steps: edits, renames, deletions, folds that agents build on,
merges of their own, amended commits and rebases, which reach the set through the join that the room writes for them.
CONVERGENCE_HISTORIES=20000 in the environment runs more of them; the seed of a failure is in its message.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast

import pygit2
import pytest

from agentroom_git.core import trailers
from agentroom_git.core.contested import Entry
from agentroom_git.core.fold import Engine
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.rewrite import replace_own
from agentroom_git.git import folds
from agentroom_git.git.objects import GitHistory, empty_tree
from agentroom_git.room import rewriting
from agentroom_git.room.room import Room

NAMES = tuple(map(AgentName, ("alice", "bob", "carol", "dave", "erin")))
FILES = (b"one.txt", b"dir/two.py", b"dir/three.json", b"moved/four.txt")
STEPS = 30
ORDERS = 10
HISTORIES = int(os.environ.get("CONVERGENCE_HISTORIES", "300"))
BATCH = 10

Files = dict[bytes, list[bytes]]


@dataclass
class Story:
    """A random history, and every commit that was ever handed to the room (by whom)."""

    handle: pygit2.Repository
    rng: random.Random
    agents: tuple[AgentName, ...]
    tips: dict[AgentName, Oid] = field(default_factory=dict)
    handed: list[Head] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = GitHistory(self.handle)
        self.engine = Engine(self.history)
        start = {name: [b"start %d\n" % n for n in range(8)] for name in FILES}
        base = self.commit(self.agents[0], self.tree_of(start), [])
        self.tips = dict.fromkeys(self.agents, base)

    def tree_of(self, files: Files) -> Oid:
        edits = {name: Entry(self.history.write_blob(b"".join(lines)), 0o100644) for name, lines in files.items()}
        return self.history.write_tree(empty_tree(self.handle), edits)

    def files(self, commit: Oid) -> Files:
        found = self.history.changes(None, self.history.tree_of(commit))
        entries = {name: new for name, (_, new) in found.items() if new}
        return {name: self.history.blob(entry.id).splitlines(keepends=True) for name, entry in entries.items()}

    def commit(self, agent: AgentName, tree: Oid, parents: list[Oid], *, is_fold: bool = False) -> Oid:
        name = "agentroom" if is_fold else agent
        who = pygit2.Signature(name, "t@example.invalid", 1_700_000_000 + self.rng.randint(-999, 999), 0)
        line = f"{trailers.FOLDED}: {parents[-1]} {agent}" if is_fold else f"{trailers.AGENT}: {agent}"
        message = f"{self.rng.random()}\n\n{line}\n"
        return Oid(str(self.handle.create_commit(None, who, who, message, tree, parents)))

    def step(self) -> None:
        agent = self.rng.choice(self.agents)
        self.rng.choices((self.edit, self.build_on_a_fold, self.merge, self.amend, self.rebase), (60, 14, 10, 9, 7))[0](
            agent
        )
        self.handed.append(Head(self.tips[agent], agent))

    def edit(self, agent: AgentName) -> None:
        tip = self.tips[agent]
        self.tips[agent] = self.commit(agent, self.tree_of(self.edited(self.files(tip))), [tip])

    def edited(self, files: Files) -> Files:
        rng = self.rng
        name = rng.choice(sorted(files) or [FILES[0]])
        lines = files.setdefault(name, [])
        at = rng.randrange(len(lines) + 1)
        kind = rng.random()
        if kind < 0.06 and len(files) > 1:
            files[rng.choice((b"new/", b"dir/")) + name.rpartition(b"/")[2]] = files.pop(name)
        elif kind < 0.1 and len(files) > 1:
            del files[name]
        else:
            new = [b"line %d of %d\n" % (rng.randrange(6), rng.randrange(6)) for _ in range(rng.randrange(3))]
            lines[at : at + rng.randrange(3)] = new
        return files

    def heads(self) -> list[Head]:
        return [*self.handed, *(Head(tip, agent) for agent, tip in self.tips.items())]

    def build_on_a_fold(self, agent: AgentName) -> None:
        heads = self.heads()
        folded = self.engine.fold(heads)
        kept = sorted(self.history.maximal(frozenset(head.id for head in heads)))
        if len(kept) > 1:
            self.tips[agent] = self.commit(agent, folded.tree, kept, is_fold=True)

    def merge(self, agent: AgentName) -> None:
        """Merge another agent's branch by hand, sometimes with changes of one's own in the merge."""
        other = self.rng.choice(self.agents)
        pair = [Head(self.tips[agent], agent), Head(self.tips[other], other)]
        tree = self.engine.fold(pair).tree
        merged = self.commit(agent, tree, sorted({head.id for head in pair}))
        if self.rng.random() < 0.5:
            merged = self.commit(
                agent, self.tree_of(self.edited(self.files(merged))), sorted({head.id for head in pair})
            )
        self.tips[agent] = merged

    def amend(self, agent: AgentName) -> None:
        self.rewrite(agent, 1)

    def rebase(self, agent: AgentName) -> None:
        self.rewrite(agent, 2)

    def rewrite(self, agent: AgentName, count: int) -> None:
        """Make the last commits anew, in as many commits, and hand in the join as the room does."""
        old = self.tips[agent]
        start = old
        for _ in range(count):
            parents = self.history.parents(start)
            if len(parents) != 1 or self.history.author_of(start) != agent:
                return
            start = parents[0]
        new = start
        for _ in range(count):
            new = self.commit(agent, self.tree_of(self.edited(self.files(new))), [new])
        self.tips[agent] = new
        self.handed += [Head(old, agent), Head(self.join(agent, old, new), agent)]

    def join(self, agent: AgentName, old: Oid, new: Oid) -> Oid:
        history = self.history
        room = cast(Room, SimpleNamespace(history=history))
        folded = replace_own(self.engine, agent, old, new, rewriting.own_commits(room, agent, old, new))
        return folds.write_join(history, agent, old, new, folded.tree, history.commit(new).commit_time)


def fold_in_batches(engine: Engine, handed: list[Head], rng: random.Random) -> Oid:
    """Fold what was handed in, in a random order and in random batches; return the last fold's tree."""
    waiting = handed[:]
    rng.shuffle(waiting)
    arrived: frozenset[Head] = frozenset()
    tree = None
    while waiting:
        size = rng.randint(1, 12)
        arrived |= frozenset(waiting[:size])
        waiting = waiting[size:]
        if rng.random() < 0.3 or not waiting:
            tree = engine.fold(arrived).tree
    assert tree is not None
    return tree


@pytest.fixture
def handle(tmp_path: Path) -> Iterator[pygit2.Repository]:
    # Nearly all the time goes into small files, so they are kept in memory where the system has a place for that.
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield pygit2.init_repository(folder, bare=True)


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_every_order_batching_and_engine_gives_one_tree(handle: pygit2.Repository, first: int) -> None:
    for seed in range(first, min(first + BATCH, HISTORIES)):
        rng = random.Random(seed)
        story = Story(handle, rng, NAMES[: rng.randint(3, 5)])
        for _ in range(STEPS):
            story.step()
        handed = list(dict.fromkeys(story.heads()))
        second = Engine(GitHistory(handle))
        trees = {fold_in_batches(story.engine if number % 2 else second, handed, rng) for number in range(ORDERS)}
        trees.add(Engine(second.history).fold(handed).tree)
        assert len(trees) == 1, f"seed {seed}: {sorted(trees)}"
