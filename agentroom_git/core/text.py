"""One file's text: merged by line operations on a transient CRDT document, contested regions decided beforehand.

Every side is a replica of the base. A change that no other side touches is an operation of its own replica; changes
that overlap or touch become one operation with the text that the cascade gives. So the replicas' operations never
meet on the same lines, and what the document converges to does not depend on their order. Where git's own file merge
is clean, the result is the same bytes: the rule of what touches is git's.

Only this module knows pycrdt, and imports it when it first merges: it takes a third as long as libgit2, which those who
only look at a room need not wait for. It reads no files and runs no diff of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from agentroom_git.core.authors import narrow
from agentroom_git.core.cascade import Conflict, find_candidates, rank_sides, take_sides
from agentroom_git.core.drafts import Draft, Parses
from agentroom_git.core.hunks import Change, Cluster, Hunk, LineDiff, find_clusters, split_lines
from agentroom_git.core.merge import Resolved, merge_values
from agentroom_git.core.regions import Region, Resolution, Side, canonical_order, unite_sides
from agentroom_git.core.versions import Base, Version
from agentroom_git.errors import AgentroomError

if TYPE_CHECKING:
    from pycrdt import Doc, Text

MAX_CONTESTED = 5_000
"""A file with more regions that sides changed differently is one region: nobody could look at them; each takes time."""

STRETCH = 32
"""How many operations share a document."""

BETWEEN = "\u0100"
"""Stands in a document for the unchanged lines between two operations: the first character that is no byte."""

LINE = "\u0101"
"""Stands in a document for a line of the base that an operation replaces."""


@dataclass(frozen=True, slots=True)
class TextMerge:
    """The merged text, and in the order of lines each region that two or more sides changed."""

    text: bytes
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Splice:
    """A replica's operation: base lines [start, stop) become `text`."""

    start: int
    stop: int
    text: bytes
    replica: int


def merge_text(base: bytes, sides: Sequence[Side], diff: LineDiff, parses: Parses | None = None) -> TextMerge:
    """Merge the sides' changes of `base`; a pure function of its arguments and of the set of sides.

    Bytes of any encoding are merged by lines. Where `git merge-file` is clean the text is the same and no region is
    contested. The same edit on several sides appears once, as a region of step "equal". Other regions that two or more
    sides changed go through the cascade; of two different replacements of the same words one is taken whole and the
    other is listed as lost.

    `parses` tells whether a text is well-formed. With it, if all sides are and git does not merge them cleanly, the
    result is: options that are not are passed over, down to taking the preferred side's whole text as one region.
    """
    changed = sorted({side for side in sides if side.text != base}, key=canonical_order)
    outcome = merge_values(base, (side.text for side in changed))
    if len(changed) < 2 and isinstance(outcome, Resolved):
        return TextMerge(outcome.value, ())
    return _Contest.read(base, changed, diff).merge(parses)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Base lines that some sides changed: by which replica's hand each option would be written, and who they are."""

    cluster: Cluster
    parties: tuple[Side, ...]
    authors: dict[bytes, int]
    options: tuple[Resolution, ...]

    def splice(self, chosen: Resolution) -> Splice:
        author = self.authors.get(chosen.text, self.cluster.changes[0].side)
        return Splice(self.cluster.start, self.cluster.stop, chosen.text, author)


@dataclass(frozen=True, slots=True)
class _Contest:
    base: Base
    sides: list[Side]
    versions: list[Version]
    hunks: list[Sequence[Hunk]]
    diff: LineDiff

    @classmethod
    def read(cls, base: bytes, sides: list[Side], diff: LineDiff) -> "_Contest":
        read = Base(base)
        versions = {side.text: Version(read, side.text) for side in sides}
        hunks = {text: diff(read.coded, version.coded) for text, version in versions.items()}
        return cls(
            base=read,
            sides=sides,
            versions=[versions[side.text] for side in sides],
            hunks=[hunks[side.text] for side in sides],
            diff=diff,
        )

    def merge(self, parses: Parses | None) -> TextMerge:
        clusters = self._clusters()
        if clusters is None:
            return self._settle([self._whole()])
        spots = [self._spot(cluster, parses) for cluster in clusters]
        draft = Draft(tuple(self._between(spots)), tuple(spot.options for spot in spots))
        chosen = draft.choose(parses, [side.text for side in self.sides])
        return self._settle([self._whole()] if chosen is None else spots, chosen)

    def _clusters(self) -> list[Cluster] | None:
        """Return the clusters, None as soon as the sides differ in too many."""
        found: list[Cluster] = []
        contested = 0
        for cluster in find_clusters(self.hunks):
            contested += self._is_contested(cluster)
            if contested > MAX_CONTESTED:
                return None
            found.append(cluster)
        return found

    def _is_contested(self, cluster: Cluster) -> bool:
        if len(cluster.changes) == 1:
            return False
        first, *others = map(self._text_of, cluster.changes)
        return any(other != first for other in others)

    def _settle(self, spots: Sequence[_Spot], chosen: Sequence[Resolution] | None = None) -> TextMerge:
        """Write what was chosen for each spot, by default its first option."""
        if chosen is None:
            chosen = [spot.options[0] for spot in spots]
        splices = [spot.splice(resolution) for spot, resolution in zip(spots, chosen, strict=True)]
        return TextMerge(converge(self.base, splices), tuple(self._regions(spots, chosen)))

    def _spot(self, cluster: Cluster, parses: Parses | None) -> _Spot:
        made = [(change.side, self._text_of(change)) for change in cluster.changes]
        authors = {text: owner for owner, text in reversed(made)}
        if len(authors) == 1:
            parties = [self._agreed(cluster, made[0][1])] if len(made) > 1 else []
            return _Spot(cluster, tuple(parties), authors, (Resolution(made[0][1], "equal", winner=0),))
        base = self._base_text(cluster)
        parties = unite_sides(narrow(self.sides[owner], base, text) for owner, text in made)
        conflict = Conflict.read(base, parties, self.diff, is_new=not self.base.text)
        options = find_candidates(conflict, is_guarded=parses is not None)
        return _Spot(cluster, tuple(parties), authors, tuple(options))

    def _agreed(self, cluster: Cluster, text: bytes) -> Side:
        agents = {agent for change in cluster.changes for agent in self.sides[change.side].agents}
        return Side(tuple(sorted(agents)), text)

    def _whole(self) -> _Spot:
        changes = (Change(index, 0, len(version)) for index, version in enumerate(self.versions))
        cluster = Cluster(0, len(self.base), tuple(changes))
        authors = {side.text: index for index, side in reversed(list(enumerate(self.sides)))}
        parties = unite_sides(self.sides)
        ranking = rank_sides(self.base.text, [party.text for party in parties], parties)
        return _Spot(cluster, tuple(parties), authors, tuple(take_sides(parties, ranking)))

    def _text_of(self, change: Change) -> bytes:
        return self.versions[change.side].part(change.new_start, change.new_stop)

    def _base_text(self, cluster: Cluster) -> bytes:
        return self.base.part(cluster.start, cluster.stop)

    def _between(self, spots: Sequence[_Spot]) -> Iterator[bytes]:
        starts = [0, *(spot.cluster.stop for spot in spots)]
        stops = [*(spot.cluster.start for spot in spots), len(self.base)]
        return map(self.base.part, starts, stops)

    def _regions(self, spots: Sequence[_Spot], chosen: Sequence[Resolution]) -> Iterator[Region]:
        shift = 0
        for spot, resolution in zip(spots, chosen, strict=True):
            cluster, lines = spot.cluster, len(split_lines(resolution.text))
            if spot.parties:
                yield Region(
                    base_start=cluster.start,
                    base_lines=cluster.stop - cluster.start,
                    result_start=cluster.start + shift,
                    result_lines=lines,
                    base_text=self._base_text(cluster),
                    sides=tuple(party.text for party in spot.parties),
                    agents=tuple(party.agents for party in spot.parties),
                    step=resolution.step,
                    winner=resolution.winner,
                    lost=resolution.lost,
                )
            shift += lines - (cluster.stop - cluster.start)


def converge(base: Base, splices: Sequence[Splice]) -> bytes:
    """Let each replica apply its own splices of the base, exchange, and return what all of them agree on.

    The splices are in the order of lines and do not meet, so a few at a time converge in a document of their own, in
    which one character stands for each line that goes, and one for all the lines between two splices: an edit costs
    a copy of the document's text.
    """
    _check_index_unit()
    parts: list[bytes] = []
    at = 0
    for first in range(0, len(splices), STRETCH):
        stretch = splices[first : first + STRETCH]
        for splice, text in zip(stretch, _converge_stretch(stretch), strict=True):
            parts += base.part(at, splice.start), text
            at = splice.stop
    return b"".join([*parts, base.part(at, len(base))])


def _converge_stretch(splices: Sequence[Splice]) -> Iterator[bytes]:
    """Yield what becomes of each splice's base lines."""
    from pycrdt import Text  # noqa: PLC0415 - see the top

    seed = _replica(0)
    seed["text"] = Text(BETWEEN.join(LINE * (splice.stop - splice.start) for splice in splices))
    update, state = seed.get_update(), seed.get_state()
    placed = _places(splices)
    for replica in sorted({splice.replica for splice in splices}):
        doc = _replica(replica + 1)
        doc.apply_update(update)
        _apply(doc, [(start, stop, new) for start, stop, new, owner in placed if owner == replica])
        seed.apply_update(doc.get_update(state))
    return (text.encode("latin-1") for text in str(seed.get("text", type=Text)).split(BETWEEN))


def _places(splices: Sequence[Splice]) -> list[tuple[int, int, str, int]]:
    """Return where each splice's lines stand in the document, their new text and whose it is, from last to first."""
    # Latin-1 maps every byte to one character, so any encoding survives; the document counts in UTF-8 bytes.
    lengths = [(splice.stop - splice.start) * len(LINE.encode()) for splice in splices]
    starts = accumulate((length + len(BETWEEN.encode()) for length in lengths), initial=0)
    found = zip(starts, lengths, splices, strict=False)
    return [(start, start + length, one.text.decode("latin-1"), one.replica) for start, length, one in found][::-1]


def _replica(number: int) -> "Doc[Text]":
    from pycrdt import Doc  # noqa: PLC0415 - see the top

    # Two replicas with one id corrupt each other silently. Ids start at 1: 0 asks for a random one.
    return Doc(client_id=number + 1)


def _apply(doc: "Doc[Text]", edits: Iterable[tuple[int, int, str]]) -> None:
    from pycrdt import Text  # noqa: PLC0415 - see the top

    text = doc.get("text", type=Text)
    with doc.transaction():
        for start, stop, new in edits:
            if stop > start:
                del text[start:stop]
            if new:
                text.insert(start, new)


class IndexUnitError(AgentroomError):
    """The installed pycrdt counts text in another unit, so that every edit would land in the wrong place."""


@cache
def _check_index_unit() -> None:
    from pycrdt import Text  # noqa: PLC0415 - see the top

    doc = _replica(0)
    doc["probe"] = probe = Text("é")
    if len(probe) != 2:
        raise IndexUnitError(
            f"pycrdt counts 'é' as {len(probe)} unit(s) of text instead of 2 bytes",
            hint="install a version of pycrdt that agentroom-git allows",
        )
