"""What becomes of one file's content that both sides changed: merged as text, or one version taken whole.

A pure function of the contents and of what is known about the path, so that the fold and a merge of three loose files
decide alike. Modes, deletions and names are decided elsewhere (`agentroom_git.core.tree`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.parse import guard_of_merge
from agentroom_git.core.text import LineDiff, Region, Side, TextMerge, is_binary, merge_text

TEXT, BINARY, LARGE, POINTER = "text", "binary", "large", "pointer"

MAX_TEXT = 5 * 1024 * 1024
"""Bytes; a larger file is taken whole from one side."""

_POINTER_START = b"version https://git-lfs"
_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class ContentMerge:
    """The merged text and its regions, or no text and as `kind` why the caller has to take one side whole."""

    kind: str
    text: bytes | None = None
    regions: tuple[Region, ...] = ()
    is_broken: bool = False
    """Whether all versions parse and the text, which git would have merged to the same bytes, does not."""


def merge_contents(path: str, base: bytes, sides: Sequence[Side], diff: LineDiff) -> ContentMerge:
    """Merge what the sides made of a file; a function of the set of sides, as `merge_text` is."""
    texts = [base, *(side.text for side in sides)]
    if any(len(text) > MAX_TEXT for text in texts):
        return ContentMerge(LARGE)
    if any(is_binary(text) for text in texts):
        return ContentMerge(BINARY)
    if any(is_pointer(text) for text in texts):
        return ContentMerge(POINTER)
    parses = guard_of_merge(path, [side.text for side in sides])
    merged = merge_text(base, sides, diff, parses)
    # The result first: it nearly always parses, and then nothing else has to be.
    is_broken = (
        is_clean(merged) and parses is not None and not parses(merged.text) and all(parses(text) for text in texts)
    )
    return ContentMerge(TEXT, merged.text, merged.regions, is_broken)


def is_pointer(data: bytes) -> bool:
    """Tell whether the bytes stand for a file that git-lfs keeps elsewhere."""
    return len(data) <= _POINTER_BYTES and data.startswith(_POINTER_START)


def is_clean(merged: TextMerge) -> bool:
    """Tell whether git's own merge of the file is clean, which then gives the same bytes."""
    return all(region.step == "equal" for region in merged.regions)
