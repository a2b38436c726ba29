"""Which contests a folded commit settles: those over lines that it changed after it had seen them.

What it changed is told from the newest fold that it builds on: what folds combined before that is not its doing. Lines
beside the contested ones settle nothing, unless they bring back some of a version that lost.
"""

from collections.abc import Iterable, Iterator, Sequence

from agentroom_git.core import trailers
from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.contested import TWO_NAMES, Entry
from agentroom_git.core.hunks import is_binary, split_lines
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import REGULAR
from agentroom_git.core.spans import Span
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.folds import Fold, Place, find_place
from agentroom_git.git.objects import GitHistory
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Made
from agentroom_git.room.room import Room
from agentroom_git.room.whole_files import rival_names


def find_settled(room: Room, made: Made, records: Iterable[Stored]) -> Iterator[Stored]:
    """Yield the records whose contest the folded commit settled, by an edit or by the trailer of `resolve`.

    What its fold or a later one contested again is not settled by it.
    """
    again = set(_contested_since(room, made))
    waiting = {record.id: record for record in records if record.id not in again}
    for id in trailers.values(room.history.message(made.folded), trailers.RESOLVED):
        if id in waiting:
            yield waiting.pop(id)
    seen: Fold | None = None
    for fold in read_folds(room) if waiting else ():
        if seen is None and room.history.reaches(made.folded, fold.id):
            seen = fold
        for id in _named(fold) if seen else ():
            record = waiting.pop(id, None)
            place = find_place(fold, record.id) if record else None
            if record and place and seen and _is_changed(room, made, record, fold, place, seen):
                yield record
        if not waiting:
            return


def _contested_since(room: Room, made: Made) -> Iterator[str]:
    for fold in read_folds(room):
        yield from _named(fold)
        if fold.id == made.id:
            return


def _named(fold: Fold) -> list[str]:
    return [text.partition(" ")[0] for text in fold.contested]


def _is_changed(room: Room, made: Made, record: Stored, fold: Fold, place: Place, seen: Fold) -> bool:
    """Return whether the commit changed what is contested; `fold` names the record, the commit builds on `seen`."""
    history = room.history
    trees = [history.tree_of(commit) for commit in (fold.id, seen.id, made.folded)]
    if record.kind in TWO_NAMES:
        names = rival_names(room, fold, record)
        return any(history.entry(trees[1], name) != history.entry(trees[2], name) for name in names)
    path = place.path
    known = history.entry(trees[0], path)
    path = name_in(history, path, trees[0], trees[1])
    before = history.entry(trees[1], path)
    after = history.entry(trees[2], name_in(history, path, trees[1], trees[2]))
    if not place.start:
        return before != after and _is_version_changed(history, record, before, after)
    texts = [_text(history, entry) for entry in (known, before, after)]
    if texts[0] is None or texts[1] is None or texts[2] is None:
        return True
    start = place.start - 1
    lines = Span(start, start + place.lines).after(history.line_diff(texts[0], texts[1]))
    return _touches(history, record, [lines], texts[1], texts[2])


def name_in(history: GitHistory, path: bytes, old: Oid, new: Oid) -> bytes:
    """Return what the file of the tree `old` is called in `new`: as before where it is there, or nowhere."""
    if history.entry(new, path) or not history.entry(old, path):
        return path
    return history.renames(old, new).get(path, path)


def _is_version_changed(history: GitHistory, record: Stored, before: Entry | None, after: Entry | None) -> bool:
    """Return whether what differs between two contents of a whole file is what the versions differ in."""
    text, new = _text(history, before), _text(history, after)
    if text is None or new is None:
        return True
    sides = [side for side in record.sides if side is not None and side != text]
    if any(is_binary(side) or len(side) > MAX_TEXT for side in sides):
        return True
    spans = [Span(hunk.old_start, hunk.old_stop) for side in sides for hunk in history.line_diff(text, side)]
    return not spans or _touches(history, record, spans, text, new)


def _text(history: GitHistory, entry: Entry | None) -> bytes | None:
    if entry is None or entry.mode not in REGULAR or history.blob_size(entry.id) > MAX_TEXT:
        return None
    text = history.blob(entry.id)
    return None if is_binary(text) else text


def _touches(history: GitHistory, record: Stored, spans: Sequence[Span], before: bytes, after: bytes) -> bool:
    """Return whether an edit changed any of the spans, or put lines of a version that does not stand beside one."""
    lost = {line for side in record.sides for line in split_lines(side or b"") if line.strip()} - {*split_lines(before)}
    lines = split_lines(after)
    return any(
        span.is_changed_by(hunk) or (span.touches(hunk) and not lost.isdisjoint(lines[hunk.new_start : hunk.new_stop]))
        for hunk in history.line_diff(before, after)
        for span in spans
    )
