"""Verifying folds: each is recomputed from git alone and compared, so that one made by other means is named."""

from collections.abc import Iterator
from dataclasses import dataclass

from agentroom_git.core.escape import one_line
from agentroom_git.core.fold import Engine, Folded
from agentroom_git.core.history import ENGINE
from agentroom_git.core.ids import Oid
from agentroom_git.errors import UsageError
from agentroom_git.git import contested_refs, folds
from agentroom_git.git.folds import Fold
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of recomputing one fold; `problem` is empty where it is what it says."""

    fold: Oid
    subject: str
    problem: str

    @property
    def is_sound(self) -> bool:
        return not self.problem


def verify(room: Room, span: str = "") -> Iterator[Verdict]:
    """Recompute the folds of a range (`A..B`, or everything up to one commit), oldest first.

    Raises `UsageError` for a range that names no commits.
    """
    history = room.history
    start, tip = _parse_span(room, span)
    chain: list[Oid] = []
    current: Oid | None = tip
    while current is not None and current != start and folds.claims_to_be_fold(history, current):
        chain.append(current)
        parents = history.parents(current)
        current = parents[0] if parents else None
    engine = Engine(history)
    for id in reversed(chain):
        yield Verdict(id, one_line(history.subject(id), 100), _examine(room, engine, folds.read_fold(history, id)))


def _parse_span(room: Room, span: str) -> tuple[Oid | None, Oid]:
    if not span:
        return None, room.integration()
    first, dots, last = span.rpartition("..")
    return (_commit(room, first) if dots else None), _commit(room, last) if last else room.integration()


def _commit(room: Room, name: str) -> Oid:
    found = room.history.resolve(name)
    if found is None:
        raise UsageError(f"{ascii(name[:80])} names no commit", hint="give a commit, or a range A..B")
    return found


def _examine(room: Room, engine: Engine, fold: Fold) -> str:
    """Return what is wrong with the fold, or an empty text."""
    history = room.history
    parents = history.parents(fold.id)
    if len(parents) != 2:
        return f"it has {len(parents)} parents, a fold has two"
    if fold.engine != ENGINE:
        return f"it was made by engine {fold.engine}, this is engine {ENGINE}: install that version to verify it"
    previous = folds.read_fold(history, parents[0])
    expected = {head.id for head in previous.heads} | {parents[1]}
    heads = frozenset(head.id for head in fold.heads)
    tree = history.tree_of(fold.id)
    if fold.has_failed:
        is_kept = heads == {head.id for head in previous.heads} and tree == history.tree_of(previous.id)
        return "" if is_kept else "it says that it failed, and changed something all the same"
    if heads != history.maximal(frozenset(expected)):
        return "the heads that it names are not those of its parents"
    folded = engine.fold(fold.heads)
    if folded.tree != tree:
        return f"its tree is {tree[:10]}, computed {folded.tree[:10]}"
    missing = _missing(room, fold, folded)
    return f"contested records are missing: {', '.join(missing)}" if missing else ""


def _missing(room: Room, fold: Fold, folded: Folded) -> list[str]:
    """Return the records that the fold names and whose refs are gone, and those that no record which it names has."""
    prefix = room.names.contested
    missing = [record for record in folded.contested if room.refs.get(prefix + record.id) is None]
    named = [text.partition(" ")[0] for text in fold.contested]
    gone = [id for id in named if room.refs.get(prefix + id) is None]
    lost = [one.id for one in missing if not any(contested_refs.keeps(room.refs, prefix + id, one) for id in named)]
    return list(dict.fromkeys([*gone, *lost]))
