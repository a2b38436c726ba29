"""The file merges in a repository's history: what both parents of a merge changed, and what was committed.

The repository is only read, with git sealed from any configuration.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pygit2 import Blob, Repository, Tree

from agentroom_git.core.text import is_binary

SEALED = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file that both parents of a merge changed, and what the developer committed (None: deleted or moved)."""

    merge: str
    path: str
    base: bytes
    ours: bytes
    theirs: bytes
    committed: bytes | None


def find_file_merges(path: Path) -> Iterator[FileMerge]:
    """Yield each file changed differently on both sides of a two-parent merge that has one merge base, newest first.

    Only files at the same path in base and both parents, and only text.
    """
    repo = Repository(str(path))
    listed = _git(path, "rev-list", "--all", "--topo-order", "--min-parents=2", "--max-parents=2", "--parents")
    for merge, ours, theirs in (line.split() for line in listed.splitlines()):
        bases = _git(path, "merge-base", "--all", ours, theirs).split()
        if len(bases) == 1 and bases[0] not in {ours, theirs}:
            trees = [repo[oid].peel(Tree) for oid in (bases[0], ours, theirs, merge)]
            yield from _files_of(merge, trees)


def _files_of(merge: str, trees: list[Tree]) -> Iterator[FileMerge]:
    base, ours, theirs, committed = trees
    for path in sorted(_modified(base, ours) & _modified(base, theirs)):
        texts = [data for tree in (base, ours, theirs) if (data := _read(tree, path)) is not None]
        if len(texts) == 3 and not any(map(is_binary, texts)) and texts[1] != texts[2]:
            yield FileMerge(merge, path, texts[0], texts[1], texts[2], _read(committed, path))


def _modified(base: Tree, tree: Tree) -> set[str]:
    return {delta.new_file.path for delta in base.diff_to_tree(tree).deltas if delta.status_char() == "M"}


def _read(tree: Tree, path: str) -> bytes | None:
    if path not in tree:
        return None
    found = tree[path]
    return found.data if isinstance(found, Blob) else None


def _git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), *arguments]
    done = subprocess.run(command, env=SEALED, capture_output=True, check=False, text=True)
    if done.returncode != 1:  # which `merge-base` does for parents that share no history
        done.check_returncode()
    return done.stdout


def merge_with_git(found: FileMerge, folder: Path, *options: str) -> bytes | None:
    """Return what `git merge-file` makes of it, None where it finds conflicts; `folder` holds the files meanwhile."""
    for name, text in (("base", found.base), ("ours", found.ours), ("theirs", found.theirs)):
        (folder / name).write_bytes(text)
    command = ["git", "merge-file", "-p", "-q", *options, "ours", "base", "theirs"]
    done = subprocess.run(command, cwd=folder, env=SEALED, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
