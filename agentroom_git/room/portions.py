"""The work of a span of folds cut into portions, one an agent, each a tree that builds on the one before.

The first tree is the user's branch with the first agent's work, the last is integration's tree exactly. A file that one
agent alone changed goes whole into that agent's portion. A file that several changed is cut by applying each fold's own
change to what the portions before have made of it; where that would be contested, the rest of the file goes with the
last of its agents.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import BASE, HUMAN, AgentName, Oid
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.git import folds
from agentroom_git.git.folds import read_fold
from agentroom_git.git.objects import GitHistory
from agentroom_git.room.landed import fold_chain
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Change:
    """What one fold made of integration, for whom, and the commits that it brought in, oldest first."""

    fold: Oid
    agent: AgentName
    before: Oid
    after: Oid
    commits: tuple[Oid, ...]
    paths: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Portion:
    """One agent's part: the tree with it and all portions before, and the commits that it stands for, oldest first."""

    agent: AgentName
    authors: tuple[AgentName, ...]
    commits: tuple[Oid, ...]
    folds: tuple[Oid, ...]
    paths: tuple[bytes, ...]
    tree: Oid


def read_changes(room: Room, since: Oid | None, tip: Oid) -> list[Change]:
    """Return the changes of the folds after `since` up to `tip`, oldest first, but for those of the user's branch."""
    history = room.history
    found: list[Change] = []
    for id in fold_chain(room, tip):
        if id == since:
            break
        (folded,) = read_fold(history, id).folded[:1]
        previous, brought = history.parents(id)
        if folded.agent == BASE:
            continue
        before, after = history.tree_of(previous), history.tree_of(id)
        commits = [one for one in history.between(frozenset({previous}), brought) if _is_work(history, one)]
        paths = frozenset(history.changes(before, after))
        found.append(Change(id, folded.agent, before, after, tuple(reversed(commits)), paths))
    return found[::-1]


def _is_work(history: GitHistory, commit: Oid) -> bool:
    return not folds.is_fold(history, commit) and len(history.parents(commit)) < 2


def cut(room: Room, start: Oid, end: Oid, changes: Sequence[Change]) -> list[Portion]:
    """Return the portions that lead from the tree `start` to the tree `end`, in an order in which each applies."""
    by_agent: dict[AgentName, list[Change]] = defaultdict(list)
    for change in changes:
        by_agent[change.agent].append(change)
    cutter = _Cutter(room.history, start, end, by_agent)
    portions: list[Portion] = []
    tree = start
    while cutter.waiting:
        agent, after = cutter.next(tree)
        cutter.waiting.remove(agent)
        if not cutter.waiting:
            after = end
        portions.append(_portion(room.history, agent, by_agent[agent], tree, after))
        tree = after
    if not portions and start != end:
        portions.append(_portion(room.history, HUMAN, changes, start, end))
    return _without_empty(portions, start)


def _portion(history: GitHistory, agent: AgentName, changes: Sequence[Change], before: Oid, after: Oid) -> Portion:
    commits = tuple(dict.fromkeys(one for change in changes for one in change.commits))
    named = {history.author_of(one) for one in commits} - {BASE}
    authors = tuple(sorted(named | {agent}))
    paths = tuple(sorted(history.changes(before, after)))
    return Portion(agent, authors, commits, tuple(change.fold for change in changes), paths, after)


def _without_empty(portions: Sequence[Portion], start: Oid) -> list[Portion]:
    """Return the portions that change something; what a portion without a change stands for goes with the next."""
    kept: list[Portion] = []
    carried: list[Portion] = []
    tree = start
    for portion in portions:
        carried.append(portion)
        if portion.tree != tree:
            kept.append(_together(carried))
            carried, tree = [], portion.tree
    if kept and carried:
        kept[-1] = _together([*carried, kept[-1]])
    return kept


def _together(portions: Sequence[Portion]) -> Portion:
    last = portions[-1]
    return Portion(
        agent=last.agent,
        authors=tuple(sorted({name for one in portions for name in one.authors})),
        commits=tuple(dict.fromkeys(id for one in portions for id in one.commits)),
        folds=tuple(dict.fromkeys(id for one in portions for id in one.folds)),
        paths=last.paths,
        tree=last.tree,
    )


@dataclass(slots=True)
class _Cutter:
    history: GitHistory
    start: Oid
    end: Oid
    by_agent: Mapping[AgentName, Sequence[Change]]
    waiting: list[AgentName] = field(init=False)
    wanted: Mapping[bytes, Entry | None] = field(init=False)
    touched: Mapping[bytes, frozenset[AgentName]] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = list(self.by_agent)
        self.wanted = {path: new for path, (_, new) in self.history.changes(self.start, self.end).items()}
        touched: dict[bytes, set[AgentName]] = defaultdict(set)
        for agent, changes in self.by_agent.items():
            for change in changes:
                for path in change.paths & self.wanted.keys():
                    touched[path].add(agent)
        self.touched = {path: frozenset(agents) for path, agents in touched.items()}

    def next(self, tree: Oid) -> tuple[AgentName, Oid]:
        """Return the waiting agent whose work applies best to the tree, the earliest among equals, and the result."""
        found: list[tuple[int, int, AgentName, Oid]] = []
        for place, agent in enumerate(self.waiting):
            after, stuck = self._apply(tree, agent)
            found.append((stuck, place, agent, after))
            if not stuck:
                break
        _, _, agent, after = min(found)
        return agent, after

    def _apply(self, tree: Oid, agent: AgentName) -> tuple[Oid, int]:
        """Return the tree with the agent's work, and how many of its changes to shared files did not apply."""
        others = set(self.waiting) - {agent}
        shared = {path for path, agents in self.touched.items() if agent in agents and agents & others}
        stuck = 0
        for change in self.by_agent[agent]:
            if change.paths & shared:
                tree, failed = self._pick(tree, change, change.paths & shared)
                stuck += failed
        last = {path for path, agents in self.touched.items() if agent in agents and not agents & others}
        edits = {path: self.wanted[path] for path in last}
        return (self.history.write_tree(tree, edits) if edits else tree), stuck

    def _pick(self, tree: Oid, change: Change, paths: frozenset[bytes] | set[bytes]) -> tuple[Oid, int]:
        """Apply a fold's own change of these paths to the tree; what would be contested stays as it is."""
        history = self.history
        parties = [Party(one, (Voice(BASE, one, 1, one),)) for one in (tree, change.after)]
        merged = merge_trees(history, change.before, parties[0], parties[1])
        contested = {record.path for record in merged.contested}
        edits = {path: history.entry(merged.tree, path) for path in paths - contested}
        return history.write_tree(tree, edits) if edits else tree, len(paths & contested)
