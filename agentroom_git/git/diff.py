"""The one line diff of the fold: libgit2's Myers diff without heuristics, which is what `git merge-file` uses.

The algorithm is part of the result of a fold: another one gives other texts where sides are contested, so it is
pinned here and takes nothing from any configuration.
"""

from pygit2 import Patch
from pygit2.enums import DiffOption

from agentroom_git.core.hunks import Hunk


def line_diff(old: bytes, new: bytes) -> list[Hunk]:
    """Hunks that turn `old` into `new`, in order, separated by at least one common line; bytes of any kind are text."""
    patch = Patch.create_from(old, new, flag=DiffOption.FORCE_TEXT, context_lines=0, interhunk_lines=0)
    return [
        Hunk(
            _from_zero(found.old_start, found.old_lines),
            found.old_lines,
            _from_zero(found.new_start, found.new_lines),
            found.new_lines,
        )
        for found in patch.hunks
    ]


def _from_zero(start: int, lines: int) -> int:
    # A unified diff counts from 1, but names the line before an empty range.
    return start - 1 if lines else start
