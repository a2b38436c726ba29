"""One pure schedule: agents, folds, syncs and claims over a commit graph in memory, through the product's `core` alone.

What `room` does around `core` is done here in the smallest way that is right: one call after another, nothing fails.
"""

from collections import Counter
from dataclasses import dataclass, field

from agentroom_git.core import claims
from agentroom_git.core.claims import Denied, Granted, Request, Table
from agentroom_git.core.contested import Entry
from agentroom_git.core.dropped import find_dropped
from agentroom_git.core.edits import carry_edits
from agentroom_git.core.fold import Engine
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import FILE
from agentroom_git.core.plan import Advance, Held, Observed, Place, Rewritten, Take, plan_fold, plan_sync
from agentroom_git.core.rewrite import replace_own
from simulation import graph
from simulation.account import Books
from simulation.claims_watch import check_table
from simulation.graph import Graph, Rewrite
from simulation.memory import Commit, Memory, Tree
from simulation.seeds import ScheduleError, Violation, generator
from simulation.words import FILES, Mint, all_tokens, edit_text, start_files, tokens

LEVEL = "pure"
STEPS = 36
NAMES = tuple(map(AgentName, ("alice", "bob", "carol", "dave")))
OTHER_NAMES = (b"new/five.txt", b"moved/one.txt", b"dir/six.txt")


@dataclass
class Agent:
    """`head` is what the branch is at; `files` and `modes` are the worktree, uncommitted edits included.

    `tip` is what was last folded of it, `stands` what stands for that, `back_at` where it stepped back to.
    """

    name: AgentName
    head: Oid
    files: dict[bytes, bytes]
    modes: dict[bytes, int] = field(default_factory=dict)
    tip: Oid | None = None
    stands: Oid | None = None
    back_at: Oid | None = None
    seen: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mint = Mint(self.name)

    def tokens(self) -> list[bytes]:
        return [token for text in self.files.values() for token in tokens(text)]


class PureSchedule:
    def __init__(self, seed: int) -> None:
        self.rng = generator(LEVEL, seed)
        self.memory = Memory()
        self.engine = Engine(self.memory)
        self.trace: list[str] = []
        start = self.commit(NAMES[0], self.write(start_files(), {}), ())
        self.integration = start
        self.heads = frozenset({Head(start, NAMES[0])})
        self.agents = {name: Agent(name, start, start_files()) for name in NAMES[: self.rng.randint(2, 4)]}
        self.books = Books(known=all_tokens(start_files().values()))
        self.recorded: set[bytes] = set()
        self.rewrites: list[Rewrite] = []
        self.table = Table()
        self.alive: dict[str, int] = {}
        self.now = 0
        self.weights = [self.rng.choice((1, 2, 4, 8)) * weight for _, weight in ACTIONS]

    def write(self, files: dict[bytes, bytes], modes: dict[bytes, int]) -> Oid:
        tree: Tree = {path: Entry(self.memory.write_blob(data), modes.get(path, FILE)) for path, data in files.items()}
        return self.memory.put_tree(tree)

    def commit(self, agent: AgentName, tree: Oid, parents: tuple[Oid, ...], **more: object) -> Oid:
        commit = Commit(tree, parents, agent, **more)  # type: ignore[arg-type]
        return self.memory.add(commit, f"{self.rng.random()}")

    def run(self) -> None:
        for _ in range(STEPS):
            self.now += self.rng.choice((1, 10, 100))
            action, _ = self.rng.choices(ACTIONS, self.weights)[0]
            agent = self.agents[self.rng.choice(sorted(self.agents))]
            self.trace.append(f"{agent.name} {action.__name__}")
            action(self, agent)
        self.heal()
        self.check()

    def own(self, agent: Agent, files: dict[bytes, bytes]) -> None:
        """Let the agent itself make its worktree be these files, on the books."""
        before = agent.tokens()
        agent.files = files
        self.books.book(agent.name, before, agent.tokens())

    def edit(self, agent: Agent) -> None:
        path = self.rng.choice(sorted(agent.files) or [FILES[0]])
        text = agent.files.get(path, b"")
        if self.rng.random() < 0.2:
            agent.seen[path] = text
        if self.rng.random() < 0.07 and path in agent.seen:
            text = agent.seen[path]
        self.own(agent, agent.files | {path: edit_text(text, self.rng, agent.mint)})

    def edit_and_save(self, agent: Agent) -> None:
        self.edit(agent)
        self.save(agent)

    def rename_or_delete(self, agent: Agent) -> None:
        if not agent.files:
            return
        path = self.rng.choice(sorted(agent.files))
        left = {one: data for one, data in agent.files.items() if one != path}
        target = self.rng.choice(OTHER_NAMES)
        if self.rng.random() < 0.6 and target not in left:
            left[target] = agent.files[path]
        self.own(agent, left)

    def change_mode(self, agent: Agent) -> None:
        path = self.rng.choice(sorted(agent.files) or [FILES[0]])
        agent.modes[path] = 0o100755 if agent.modes.get(path, FILE) == FILE else FILE

    def repeat_a_peer(self, agent: Agent) -> None:
        """Make the same edit that a peer has made: the rooms must have it once."""
        peer = self.agents[self.rng.choice(sorted(self.agents))]
        parents = self.memory.parents(peer.head)
        if not parents or self.is_dirty(agent):
            return
        before = self.memory.files(self.memory.tree_of(parents[0]))
        after = self.memory.files(self.memory.tree_of(peer.head))
        same = {path: data for path, data in after.items() if before.get(path) == agent.files.get(path)}
        self.own(agent, agent.files | same)
        self.save(agent)

    def save(self, agent: Agent) -> None:
        tree = self.write(agent.files, agent.modes)
        if tree != self.memory.tree_of(agent.head):
            agent.head = self.commit(agent.name, tree, (agent.head,), claims=self.named(agent))

    def named(self, agent: Agent) -> tuple[tuple[str, int], ...]:
        paths = sorted(path.decode() for path in agent.files)
        named = claims.named_in_commit(self.table.of(agent.name), paths)
        return tuple((path, token) for token, path in named)

    def is_dirty(self, agent: Agent) -> bool:
        return self.write(agent.files, agent.modes) != self.memory.tree_of(agent.head)

    def amend(self, agent: Agent) -> None:
        """Make the last commit anew, with another edit."""
        old = self.memory.commits[agent.head]
        if old.is_fold or old.agent != agent.name or len(old.parents) != 1:
            return
        self.edit(agent)
        agent.head = self.commit(agent.name, self.write(agent.files, agent.modes), old.parents)

    def step_back(self, agent: Agent) -> None:
        """Reset to the first parent, or to one further back, and lose what is uncommitted."""
        before = agent.head
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            agent.head = next(iter(self.memory.parents(agent.head)), agent.head)
        if agent.head != before:
            self.check_out(agent)
            left = agent.tip is not None and not self.memory.reaches(agent.head, agent.tip)
            agent.back_at = agent.head if left and self.memory.reaches(self.integration, agent.head) else None

    def check_out(self, agent: Agent) -> None:
        entries = self.memory.trees[self.memory.tree_of(agent.head)]
        agent.modes = {path: entry.mode for path, entry in entries.items()}
        self.own(agent, self.memory.files(self.memory.tree_of(agent.head)))

    def rebase(self, agent: Agent) -> None:
        """Make one new commit on top of integration out of the agent's own work."""
        if self.is_dirty(agent) or self.memory.reaches(self.integration, agent.head):
            return
        folded = self.engine.fold([Head(agent.head, agent.name), Head(self.integration, agent.name)])
        self.book_records(folded.gathered)
        agent.head = self.commit(agent.name, folded.tree, (self.integration,))
        self.check_out(agent)

    def merge_a_peer(self, agent: Agent) -> None:
        peer = self.agents[self.rng.choice(sorted(self.agents))]
        if self.is_dirty(agent) or self.memory.reaches(agent.head, peer.head):
            return
        folded = self.engine.fold([Head(agent.head, agent.name), Head(peer.head, peer.name)])
        self.book_records(folded.gathered)
        agent.head = self.commit(agent.name, folded.tree, (agent.head, peer.head))
        self.check_out(agent)

    def fold(self, agent: Agent) -> None:
        """Fold the agent's branch as the plan says."""
        memory = self.memory
        decision = plan_fold(self.observed(agent))
        if isinstance(decision, Take):
            self.fold_head(agent, Head(agent.head, agent.name))
        elif isinstance(decision, Rewritten):
            old = agent.stands or decision.old
            between = frozenset(memory.between(frozenset({agent.head}), old))
            own = frozenset(one for one in between if self.is_own(agent, one))
            folded = replace_own(self.engine, agent.name, old, agent.head, own)
            self.book_records(folded.contested)
            pair = (old, agent.head)
            join = memory.add(Commit(folded.tree, pair, agent.name, rewrote=pair), "join")
            self.rewrites.append(Rewrite(join, agent.head, own))
            self.fold_head(agent, Head(join, agent.name))
        elif not isinstance(decision, Held):
            return
        if not isinstance(decision, Held):
            self.check_order()

    def is_own(self, agent: Agent, commit: Oid) -> bool:
        return not self.memory.commits[commit].is_fold and self.memory.author_of(commit) == agent.name

    def observed(self, agent: Agent) -> Observed:
        tip = agent.tip
        return Observed(
            agent=agent.name,
            head=agent.head,
            tip=tip,
            is_folded=self.memory.reaches(self.integration, agent.head),
            is_forward=tip is None or self.memory.reaches(agent.head, tip),
        )

    def fold_head(self, agent: Agent, head: Head) -> None:
        everyone = self.heads | {head}
        kept = self.memory.maximal(frozenset(one.id for one in everyone))
        self.heads = frozenset(one for one in everyone if one.id in kept)
        folded = self.engine.fold(self.heads)
        self.book_records(folded.gathered)
        self.check_alike(head.id, folded.tree)
        trees = (self.memory.tree_of(self.integration), self.memory.tree_of(agent.head), folded.tree)
        self.book_records(find_dropped(self.memory, agent.name, *trees))
        before, agent.tip, agent.stands = self.integration, agent.head, head.id
        fold = Commit(folded.tree, (before, head.id), AgentName("agentroom"), is_fold=True)
        self.integration = self.memory.add(fold, "fold")

    def check_alike(self, head: Oid, result: Oid) -> None:
        """The same edit of the same lines, made by others and in what is folded now, is in the fold once (P5)."""
        memory = self.memory
        meet = memory.meet(frozenset({self.integration}), head)
        if len(meet) != 1:
            return
        base, before, now = (memory.files_at(one) for one in (*meet, self.integration, head))
        after = memory.files(result)
        for path in base.keys() & before.keys() & now.keys() & after.keys():
            alike = self.hunks(base[path], before[path]) & self.hunks(base[path], now[path])
            count = Counter(tokens(after[path]))
            twice = {token for _, _, text in alike for token in tokens(text) if count[token] > 1}
            if twice - self.recorded:
                raise Violation("I2", f"one edit is there twice: {graph.listed(twice)}")

    def hunks(self, old: bytes, new: bytes) -> set[tuple[int, int, bytes]]:
        lines = new.splitlines(keepends=True)
        return {
            (one.old_start, one.old_lines, b"".join(lines[one.new_start : one.new_start + one.new_lines]))
            for one in self.memory.line_diff(old, new)
        }

    def book_records(self, contested: tuple[object, ...]) -> None:
        for record in contested:
            ids = (record.base, *record.sides)  # type: ignore[attr-defined]
            self.recorded |= {token for id in ids if id is not None for token in tokens(self.memory.blobs[id])}

    def sync(self, agent: Agent, *, asked: bool = False) -> None:
        """Bring integration into the worktree with its uncommitted edits on top, or leave it as it is."""
        memory = self.memory
        held = isinstance(plan_fold(self.observed(agent)), Held)
        is_current = memory.tree_of(agent.head) == memory.tree_of(self.integration)
        is_current = is_current and all(memory.reaches(agent.head, head.id) for head in self.heads)
        place = Place(True, memory.reaches(self.integration, agent.head), held, is_current)
        if not isinstance(plan_sync(place, asked=asked), Advance):
            return
        if not asked and agent.head == agent.back_at:
            raise Violation("I2", f"{agent.name} was brought back what it had stepped back from")
        carried = self.carried(agent)
        if carried is not None:
            before = agent.tokens()
            agent.files, agent.head = carried, self.integration
            if held:
                # Whoever asks for it takes up again what it stepped back from, also what it had deleted there.
                self.books.book(agent.name, before, agent.tokens())
            entries = memory.trees[memory.tree_of(self.integration)]
            agent.modes = {path: entry.mode for path, entry in entries.items()}

    def carried(self, agent: Agent) -> dict[bytes, bytes] | None:
        """Return the files after a sync, or None where uncommitted edits are in the way."""
        base = self.memory.files(self.memory.tree_of(agent.head))
        arrived = self.memory.files(self.memory.tree_of(self.integration))
        files = dict(agent.files)
        for path in base.keys() | arrived.keys():
            old, new, mine = base.get(path), arrived.get(path), agent.files.get(path)
            if old == new or mine == new:
                continue
            if mine == old:
                result = new
            elif old is None or new is None or mine is None:
                return None
            else:
                result = carry_edits(path.decode(), old, mine, new, self.memory.line_diff)
                if result is None:
                    return None
            files = {one: data for one, data in files.items() if one != path}
            if result is not None:
                files[path] = result
        return files

    def fold_and_sync(self, agent: Agent) -> None:
        for name in sorted(self.agents):
            self.fold(self.agents[name])
        for name in sorted(self.agents):
            self.sync(self.agents[name])

    def ask_for_a_claim(self, agent: Agent) -> None:
        path = self.rng.choice(("dir", *(name.decode() for name in FILES)))
        stale = {c.token for c in self.table.claims if self.now - self.alive.get(c.agent, 0) > c.ttl}
        shared = self.rng.random() < 0.3
        ask = Request(agent.name, (path,), "", 120, shared, "", auto=self.rng.random() < 0.2)
        answer = claims.grant(self.table, ask, stale=stale)
        self.alive[agent.name] = self.now
        if isinstance(answer, Denied):
            return
        assert isinstance(answer, Granted)
        self.put_table(answer.table)

    def give_claims_up(self, agent: Agent) -> None:
        self.alive[agent.name] = self.now
        if self.rng.random() < 0.5:
            self.put_table(claims.release(self.table, agent.name, None).table)
            return
        other = self.rng.choice(sorted(self.agents))
        mine = [claim.path for claim in self.table.of(agent.name)][:1]
        if mine and other != agent.name:
            answer = claims.hand_over(self.table, agent.name, mine, AgentName(other), at="")
            self.put_table(getattr(answer, "table", self.table))

    def put_table(self, table: Table) -> None:
        check_table(self.table, table)
        self.table = table

    def heal(self) -> None:
        """Everybody commits, and folds and syncs go on until nothing moves."""
        for agent in self.agents.values():
            self.save(agent)
        self.settle(asked=False)
        self.settle(asked=True)

    def settle(self, *, asked: bool) -> None:
        for _ in range(len(self.agents) + 4):
            before = (self.integration, *(agent.head for agent in self.agents.values()))
            for agent in self.agents.values():
                self.fold(agent)
            for agent in self.agents.values():
                self.sync(agent, asked=asked)
            if before == (self.integration, *(agent.head for agent in self.agents.values())):
                return
        raise Violation("I9", "folds and syncs go on although nobody does anything")

    def check_order(self) -> None:
        """Another engine, which gets the commits in another order and in batches, computes the same tree."""
        heads = sorted(self.heads)
        self.rng.shuffle(heads)
        engine = Engine(self.memory)
        for count in range(1, len(heads) + 1):
            tree = engine.fold(heads[:count]).tree
        if tree != self.memory.tree_of(self.integration):
            raise Violation("I3", "another order of the same commits gives another tree")

    def check(self) -> None:
        memory = self.memory
        wanted = memory.tree_of(self.integration)
        for agent in self.agents.values():
            if self.write(agent.files, agent.modes) != wanted or memory.tree_of(agent.head) != wanted:
                raise Violation("I8", f"{agent.name} did not converge")
        found = Graph(memory, sorted(memory.reached(self.integration)), self.recorded, self.rewrites)
        graph.check(found, self.integration, self.books, set())


ACTIONS = [
    (PureSchedule.edit, 8),
    (PureSchedule.edit_and_save, 24),
    (PureSchedule.rename_or_delete, 3),
    (PureSchedule.change_mode, 1),
    (PureSchedule.repeat_a_peer, 2),
    (PureSchedule.save, 6),
    (PureSchedule.amend, 4),
    (PureSchedule.step_back, 2),
    (PureSchedule.rebase, 2),
    (PureSchedule.merge_a_peer, 3),
    (PureSchedule.fold, 10),
    (PureSchedule.sync, 6),
    (PureSchedule.fold_and_sync, 8),
    (PureSchedule.ask_for_a_claim, 4),
    (PureSchedule.give_claims_up, 2),
]


def run(seed: int) -> None:
    """Run the schedule of one seed; raise `ScheduleError` where an invariant does not hold."""
    schedule = PureSchedule(seed)
    try:
        schedule.run()
    except Exception as error:
        raise ScheduleError(LEVEL, seed, schedule.trace, error) from error
