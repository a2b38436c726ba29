"""The file merges in a repository's history: what both parents of a merge changed, and what was committed.

The repository is only read. Git runs without any configuration, so that its own merge is the same everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pygit2

from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.hunks import is_binary
from agentroom_git.core.ids import Oid
from agentroom_git.git.repo import CorruptError
from agentroom_git.git.tree_diff import EXECUTABLE, FILE, diff_trees
from agentroom_git.system import process

SEALED = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_NO_REPLACE_OBJECTS": "1"}
REGULAR = (FILE, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Merge:
    """A commit with two parents."""

    id: Oid
    ours: Oid
    theirs: Oid


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file that both parents of a merge changed, and what the developer committed (None: deleted or moved)."""

    merge: Oid
    path: str
    base: bytes
    ours: bytes
    theirs: bytes
    committed: bytes | None


def find_merges(
    repo: Path, *, every_ref: bool = False, since: datetime | None = None, limit: int | None = None
) -> list[Merge]:
    """Return the two-parent merges in the history of HEAD, or of every ref, newest first.

    With `since` only those committed since then. Raises `CorruptError` where git cannot walk the history.
    """
    command = ["rev-list", "--topo-order", "--min-parents=2", "--max-parents=2", "--parents"]
    command += ["--all" if every_ref else "HEAD"]
    # Not --since, which takes any text for a date.
    command += [f"--max-age={max(0, int(since.timestamp()))}"] if since is not None else []
    command += [f"--max-count={limit}"] if limit is not None else []
    done = process.git(*command, cwd=repo, env=SEALED)
    if done.code:
        raise CorruptError(f"the history of {repo} cannot be read: {done.message}", hint="run: git fsck")
    return [Merge(*map(Oid, line.split())) for line in done.out.decode().splitlines()]


def merge_bases(repo: Path, merge: Merge) -> list[Oid]:
    """Return the best common ancestors of a merge's parents."""
    return [
        Oid(id)
        for id in process.git("merge-base", "--all", merge.ours, merge.theirs, cwd=repo, env=SEALED)
        .out.decode()
        .split()
    ]


def read_files(handle: pygit2.Repository, base: Oid, merge: Merge) -> Iterator[FileMerge]:
    """Yield each text file that both parents changed, differently, at the path that it has in the base.

    Raises KeyError where an object is missing, as in a partial clone.
    """
    trees = [str(handle[id].peel(pygit2.Tree).id) for id in (base, merge.ours, merge.theirs)]
    committed = handle[merge.id].peel(pygit2.Tree)
    ours, theirs = diff_trees(handle, trees[0], trees[1]), diff_trees(handle, trees[0], trees[2])
    for path in sorted(ours.keys() & theirs.keys()):
        old, one, other = ours[path][0], ours[path][1], theirs[path][1]
        if old is None or one is None or other is None or one.id == other.id or old.id in (one.id, other.id):
            continue
        if any(entry.mode not in REGULAR for entry in (old, one, other)):
            continue
        texts = [handle[entry.id].peel(pygit2.Blob).data for entry in (old, one, other)]
        if not any(len(text) > MAX_TEXT or is_binary(text) for text in texts):
            name = path.decode("utf-8", "surrogateescape")
            yield FileMerge(merge.id, name, texts[0], texts[1], texts[2], _read(committed, path))


def _read(tree: pygit2.Tree, path: bytes) -> bytes | None:
    try:
        found = tree[path.decode("utf-8", "surrogateescape")]
    except (KeyError, UnicodeEncodeError):
        return None
    return found.data if isinstance(found, pygit2.Blob) else None


def merge_by_git(found: FileMerge, folder: Path, *options: str) -> bytes | None:
    """Return what `git merge-file` makes of it, None where it finds conflicts; `folder` holds the files meanwhile."""
    for name, text in (("base", found.base), ("ours", found.ours), ("theirs", found.theirs)):
        (folder / name).write_bytes(text)
    done = process.git("merge-file", "-p", "-q", *options, "ours", "base", "theirs", cwd=folder, env=SEALED)
    return done.out if done.code == 0 else None
