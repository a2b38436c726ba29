"""One file's text: merged by line operations on a transient CRDT document, contested regions decided beforehand.

Every side is a replica of the base. A change that no other side touches is an operation of its own replica; changes
that overlap or touch become one operation with the text that `resolve_region` gives. So the replicas' operations never
meet on the same lines, and what the document converges to does not depend on their order. Where git's own file merge
is clean, the result is the same bytes: the rule of what touches is git's.

Only this module knows pycrdt. It reads no files and runs no diff of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from pycrdt import Doc, Text

from agentroom_git.core.hunks import Change, Cluster, Hunk, LineDiff, find_clusters, split_lines
from agentroom_git.core.merge import Resolved, merge_values
from agentroom_git.core.regions import Region, Resolution, Side, canonical_order, resolve_region, unite_sides
from agentroom_git.errors import AgentroomError

__all__ = ["Hunk", "LineDiff", "Region", "Side", "TextMerge", "is_binary", "merge_text"]

SNIFFED = 8000
"""How many bytes git looks at to tell binary from text."""


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


def is_binary(data: bytes) -> bool:
    """Tell whether git takes the bytes for binary: a NUL among the first 8,000."""
    return b"\0" in data[:SNIFFED]


def merge_text(base: bytes, sides: Sequence[Side], diff: LineDiff) -> TextMerge:
    """Merge the sides' changes of `base`; a pure function of the base and the set of sides.

    Bytes of any encoding are merged by lines. Where `git merge-file` is clean the text is the same and no region is
    contested. The same edit on several sides appears once, as a region of step "equal"; of two different replacements
    of the same lines one is taken whole, by `precedence`, and the other is listed as lost.
    """
    changed = sorted({side for side in sides if side.text != base}, key=canonical_order)
    outcome = merge_values(base, (side.text for side in changed))
    if len(changed) < 2 and isinstance(outcome, Resolved):
        return TextMerge(outcome.value, ())
    return _Document.read(base, changed, diff).merge()


@dataclass(frozen=True, slots=True)
class _Document:
    base: bytes
    base_lines: list[bytes]
    sides: list[Side]
    side_lines: list[list[bytes]]
    hunks: list[Sequence[Hunk]]

    @classmethod
    def read(cls, base: bytes, sides: list[Side], diff: LineDiff) -> "_Document":
        hunks = {text: diff(base, text) for text in {side.text for side in sides}}
        lines = {text: split_lines(text) for text in hunks}
        return cls(
            base,
            split_lines(base),
            sides,
            [lines[side.text] for side in sides],
            [hunks[side.text] for side in sides],
        )

    def merge(self) -> TextMerge:
        splices: list[Splice] = []
        regions: list[Region] = []
        shift = 0
        for cluster in find_clusters(self.hunks):
            splice, region = self._settle(cluster, shift)
            splices.append(splice)
            regions.extend(region)
            shift += len(split_lines(splice.text)) - (splice.stop - splice.start)
        return TextMerge(converge(self.base, splices), tuple(regions))

    def _settle(self, cluster: Cluster, shift: int) -> tuple[Splice, list[Region]]:
        texts = [self._text_of(change) for change in cluster.changes]
        owners = [change.side for change in cluster.changes]
        if len(texts) == 1:
            return Splice(cluster.start, cluster.stop, texts[0], owners[0]), []
        parties = unite_sides(
            Side(side.agents, text, side.token, side.support, side.generation, side.id)
            for side, text in zip((self.sides[owner] for owner in owners), texts, strict=True)
        )
        resolution = resolve_region(parties)
        author = resolution.text if resolution.text in texts else texts[0]
        splice = Splice(cluster.start, cluster.stop, resolution.text, owners[texts.index(author)])
        return splice, [self._region(cluster, parties, resolution, shift)]

    def _text_of(self, change: Change) -> bytes:
        return b"".join(self.side_lines[change.side][change.new_start : change.new_stop])

    def _region(self, cluster: Cluster, parties: Sequence[Side], resolution: Resolution, shift: int) -> Region:
        return Region(
            base_start=cluster.start,
            base_lines=cluster.stop - cluster.start,
            result_start=cluster.start + shift,
            result_lines=len(split_lines(resolution.text)),
            base_text=b"".join(self.base_lines[cluster.start : cluster.stop]),
            sides=tuple(party.text for party in parties),
            agents=tuple(party.agents for party in parties),
            step=resolution.step,
            winner=resolution.winner,
            lost=resolution.lost,
        )


def converge(base: bytes, splices: Sequence[Splice]) -> bytes:
    """Seed a document with the base, let each replica apply its own splices, exchange, and read what all agree on."""
    _check_index_unit()
    # Latin-1 maps every byte to one character, so any encoding survives; the document counts in UTF-8 bytes.
    encoded = base.decode("latin-1").encode()
    starts = list(accumulate(map(len, split_lines(encoded)), initial=0))
    seed = _replica(0)
    seed["text"] = Text(encoded.decode())
    update, state = seed.get_update(), seed.get_state()
    for replica in sorted({splice.replica for splice in splices}):
        doc = _replica(replica + 1)
        doc.apply_update(update)
        _apply(doc, [splice for splice in splices if splice.replica == replica], starts)
        seed.apply_update(doc.get_update(state))
    return str(seed.get("text", type=Text)).encode("latin-1")


def _replica(number: int) -> "Doc[Text]":
    # Two replicas with one id corrupt each other silently. Ids start at 1: 0 asks for a random one.
    return Doc(client_id=number + 1)


def _apply(doc: "Doc[Text]", splices: Iterable[Splice], starts: Sequence[int]) -> None:
    text = doc.get("text", type=Text)
    with doc.transaction():
        for splice in sorted(splices, key=lambda splice: splice.start, reverse=True):
            start, stop = starts[splice.start], starts[splice.stop]
            if stop > start:
                del text[start:stop]
            if splice.text:
                text.insert(start, splice.text.decode("latin-1"))


class IndexUnitError(AgentroomError):
    """The installed pycrdt counts text in another unit, so that every edit would land in the wrong place."""


@cache
def _check_index_unit() -> None:
    doc = _replica(0)
    doc["probe"] = probe = Text("é")
    if len(probe) != 2:
        raise IndexUnitError(
            f"pycrdt counts 'é' as {len(probe)} unit(s) of text instead of 2 bytes",
            hint="install a version of pycrdt that agentroom-git allows",
        )
