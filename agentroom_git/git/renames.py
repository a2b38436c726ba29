"""Which files moved between two trees: libgit2's rename detection, with every setting pinned.

Renames are part of a fold's result, so nothing may come from the user's configuration (`diff.renames`,
`diff.renameLimit`), which libgit2 reads where an option is left at zero.
"""

from collections.abc import Mapping

import pygit2
from pygit2.enums import DeltaStatus, DiffFind

SIMILARITY = 50
"""Percent of its content that a file has to keep, as in git."""

MAX_FILES = 1000
"""With more candidates than this only identical files are matched, as in git."""


def find_renames(handle: pygit2.Repository, old: str | None, new: str | None) -> Mapping[bytes, bytes]:
    """Return the new path of each file that was deleted and whose content appeared at a path that was not there."""
    if old is None or new is None:
        return {}
    diff = handle[old].peel(pygit2.Tree).diff_to_tree(handle[new].peel(pygit2.Tree), context_lines=0)
    diff.find_similar(flags=DiffFind.FIND_RENAMES, rename_threshold=SIMILARITY, rename_limit=MAX_FILES)
    return {
        delta.old_file.raw_path: delta.new_file.raw_path for delta in diff.deltas if delta.status == DeltaStatus.RENAMED
    }
