"""Contested records that a fold takes over from the set without its last head, with where their lines are now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, partial

from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.contested import Contested
from agentroom_git.core.hunks import Hunk
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import REGULAR, Objects
from agentroom_git.core.spans import Span


def carry(objects: Objects, records: Iterable[Contested], old: Oid, new: Oid) -> tuple[Contested, ...]:
    """Return the records of the tree `old` with their places in the tree `new`; a file that is gone keeps its place."""
    moved = cache(partial(_moved, objects, old, new))
    return tuple(_carry(record, *moved(record.path)) if record.start else record for record in records)


def _carry(record: Contested, path: bytes, hunks: Sequence[Hunk]) -> Contested:
    start = record.start - 1
    lines = Span(start, start + record.lines).after(hunks)
    return replace(record, path=path, start=lines.start + 1, lines=lines.stop - lines.start)


def _moved(objects: Objects, old: Oid, new: Oid, path: bytes) -> tuple[bytes, Sequence[Hunk]]:
    """Return what the file is called in the new tree, and how its lines differ there; a large one's are left alone."""
    before, after = objects.entry(old, path), objects.entry(new, path)
    if before is not None and after is None:
        path = objects.renames(old, new).get(path, path)
        after = objects.entry(new, path)
    if before is None or after is None or before.id == after.id:
        return path, ()
    if any(entry.mode not in REGULAR or objects.blob_size(entry.id) > MAX_TEXT for entry in (before, after)):
        return path, ()
    return path, objects.line_diff(objects.blob(before.id), objects.blob(after.id))
