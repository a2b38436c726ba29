"""Landing, undoing and moves of the user's branch in random order: nothing is lost, doubled or brought back.

Every line that is ever added is unique, so each can be accounted for: it is on integration once, or in a contested
record, or somebody who had it deleted it, or its fold was undone.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agentroom_git.git import contested_refs
from agentroom_git.room import landing, undo
from agentroom_git.room.landed import fold_chain
from agentroom_git.room.landing import Choices
from agentroom_git.room.verifying import verify
from rooms import Bed

AGENTS = ("alice", "bob")
FILES = ("a.txt", "b.txt", "c.txt")
STEPS = 22


@dataclass
class World:
    """The room, what was added and deleted so far, and which lines an undo or an amend has made uncertain."""

    bed: Bed
    chance: random.Random
    added: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    free: set[str] = field(default_factory=set)
    count: int = 0

    def edit(self, folder: Path) -> None:
        """Insert some new lines and sometimes delete one, in one file."""
        path = folder / self.chance.choice(FILES)
        lines = path.read_text().splitlines() if path.exists() else []
        if lines and self.chance.random() < 0.4:
            self.deleted.add(lines.pop(self.chance.randrange(len(lines))))
        for _ in range(self.chance.randrange(1, 3)):
            self.count += 1
            token = f"line-{self.count:04d}-of-this-history"
            self.added.add(token)
            lines.insert(self.chance.randrange(len(lines) + 1), token)
        path.write_text("".join(f"{line}\n" for line in lines))

    def agent(self) -> None:
        name = self.chance.choice(AGENTS)
        self.edit(self.bed.path(name))
        self.bed.commit(name, {}, f"work {self.count}")

    def human(self) -> None:
        self.edit(self.bed.repository)
        self.bed.git("add", *(name for name in FILES if (self.bed.repository / name).exists()), cwd=self.bed.repository)
        self.bed.git("commit", "--quiet", "-m", f"by hand {self.count}", cwd=self.bed.repository)

    def amend(self) -> None:
        """Put more into the user's newest commit; what it replaces may be dropped or doubled by nobody but the user."""
        before = self._lines()
        self.edit(self.bed.repository)
        self.bed.git("add", *(name for name in FILES if (self.bed.repository / name).exists()), cwd=self.bed.repository)
        self.bed.git("commit", "--quiet", "--amend", "--no-edit", cwd=self.bed.repository)
        self.free |= before - self._lines()

    def _lines(self) -> set[str]:
        paths = [self.bed.repository / name for name in FILES]
        return {line for path in paths if path.exists() for line in path.read_text().splitlines()}

    def settle(self) -> None:
        self.bed.settle()

    def fold(self) -> None:
        self.bed.fold()

    def land(self) -> None:
        merge = self.chance.random() < 0.2
        done = landing.land(self.bed.room(), Choices(contested=True, merge=merge))
        assert done.objections == ()
        assert self.bed.tree("main") == self.bed.tree(done.fold)

    def undo(self) -> None:
        room = self.bed.room()
        chain = list(fold_chain(room, room.integration()))
        if not chain:
            return
        fold = self.chance.choice(chain[:6])
        history = room.history
        before, after = (self._tokens(history.tree_of(one)) for one in (history.parents(fold)[0], fold))
        done = undo.undo(room, [fold], contested=self.chance.random() < 0.5)
        if done.made is not None:
            self.free |= before ^ after

    def _tokens(self, tree: str) -> set[str]:
        names = self.bed.git("ls-tree", "-r", "--name-only", tree, cwd=self.bed.repository).split()
        texts = [self.bed.git("show", f"{tree}:{name}", cwd=self.bed.repository) for name in names if name in FILES]
        return {line for text in texts for line in text.splitlines()}

    def check(self) -> None:
        room = self.bed.room()
        texts = [self.bed.integrated(name) or "" for name in FILES]
        present = [line for text in texts for line in text.splitlines()]
        kept = {
            line
            for record in contested_refs.read_all(room.refs, room.names.contested)
            for side in (record.base, *record.sides)
            for line in (side or b"").decode().splitlines()
        }
        certain = self.added - self.deleted - self.free
        assert certain - set(present) - kept == set(), "lines were lost"
        assert [line for line in set(present) if present.count(line) > 1 and line not in kept] == [], (
            "lines are doubled"
        )
        assert (self.deleted - self.free - kept) & set(present) == set(), "deleted lines came back"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_order_of_landing_undoing_and_base_moves_loses_doubles_or_resurrects_a_line(bed: Bed, seed: int) -> None:
    bed.join(*AGENTS)
    world = World(bed, random.Random(seed))
    world.human()
    world.settle()
    kinds = [world.agent, world.agent, world.agent, world.settle, world.fold, world.human, world.land, world.undo]
    for _ in range(STEPS):
        step = world.chance.choice([*kinds, world.amend] if world.chance.random() < 0.3 else kinds)
        step()
    world.settle()
    world.check()
    world.land()
    world.settle()
    world.check()

    assert bed.tree("main") == bed.tree()
    assert [verdict.problem for verdict in verify(bed.room()) if not verdict.is_sound] == []
    assert bed.fsck() == ""
