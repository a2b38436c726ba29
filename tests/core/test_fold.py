"""The fold over random histories: a function of the set, and nothing lost without a record."""

import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import pytest

from agentroom_git.core.contested import Entry
from agentroom_git.core.fold import Engine, Folded
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.objects import GitHistory, empty_tree

NAMES = ("alice", "bob", "carol", "dave")
FILES = (b"one.txt", b"dir/two.txt", b"dir/three.txt")


@dataclass
class History:
    """A random history of several agents; every added line is unique, and who deleted what they had is known."""

    handle: pygit2.Repository
    rng: random.Random
    agents: tuple[str, ...]
    tips: dict[str, Oid] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.objects = GitHistory(self.handle)
        base = self.commit("base", {name: [f"start {n}" for n in range(6)] for name in FILES}, [])
        self.tips = dict.fromkeys(self.agents, base)

    def commit(self, agent: str, files: dict[bytes, list[str]], parents: list[Oid]) -> Oid:
        edits = {
            name: Entry(self.objects.write_blob("".join(f"{line}\n" for line in lines).encode()), 0o100644)
            if lines
            else None
            for name, lines in files.items()
        }
        tree = self.objects.write_tree(empty_tree(self.handle), edits)
        return self.commit_tree(agent, tree, parents)

    def commit_tree(self, agent: str, tree: Oid, parents: list[Oid]) -> Oid:
        who = pygit2.Signature(agent, "t@example.invalid", 1_700_000_000 + self.rng.randint(-999, 999), 0)
        message = f"{self.rng.random()}\n\nAgentroom-Agent: {agent}\n"
        return Oid(str(self.handle.create_commit(None, who, who, message, tree, parents)))

    def files(self, tree: Oid) -> dict[bytes, list[str]]:
        entries = {name: self.objects.entry(tree, name) for name in FILES}
        return {name: self.objects.blob(entry.id).decode().splitlines() for name, entry in entries.items() if entry}

    def step(self) -> None:
        agent = self.rng.choice(self.agents)
        if self.rng.random() < 0.25:
            self.take_in(agent)
        else:
            self.edit(agent)

    def edit(self, agent: str) -> None:
        tip = self.tips[agent]
        files = self.files(self.objects.tree_of(tip))
        name = self.rng.choice(FILES)
        lines = files.setdefault(name, [])
        choice = self.rng.random()
        place = self.rng.randrange(len(lines) + 1)
        if choice < 0.3 and lines:
            gone = lines.pop(min(place, len(lines) - 1))
            self.deleted.add(gone)
        else:
            if choice < 0.5 and place < len(lines):
                self.deleted.add(lines.pop(place))
            token = f"{agent} {len(self.added)}"
            self.added.add(token)
            lines.insert(place, token)
        self.tips[agent] = self.commit(agent, files, [tip])

    def take_in(self, agent: str) -> None:
        """Build on a fold of everything, as after a sync."""
        heads = self.heads()
        folded = Engine(self.objects).fold(heads)
        self.note(folded)
        parents = sorted({head.id for head in heads} | {self.tips[agent]})
        self.tips[agent] = self.commit_tree(agent, folded.tree, parents)

    def heads(self) -> list[Head]:
        return [Head(tip, AgentName(agent)) for agent, tip in self.tips.items()]

    def note(self, folded: Folded) -> None:
        """Keep what the fold recorded as contested."""
        for record in folded.gathered:
            for side in (record.base, *record.sides):
                if side is not None:
                    self.seen += self.objects.blob(side).decode().splitlines()


@pytest.fixture(scope="module")
def handle(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path_factory.mktemp("histories")), bare=True)


@pytest.mark.parametrize("seed", range(40))
def test_no_line_is_lost_without_a_record_and_no_order_matters(handle: pygit2.Repository, seed: int) -> None:
    rng = random.Random(seed)
    history = History(handle, rng, NAMES[: rng.randint(2, 4)])
    for _ in range(rng.randint(4, 24)):
        history.step()

    trees = {Engine(GitHistory(handle)).fold(order).tree for order in itertools.permutations(history.heads())}
    folded = Engine(history.objects).fold(history.heads())
    history.note(folded)

    assert trees == {folded.tree}
    present = {line for lines in history.files(folded.tree).values() for line in lines}
    lost = history.added - present - history.deleted - set(history.seen)
    assert lost == set(), f"seed {seed}"


@pytest.mark.parametrize("seed", range(20))
def test_a_warm_engine_gives_what_a_fresh_one_gives(handle: pygit2.Repository, seed: int) -> None:
    history = History(handle, random.Random(1000 + seed), NAMES[:3])
    warm = Engine(history.objects)
    for _ in range(16):
        history.step()
        found = warm.fold(history.heads())
        assert found == Engine(GitHistory(handle)).fold(history.heads())


@pytest.mark.parametrize("seed", range(30))
def test_two_heads_with_one_base_merge_as_git_does_where_git_is_clean(
    handle: pygit2.Repository, seed: int, git
) -> None:
    history = History(handle, random.Random(2000 + seed), NAMES[:2])
    for _ in range(4):
        history.edit("alice")
        history.edit("bob")
    one, other = history.tips["alice"], history.tips["bob"]

    printed = git("merge-tree", "--write-tree", one, other, cwd=Path(handle.path), check=False).splitlines()

    folded = Engine(history.objects).fold(history.heads())
    if len(printed) == 1:
        assert (folded.tree, folded.contested) == (printed[0], ())


def test_folding_what_is_in_already_changes_nothing(handle: pygit2.Repository) -> None:
    history = History(handle, random.Random(7), NAMES[:2])
    for _ in range(8):
        history.step()
    older = history.tips["alice"]
    history.edit("alice")
    engine = Engine(history.objects)

    again = engine.fold([*history.heads(), Head(older, AgentName("alice"))])

    assert again == engine.fold(history.heads())


def test_histories_that_share_nothing_keep_both_sides_files(handle: pygit2.Repository) -> None:
    one = History(handle, random.Random(1), ("alice",))
    other = History(handle, random.Random(2), ("bob",))
    root = other.commit("bob", {b"other.txt": ["alone"]}, [])

    folded = Engine(one.objects).fold([Head(one.tips["alice"], AgentName("alice")), Head(root, AgentName("bob"))])

    assert set(one.objects.changes(None, folded.tree)) == {*FILES, b"other.txt"}
