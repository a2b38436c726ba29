"""Contested records that a fold takes over from the set without its last head, with where their lines are now."""

from collections.abc import Iterable
from dataclasses import replace

from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.contested import Contested
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import REGULAR, Objects
from agentroom_git.core.spans import Span


def carry(objects: Objects, records: Iterable[Contested], old: Oid, new: Oid) -> tuple[Contested, ...]:
    """Return the records of the tree `old` with their places in the tree `new`; a file that is gone keeps its place."""
    return tuple(_carry(objects, record, old, new) if record.start else record for record in records)


def _carry(objects: Objects, record: Contested, old: Oid, new: Oid) -> Contested:
    path, before = record.path, objects.entry(old, record.path)
    after = objects.entry(new, path)
    if before is not None and after is None:
        path = objects.renames(old, new).get(path, path)
        after = objects.entry(new, path)
    if before is None or after is None or before.id == after.id:
        return replace(record, path=path)
    if any(entry.mode not in REGULAR or objects.blob_size(entry.id) > MAX_TEXT for entry in (before, after)):
        return record
    start = record.start - 1
    hunks = objects.line_diff(objects.blob(before.id), objects.blob(after.id))
    lines = Span(start, start + record.lines).after(hunks)
    return replace(record, path=path, start=lines.start + 1, lines=lines.stop - lines.start)
