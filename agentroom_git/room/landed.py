"""What the user's branch has of the room's work, and recognising work that comes back on it.

A commit that lands a fold has its work under another name. It is folded as a join of both, so that the set knows them
for one: what agents then build on the fold and what the user builds on the commit meet there, and nothing that landed
is seen as a second edit. A merge of integration needs no join, as it reaches the fold by itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentroom_git.core import trailers
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Recorded
from agentroom_git.core.fold import Engine
from agentroom_git.core.history import Head
from agentroom_git.core.ids import BASE, HUMAN, AgentName, Oid, is_oid
from agentroom_git.core.landings import Landed
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.git import folds
from agentroom_git.git.folds import read_fold, read_join, read_landing
from agentroom_git.room import logs
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json

MAX_LOOKED_THROUGH = 200
"""New commits of the user's branch in which a landing is looked for; a longer pull is folded as it comes."""
INTENT = "landing.json"
"""Which landing is about to move the user's branch, so that a crash right after it is recognised."""
ADDRESS = "@agentroom.invalid"


@dataclass(frozen=True, slots=True)
class Landing:
    """`commit` has the work of `fold`. `is_merge`: it reaches it."""

    fold: Oid
    commit: Oid
    is_merge: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the user's branch is folded now, the commit that stands for it in the set, and what landed thereby."""

    commit: Oid
    stands: Oid
    landing: Landing | None


def stand_for(room: Room, engine: Engine, head: Oid, tip: Oid) -> Standing:
    """Return what to fold for the user's branch at `head` into integration at `tip`.

    A plain commit does where nothing landed yet. Later ones stand on what stood for the branch before: alone, they
    would not reach the fold that they were made with, and be merged as if their author had not seen it.
    """
    history = room.history
    landing = find_landing(room, engine, head, tip)
    commit = landing.commit if landing else head
    known = [landing.fold] if landing and not landing.is_merge else []
    before = stood_for(room, tip, head)
    if before is not None and not any(history.reaches(one, before) for one in (*known, commit)):
        known.append(before)
    if not known:
        return Standing(commit, commit, landing)
    tree = history.tree_of(commit) if landing else engine.fold([Head(known[0], BASE), Head(commit, BASE)]).tree
    return Standing(commit, folds.write_landing(history, tuple(known), commit, tree), landing)


def stand_again(room: Room, engine: Engine, head: Oid, tip: Oid, before: Oid) -> Standing | None:
    """Return what to fold for the user's branch when it was rewritten and has what landed on it all the same.

    It has when its commits still name all that the landed ones did (amended or rebased: whoever did that had the work
    before their eyes), or when all of the work is there by content.
    """
    history = room.history
    found = next(_landings(room, tip), None)
    if found is None:
        return None
    fold = found[0][0]
    new = list(_new_commits(room, head, tip))
    named = _named(room, new)
    is_kept = bool(named) and _named(room, _landed_together(room, found[1])) <= named
    for commit in new:
        if (is_kept and _named(room, [commit])) or contains(room, engine, fold, commit):
            stands = folds.write_landing(history, (fold, before), commit, history.tree_of(commit))
            return Standing(commit, stands, Landing(fold, commit, is_merge=False))
    return None


def _named(room: Room, commits: Iterable[Oid]) -> set[str]:
    """Return the commits of the room that these commits of the user's branch say they stand for."""
    return {id for one in commits for id in trailers.values(room.history.message(one), trailers.COMMIT)}


def _landed_together(room: Room, commit: Oid) -> Iterator[Oid]:
    """Yield a landed commit and those before it that were made in the same landing."""
    current = commit
    for _ in range(MAX_LOOKED_THROUGH):
        message = room.history.message(current)
        is_earlier = current != commit and trailers.values(message, trailers.LANDED)
        if is_earlier or not trailers.values(message, trailers.ROOM):
            return
        yield current
        current = room.history.parents(current)[0]


def stood_for(room: Room, tip: Oid, head: Oid) -> Oid | None:
    """Return what stands for the user's branch in integration, as far as `head` has it; None where it is itself."""
    history = room.history
    for fold in fold_chain(room, tip):
        brought = history.parents(fold)[1]
        if read_fold(history, fold).folded[0].agent == BASE:
            joined = read_landing(history, brought) or read_join(history, brought)
            return brought if joined is not None and history.reaches(head, joined[-1]) else None
    return None


def _landings(room: Room, tip: Oid) -> Iterator[tuple[tuple[Oid, ...], Oid]]:
    """Yield what was known and the commit of each landing up to `tip`, newest first."""
    history = room.history
    for fold in fold_chain(room, tip):
        pair = read_landing(history, history.parents(fold)[1])
        if pair is not None and folds.is_fold(history, pair[0][0]):
            yield pair


def landed_fold(room: Room, head: Oid, tip: Oid) -> Oid | None:
    """Return the newest fold up to `tip` whose work a branch at `head` has; None where it has none."""
    history = room.history
    missing = set(history.between(frozenset({head}), tip))
    reached = next((fold for fold in fold_chain(room, tip) if fold not in missing), None)
    for known, commit in _landings(room, tip):
        if reached is not None and history.reaches(reached, known[0]):
            break
        if history.reaches(head, commit) or contains(room, Engine(history), known[0], head):
            return known[0]
    return reached


def fold_chain(room: Room, tip: Oid) -> Iterator[Oid]:
    """Yield the folds from `tip` back to the room's opening, newest first."""
    current = tip
    while folds.is_fold(room.history, current):
        yield current
        current = room.history.parents(current)[0]


def find_landing(room: Room, engine: Engine, head: Oid, tip: Oid) -> Landing | None:
    """Return the oldest commit on the way to `head`, new to integration at `tip`, that has a fold's work."""
    new = list(_new_commits(room, head, tip))
    if not new:
        return None
    first = room.history.parents(new[-1])
    since = landed_fold(room, first[0], tip) if first else None
    waiting: list[Oid] = []
    for fold in fold_chain(room, tip):
        if fold == since:
            break
        waiting.append(fold)
    offered = [Oid(body.fold) for body in offers(room) if body.fold in waiting]
    for commit in reversed(new):
        found = _landing_at(room, engine, commit, waiting, offered)
        if found is not None:
            return found
    return None


def _new_commits(room: Room, head: Oid, tip: Oid) -> Iterator[Oid]:
    history = room.history
    current = head
    for _ in range(MAX_LOOKED_THROUGH):
        if history.reaches(tip, current):
            return
        yield current
        parents = history.parents(current)
        if not parents:
            return
        current = parents[0]


def _landing_at(room: Room, engine: Engine, commit: Oid, waiting: list[Oid], offered: list[Oid]) -> Landing | None:
    history = room.history
    if len(history.parents(commit)) > 1:
        missing = set(history.between(frozenset({commit}), waiting[0])) if waiting else set()
        merged = next((fold for fold in waiting if fold not in missing), None)
        if merged is not None:
            return Landing(merged, commit, is_merge=True)
    intent = read_json(room.private / INTENT)
    if intent.get("commit") == commit and intent.get("fold") in waiting:
        return Landing(Oid(str(intent["fold"])), commit, is_merge=False)
    named = [Oid(value) for value in trailers.values(history.message(commit), trailers.LANDED) if is_oid(value)]
    for fold in [*named, *offered]:
        if fold in waiting and contains(room, engine, fold, commit):
            return Landing(fold, commit, is_merge=False)
    return None


def contains(room: Room, engine: Engine, fold: Oid, commit: Oid) -> bool:
    """Return whether the commit's tree has everything that the fold added to what both reach."""
    history = room.history
    meet = history.meet(frozenset({fold}), commit)
    base = engine.fold(Head(id, history.author_of(id)) for id in meet).tree if meet else None
    mine, theirs = history.tree_of(commit), history.tree_of(fold)
    sides = [Party(tree, (Voice(BASE, id, 1, tree),)) for tree, id in ((mine, commit), (theirs, fold))]
    merged = merge_trees(history, base, sides[0], sides[1])
    return merged.tree == mine and not merged.contested


def offers(room: Room) -> Iterator[Landed]:
    """Yield the landings on branches for review, newest first."""
    for item in logs.read_log(room, HUMAN):
        if isinstance(item, Recorded) and isinstance(item.event.body, Landed) and item.event.body.commits:
            yield item.event.body


def offers_on(room: Room, branch: str) -> list[Landed]:
    """Return the landings on this branch for review, newest first."""
    return [body for body in offers(room) if body.branch == branch]


def describe(room: Room, landing: Landing, branch: str, tip: Oid) -> Landed:
    """Return the event that tells of a landing on `branch`, as seen from integration at `tip`."""
    history = room.history
    commits: list[Oid] = []
    current = landing.commit
    while not history.reaches(tip, current) and len(commits) < MAX_LOOKED_THROUGH:
        if commits and not trailers.values(history.message(current), trailers.ROOM):
            break
        commits.append(current)
        parents = history.parents(current)
        if not parents or landing.is_merge:
            break
        current = parents[0]
    before = history.parents(commits[-1])
    since = landed_fold(room, before[0], tip) if before else None
    agents = sorted({agent for commit in commits for agent in agents_of(room, commit)})
    return Landed(branch, landing.fold, since or "", tuple(reversed(commits)), tuple(agents))


def agents_of(room: Room, commit: Oid) -> list[AgentName]:
    """Return the agents that a landed commit names as its authors."""
    found = []
    for value in trailers.values(room.history.message(commit), trailers.CO_AUTHOR):
        name, _, address = value.partition(" <")
        if address == f"{name}{ADDRESS}>":
            found.append(AgentName(one_line(name, 40)))
    return found
