"""What an agent did itself since it joined: the files that it changed, and the unimplemented markers that it added."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from agentroom_git.core.abandonment import is_source
from agentroom_git.core.contested import Entry
from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import Oid
from agentroom_git.git.uncommitted import dirty_files
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import contributions, markers
from agentroom_git.room.contributions import Contribution
from agentroom_git.room.room import Room

MAX_FILE = 1024 * 1024
MAX_COMMITS = 1000
MAX_FOLDS = 5000
"""How far back is looked: an agent that is about to stop does not wait for more."""
Marked = frozenset[bytes]
NOTHING: Marked = frozenset()


def find_own(room: Room, worktree: Worktree, since: Oid | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the files that the acting agent changed after this fold, and the markers that it added and left.

    Only its own commits and uncommitted edits count, and a marker only while it is still there.
    """
    words = re.compile(rb"\b(?:" + b"|".join(re.escape(word.encode()) for word in markers.words(room)) + rb")\b")
    changed: set[bytes] = set()
    added: dict[bytes, set[bytes]] = defaultdict(set)
    for one in islice(_own_commits(room, worktree, since), MAX_COMMITS):
        for path, lines in _added_by(room, one, words).items():
            changed.add(path)
            added[path] |= lines
    for name in dirty_files(worktree.path):
        path = name.encode("utf-8", "surrogateescape")
        changed.add(path)
        added[path] |= _marked(words, path, _read(worktree, path)) - _marked(
            words, path, _committed(room, worktree, path)
        )
    left = (place for path in sorted(added) for place in _places(words, path, _read(worktree, path), added[path]))
    return tuple(path_text(path) for path in sorted(changed)), tuple(left)


def _own_commits(room: Room, worktree: Worktree, since: Oid | None) -> Iterator[Contribution]:
    agent = room.agent()
    if worktree.head is not None:
        yield from contributions.unfolded(room, agent, worktree.head)
    if since is not None:
        for fold in islice(contributions.folds_since(room, since), MAX_FOLDS):
            if any(head.agent == agent for head in fold.folded):
                yield from (one for one in contributions.of_fold(room, fold) if one.agent == agent)


def _added_by(room: Room, one: Contribution, words: re.Pattern[bytes]) -> dict[bytes, Marked]:
    """Return the marked lines that the commit added to each path that it changed; one that was only moved is none."""
    history = room.history
    found: dict[bytes, Marked] = {}
    gone: set[bytes] = set()
    for path, (before, after) in history.changes(history.tree_of(one.parent), history.tree_of(one.commit)).items():
        old = _marked(words, path, _blob(room, before))
        found[path] = _marked(words, path, _blob(room, after)) - old
        gone |= old if after is None else NOTHING
    return {path: lines - gone for path, lines in found.items()}


def _marked(words: re.Pattern[bytes], path: bytes, data: bytes) -> Marked:
    if not is_source(path.decode("utf-8", "surrogateescape")) or words.search(data) is None:
        return NOTHING
    return frozenset(line.strip() for line in data.split(b"\n") if words.search(line))


def _places(words: re.Pattern[bytes], path: bytes, data: bytes, wanted: set[bytes]) -> Iterator[str]:
    """Yield where these lines are, with the marker: never the line itself, which may hold anything."""
    for number, line in enumerate(data.split(b"\n") if wanted else (), 1):
        found = words.search(line) if line.strip() in wanted else None
        if found:
            yield f"{path_text(path)}:{number} ({found[0].decode('utf-8', 'replace')})"


def _blob(room: Room, entry: Entry | None) -> bytes:
    if entry is None or room.history.blob_size(entry.id) > MAX_FILE:
        return b""
    return room.history.blob(entry.id)


def _committed(room: Room, worktree: Worktree, path: bytes) -> bytes:
    if worktree.head is None:
        return b""
    return _blob(room, room.history.entry(room.history.tree_of(worktree.head), path))


def _read(worktree: Worktree, path: bytes) -> bytes:
    file = worktree.path / path.decode("utf-8", "surrogateescape")
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_FILE:
            return b""
        return file.read_bytes()
    except OSError:
        return b""
