"""One record for each contested region: a record takes over the versions of an earlier one of the same region.

A merge has two sides, so of three versions it knows two. Which of them an earlier record has, too, is told from the
texts: one of the new record's sides has to be where the earlier one's region is, as it stands or as a version of it.
Where the two regions are not equally long, each version is completed with the lines around it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.contested import TWO_NAMES, Contested, Entry, Version, record_id
from agentroom_git.core.hunks import split_lines
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import FILE, REGULAR, Objects
from agentroom_git.core.spans import Span

_APART = frozenset({"base", "dropped", "failed", "file/folder", "parse", "unsafe"})
"""Kinds that ask something of two texts, not which of several versions is to stand."""
_Around = tuple[Sequence[bytes], Sequence[bytes]]
_MOST_LINES = 2000
"""Of longer regions only equal ones are found to be the same."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A record, and the ids of the earlier ones whose versions it took over."""

    record: Contested
    over: frozenset[str] = frozenset()


def gather(
    objects: Objects,
    before: Oid,
    earlier: Iterable[tuple[Contested, Contested]],
    after: Oid,
    records: Iterable[Contested],
    *,
    is_followed: bool = False,
) -> list[Gathered]:
    """Return the records of a merge that made the tree `after`, with the versions of earlier ones of the same regions.

    `earlier` are given with their places in the tree `before`, which was merged, and in `after`. With `is_followed`,
    what an agent has replaced by a version of its own in `records` is left to the earlier record.
    """
    found = [Gathered(record) for record in records]
    for old, there in earlier:
        for number, one in enumerate(found):
            joined = _join(objects, before, old, there, after, one.record)
            if joined is not None:
                record = joined.record(is_followed)
                found[number] = Gathered(record, (one.over | {old.id}) - {record.id})
                break
    return found


def tell_apart(record: Contested) -> Contested:
    """Return the record under an id that depends on which version stands, too."""
    return _with_versions(record, record.base, record.versions)


@dataclass(frozen=True, slots=True)
class _Joined:
    """Two records of one region as far as they are found to be that, both over the same lines."""

    old: Contested
    new: Contested
    shared: frozenset[Version]

    def record(self, is_followed: bool) -> Contested:
        versions = dict(self._versions(is_followed))
        made = _with_versions(self.new, self.old.base, versions)
        # Where only another version stands now it is another record.
        known = (self.old, self.new) if self.old.id != self.new.id else (self.old,)
        for same in known:
            if (same.base, same.versions.keys(), same.standing) == (made.base, versions.keys(), made.standing):
                return replace(made, id=same.id)
        return made

    def _versions(self, is_followed: bool) -> Iterator[tuple[Version, tuple[str, ...]]]:
        olds, news = self.old.versions, self.new.versions
        later = {name for one, agents in news.items() if one not in olds and one not in self.shared for name in agents}
        for one, agents in olds.items():
            if one in news:
                yield one, self._authors(one, agents, news[one])
            elif not (is_followed and agents and later.issuperset(agents)):
                yield one, agents
        yield from ((one, agents) for one, agents in news.items() if one not in olds)

    def _authors(self, version: Version, old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
        """Return whose version it is: who built on it speaks for it in a later merge, too."""
        both = tuple(sorted({*old} & {*new}))
        return both or (old if version in self.shared else tuple(sorted({*old, *new})))


def _with_versions(new: Contested, base: Oid | None, versions: dict[Version, tuple[str, ...]]) -> Contested:
    order = sorted(versions, key=lambda one: (versions[one], one[0] or "", one[1]))
    told = sorted((id or "-", name.hex()) for id, name in versions)
    stands = "-" if new.standing is None else f"{new.standing[0]} {new.standing[1].hex()}"
    place = " ".join([new.kind, new.place, stands, *(f"{id} {name}" for id, name in told)])
    return replace(
        new,
        id=record_id(new.path, place, Entry(base, FILE) if base else None, ()),
        base=base,
        agents=tuple(versions[one] for one in order),
        sides=tuple(id for id, _ in order),
        winner=None if new.standing is None else order.index(new.standing),
        names=tuple(name for _, name in order) if new.names else (),
    )


def _join(
    objects: Objects, before: Oid, old: Contested, there: Contested, after: Oid, new: Contested
) -> _Joined | None:
    if old.kind != new.kind or old.kind in _APART or bool(old.start) != bool(new.start):
        return None
    if not old.start:
        return _join_files(replace(old, path=there.path), new)
    texts = [_text(objects, before, old.path), _text(objects, after, new.path)]
    if there.path != new.path or not _is_near(_span(there), _span(new)) or texts[0] is None or texts[1] is None:
        return None
    guess = _span(new).after(objects.line_diff(texts[1], texts[0])).start
    lines = split_lines(texts[1])
    for frame in _frames(objects, old, new, split_lines(texts[0]), guess):
        around = frame.around_in(lines, _span(there), _span(new))
        if around is not None:
            return frame.join(objects, old, new, around)
    return None


def _span(record: Contested) -> Span:
    return Span(record.start - 1, record.start - 1 + record.lines)


def _is_near(one: Span, other: Span) -> bool:
    return one.start <= other.stop and other.start <= one.stop


def _join_files(old: Contested, new: Contested) -> _Joined | None:
    shared = frozenset(old.versions.keys() & new.versions.keys())
    if not shared or old.base != new.base or (old.path != new.path and old.kind != "twins"):
        return None
    return _Joined(old, replace(new, path=min(old.path, new.path)), shared if old.kind in TWO_NAMES else frozenset())


def _text(objects: Objects, tree: Oid, path: bytes) -> bytes | None:
    entry = objects.entry(tree, path)
    if entry is None or entry.mode not in REGULAR or objects.blob_size(entry.id) > MAX_TEXT:
        return None
    return objects.blob(entry.id)


def _frames(
    objects: Objects, old: Contested, new: Contested, before: Sequence[bytes], guess: int
) -> Iterator["_Frame"]:
    """Yield where a side of the new record meets the old one's region; `guess` is where the new one's was before."""
    at = _span(old)
    sides = [split_lines(objects.blob(id)) for id in new.sides if id is not None]
    reach = max((len(side) for side in sides), default=0)
    above, below = before[max(at.start - reach, 0) : at.start], before[at.stop : at.stop + reach]
    variants = [before[at.start : at.stop], *(split_lines(objects.blob(id)) for id in old.sides if id is not None)]
    for variant in variants:
        here = [*above, *variant, *below]
        span = Span(len(above), len(above) + len(variant))
        for side in sides:
            for start in _places(here, span, side, guess - at.start + span.start):
                yield _Frame(here, span, Span(start, start + len(side)))


def _places(here: Sequence[bytes], span: Span, side: Sequence[bytes], guess: int) -> list[int]:
    """Return where a side is among the lines and meets the span, what is nearest to the guess first."""
    meets = 0 if span.start == span.stop or not side else 1
    starts = range(max(span.start - len(side) + meets, 0), span.stop - meets + 1)
    if len(starts) > _MOST_LINES:
        starts = range(span.start, span.start + 1)
    found = [start for start in starts if here[start : start + len(side)] == side]
    return sorted(found, key=lambda start: (start != span.start, abs(start - guess), start))[:1]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Lines in which an earlier record's region (`old`) and a side of the new one (`new`) meet."""

    here: Sequence[bytes]
    old: Span
    new: Span

    def around(self, span: Span) -> _Around:
        """Return the lines that a region lacks of what the two have together, above and below it."""
        start, stop = min(self.old.start, self.new.start), max(self.old.stop, self.new.stop)
        return self.here[start : span.start], self.here[span.stop : stop]

    def around_in(self, after: Sequence[bytes], old: Span, new: Span) -> _Around | None:
        """Return what the new region lacks as the merged file has it; None where that cannot be told.

        `old` and `new` are the regions there. What is around it may have been changed by the same merge.
        """
        above, below = self.around(self.new)
        found = (after[max(new.start - len(above), 0) : new.start], after[new.stop : new.stop + len(below)])
        if found == (above, below):
            return found
        is_inside = not any(self.around(self.old)) and old.start <= new.start and new.stop <= old.stop
        return (after[old.start : new.start], after[new.stop : old.stop]) if is_inside else None

    def join(self, objects: Objects, old: Contested, new: Contested, around: _Around) -> _Joined:
        side = self.here[self.new.start : self.new.stop]
        before, now = (
            objects.write_blob(b"".join([*above, *side, *below])) for above, below in (self.around(self.new), around)
        )
        mine = _widen(objects, old, self.around(self.old))
        if any(self.around(self.old)) and not any(around):
            mine = replace(mine, base=new.base)
        if now not in mine.sides:
            mine = replace(mine, sides=tuple(now if id == before else id for id in mine.sides))
        wide = _widen(objects, new, around)
        wide = replace(wide, start=new.start - len(around[0]), lines=len(around[0]) + new.lines + len(around[1]))
        return _Joined(mine, wide, frozenset({(now, b"")}))


def _widen(objects: Objects, record: Contested, around: _Around) -> Contested:
    """Return the record with these lines around its base and each of its sides."""
    if not any(around):
        return record

    def wide(id: Oid | None) -> Oid | None:
        text = b"" if id is None else objects.blob(id)
        end = b"\n" if text and not text.endswith(b"\n") and around[1] else b""
        return objects.write_blob(b"".join([*around[0], text, end, *around[1]]))

    return replace(record, base=wide(record.base), sides=tuple(wide(id) for id in record.sides))
