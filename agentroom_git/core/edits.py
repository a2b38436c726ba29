"""What becomes of a file's uncommitted edits when the commit below them changes: kept on top, or nothing is decided.

A fold settles what is contested, with a record of what lost. Uncommitted text has no record, so here only those merges
count that git's own file merge would make without a conflict.
"""

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.content import merge_contents
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.parse import guard_for
from agentroom_git.core.regions import Side

_NO_ATTRIBUTES = Attributes()


def carry_edits(
    path: str, base: bytes, edited: bytes, arrived: bytes, diff: LineDiff, attributes: Attributes = _NO_ATTRIBUTES
) -> bytes | None:
    """Return what arrived with the edits of `base` on top, or None where the two are contested.

    Contested is what git would not merge cleanly, what is not to be merged by lines at all, and a text that does not
    parse although the edited one and the one that arrived both do.
    """
    sides = (Side(("edited",), edited), Side(("arrived",), arrived))
    merged = merge_contents(path, base, sides, diff, attributes)
    if merged.text is None or any(region.step != "equal" for region in merged.regions):
        return None
    parses = guard_for(path)
    if parses is not None and not parses(merged.text) and parses(edited) and parses(arrived):
        return None
    return merged.text
