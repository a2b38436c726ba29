"""Which versions of a path belong together: an edit follows a file that the other side renamed.

Everything here is decided by the two sides' changes and by the renames that they hold; nothing is read or written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from unicodedata import normalize

E = TypeVar("E")
Changes = Mapping[bytes, tuple[E | None, E | None]]
Renames = Callable[[], Mapping[bytes, bytes]]
"""Old path to new path, found when it is asked for: most merges need none."""


@dataclass(frozen=True, slots=True)
class Pair(Generic[E]):
    """A file's version in the base and on both sides, and where the result belongs; `left` is the name it gave up."""

    path: bytes
    old: E | None
    ours: E | None
    theirs: E | None
    left: bytes | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A file that each side renamed otherwise."""

    path: bytes
    ours: bytes
    theirs: bytes


def find_pairs(ours: Changes[E], theirs: Changes[E], our_renames: Renames, their_renames: Renames) -> Iterator[Pair[E]]:
    """Yield what both sides, or only theirs, changed, in order of paths; each path is in one pair at most.

    A file that one side deleted and the other edited is looked for under another name on the deleting side, which has
    to be new, and nothing of the other side's. A file that both sides renamed alike has its former self as base.
    """
    moved: dict[bytes, Pair[E]] = {}
    for deleting, editing, renames in ((ours, theirs, our_renames), (theirs, ours, their_renames)):
        for left in sorted(path for path in deleting.keys() & editing.keys() if _is_deleted(deleting, path)):
            pair = _follow(deleting, editing, left, renames)
            if pair is not None and pair.path not in moved:
                moved[pair.path] = _turn(pair) if deleting is theirs else pair
    moved |= {pair.path: pair for pair in _renamed_alike(ours, theirs, our_renames, their_renames)}
    gone = {pair.left for pair in moved.values()}
    for path in sorted(theirs.keys() | moved.keys()):
        if path in moved:
            yield moved[path]
        elif path not in gone:
            old, new = theirs[path]
            mine = ours[path][1] if path in ours else old
            if mine != new:
                yield Pair(path, old, mine, new)


def _is_deleted(changes: Changes[E], path: bytes) -> bool:
    old, new = changes[path]
    return old is not None and new is None


def _follow(deleting: Changes[E], editing: Changes[E], left: bytes, renames: Renames) -> Pair[E] | None:
    old, edited = editing[left]
    path = renames().get(left) if edited is not None else None
    if path is None or path in editing or path not in deleting:
        return None
    return Pair(path, old, deleting[path][1], edited, left)


def _turn(pair: Pair[E]) -> Pair[E]:
    return Pair(pair.path, pair.old, pair.theirs, pair.ours, pair.left)


def _renamed_alike(
    ours: Changes[E], theirs: Changes[E], our_renames: Renames, their_renames: Renames
) -> Iterator[Pair[E]]:
    both_added = {path for path in ours.keys() & theirs.keys() if ours[path][0] is None and ours[path] != theirs[path]}
    both_deleted = [
        path for path in ours.keys() & theirs.keys() if _is_deleted(ours, path) and _is_deleted(theirs, path)
    ]
    if not both_added or not both_deleted:
        return
    for left in sorted(both_deleted):
        path = our_renames().get(left)
        if path in both_added and their_renames().get(left) == path:
            yield Pair(path, ours[left][0], ours[path][1], theirs[path][1], left)


def find_splits(ours: Changes[E], theirs: Changes[E], our_renames: Renames, their_renames: Renames) -> Iterator[Split]:
    """Yield the files that each side renamed to a name of its own, in order of paths."""
    both = (path for path in ours.keys() & theirs.keys() if _is_deleted(ours, path) and _is_deleted(theirs, path))
    if any(map(_adds_alone(ours, theirs), ours)) and any(map(_adds_alone(theirs, ours), theirs)):
        for path in sorted(both):
            one, other = our_renames().get(path), their_renames().get(path)
            if one is not None and other is not None and one != other:
                yield Split(path, one, other)


@dataclass(frozen=True, slots=True)
class Fallen:
    """A file that one side renamed and the other deleted."""

    path: bytes
    name: bytes
    is_ours: bool


def find_fallen(ours: Changes[E], theirs: Changes[E], our_renames: Renames, their_renames: Renames) -> Iterator[Fallen]:
    """Yield the files that one side renamed, to a name that is nothing of the other's, and the other deleted."""
    both = sorted(path for path in ours.keys() & theirs.keys() if _is_deleted(ours, path) and _is_deleted(theirs, path))
    for side, others, renames, other_renames in (
        (ours, theirs, our_renames, their_renames),
        (theirs, ours, their_renames, our_renames),
    ):
        if both and any(map(_adds_alone(side, others), side)):
            for path in both:
                name = renames().get(path)
                if name is not None and name not in others and other_renames().get(path) is None:
                    yield Fallen(path, name, side is ours)


def _adds_alone(changes: Changes[E], others: Changes[E]) -> Callable[[bytes], bool]:
    return lambda path: changes[path][0] is None and path not in others


def find_twins(ours: Changes[E], theirs: Changes[E]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each new path of ours with one of theirs that some file systems take for the same name."""
    added = [
        {folded_name(path): path for path in sorted(side) if side[path][0] is None and side[path][1] is not None}
        for side in (ours, theirs)
    ]
    for name in sorted(added[0].keys() & added[1].keys()):
        if added[0][name] != added[1][name]:
            yield added[0][name], added[1][name]


def folded_name(path: bytes) -> str:
    """Return what is the same for names that some file system takes for one: case and normalisation aside."""
    return normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()
