"""The notes ref, written as trees of our own with one compare-and-swap a batch.

git's notes porcelain and libgit2's `create_note` force the ref and lose other writers' notes; neither is ever called.
A note is a set of lines, so writing the same lines again changes nothing.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pygit2

from agentroom_git.core.ids import Oid, is_oid
from agentroom_git.core.objects import FILE
from agentroom_git.git.log import signature
from agentroom_git.git.objects import empty_tree
from agentroom_git.git.refs import Refs
from agentroom_git.git.tree_write import FOLDER
from agentroom_git.git.writing import writing

VERSION = 1
NoteLines = Mapping[Oid, tuple[str, ...]]
"""The lines on each commit, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Projected:
    """What the notes at `tip` already tell: the tip of each source ref at that time."""

    tip: Oid | None
    sources: Mapping[str, str]


def read_projected(refs: Refs, ref: str) -> Projected:
    """Return how far the notes have come; notes of another origin or version count as nothing, nor do lost ones."""
    tip = refs.get(ref)
    if tip is None or tip not in refs.handle:
        return Projected(None, {})
    lines = refs.handle[tip].peel(pygit2.Commit).raw_message.decode("utf-8", "replace").strip().split("\n")
    try:
        record = json.loads(lines[-1])
        sources = record["sources"] if record["v"] == VERSION else {}
        return Projected(tip, {str(name): str(oid) for name, oid in sources.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return Projected(tip, {})


def read_note(handle: pygit2.Repository, tip: Oid | None, commit: Oid) -> tuple[str, ...]:
    """Return the lines on a commit."""
    if tip is None:
        return ()
    try:
        blob = handle[tip].peel(pygit2.Tree)[f"{commit[:2]}/{commit[2:]}"]
    except KeyError:
        return ()
    return tuple(blob.data.decode("utf-8", "replace").splitlines()) if isinstance(blob, pygit2.Blob) else ()


def write_notes(
    refs: Refs, ref: str, lines: NoteLines, sources: Mapping[str, str], at: datetime, *, start: Oid | None
) -> bool:
    """Put these notes (whole notes, replacing those of the same commits) on top of the notes at `start`.

    With `start` None the notes are made anew from these lines alone. Returns False when the ref moved meanwhile.
    """
    handle = refs.handle
    old = refs.get(ref)
    if start is not None and old != start:
        return False
    base = Oid(str(handle[start].peel(pygit2.Tree).id)) if start else None
    with writing():
        tree = _write_fan_out(handle, base, lines)
    record = json.dumps({"v": VERSION, "sources": dict(sorted(sources.items()))}, separators=(",", ":"))
    who = signature("sidecar", at)
    # A `git gc --prune=now` may have taken what was just written: nothing can be put on top of that.
    parents = [pygit2.Oid(hex=old)] if old and old in handle else []
    message = f"notes of {len(lines)} commits\n\n{record}\n"
    with writing():
        new = Oid(str(handle.create_commit(None, who, who, message, pygit2.Oid(hex=tree), parents)))
    return refs.swap(ref, new, old)


def _write_fan_out(handle: pygit2.Repository, base: Oid | None, lines: NoteLines) -> Oid:
    folders: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for commit, texts in lines.items():
        if not is_oid(commit):
            raise ValueError(f"a note on {commit!r}, which is not an object id")
        folders[commit[:2]][commit[2:]] = texts
    root = handle[base] if base else None
    builder = handle.TreeBuilder(root) if isinstance(root, pygit2.Tree) else handle.TreeBuilder()
    for name, notes in sorted(folders.items()):
        found = builder.get(name)
        below = handle.TreeBuilder(found) if isinstance(found, pygit2.Tree) else handle.TreeBuilder()
        for rest, texts in sorted(notes.items()):
            below.insert(rest, handle.create_blob("".join(f"{text}\n" for text in texts).encode()), FILE)
        builder.insert(name, below.write(), FOLDER)
    return Oid(str(builder.write())) if len(builder) else empty_tree(handle)
