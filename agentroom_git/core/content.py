"""What becomes of one file's content that both sides changed: merged as text, or one version taken whole.

A pure function of the contents and of what is known about the path, so that the fold and a merge of three loose files
decide alike. Modes, deletions and names are decided elsewhere (`agentroom_git.core.tree`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.hunks import LineDiff, is_binary
from agentroom_git.core.parse import guard_of_merge
from agentroom_git.core.regions import Region, Side
from agentroom_git.core.text import TextMerge, merge_text
from agentroom_git.core.whole_lines import merge_set, merge_union

TEXT, BINARY, LARGE, POINTER = "text", "binary", "large", "pointer"
GENERATED, DRIVER = "generated", "driver"

MAX_TEXT = 5 * 1024 * 1024
"""Bytes; a larger file is taken whole from one side."""

MAX_LINES = 400_000
"""The same for lines: the time of a line diff grows faster than their number."""

_GENERATED = re.compile(
    r"package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lock|poetry\.lock|uv\.lock|pdm\.lock"
    r"|Pipfile\.lock|Cargo\.lock|composer\.lock|Gemfile\.lock|flake\.lock|go\.sum|.*\.min\.(js|css)|.*\.(js|css)\.map"
    r"|.*\.pb\.(go|cc|h)|.*_pb2(_grpc)?\.pyi?|.*\.snap"
)
"""Names of files that programs write, as a whole."""

_POINTER_START = b"version https://git-lfs"
_POINTER_BYTES = 1024


_NO_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True)
class ContentMerge:
    """The merged text and its regions, or no text and as `kind` why the caller has to take one side whole."""

    kind: str
    text: bytes | None = None
    regions: tuple[Region, ...] = ()
    is_broken: bool = False
    """Whether all versions parse and the text, which git would have merged to the same bytes, does not."""


def merge_contents(
    path: str, base: bytes, sides: Sequence[Side], diff: LineDiff, attributes: Attributes = _NO_ATTRIBUTES
) -> ContentMerge:
    """Merge what the sides made of a file; a function of the set of sides, as `merge_text` is.

    Where git's own merge is clean its bytes stand, also for files that programs write; only where the attributes say
    that the file is not to be merged is one side taken even then.
    """
    texts = [base, *(side.text for side in sides)]
    kind = _unmergeable(texts, attributes)
    if kind:
        return ContentMerge(kind)
    if attributes.merge == "union":
        return ContentMerge(TEXT, merge_union(base, sides, diff))
    parses = guard_of_merge(path, [side.text for side in sides])
    merged = merge_text(base, sides, diff, parses)
    if not is_clean(merged):
        special = _special(path, base, sides, attributes)
        return special or ContentMerge(TEXT, merged.text, merged.regions)
    # The result first: it nearly always parses, and then nothing else has to be.
    is_broken = parses is not None and not parses(merged.text) and all(parses(text) for text in texts)
    return ContentMerge(TEXT, merged.text, merged.regions, is_broken)


def _unmergeable(texts: Sequence[bytes], attributes: Attributes) -> str:
    """Return why the texts are not to be merged by lines, or nothing."""
    if any(len(text) > MAX_TEXT or text.count(b"\n") > MAX_LINES for text in texts):
        return LARGE
    if attributes.merge is False or attributes.merge == "binary" or any(map(is_binary, texts)):
        return BINARY
    if attributes.filter == "lfs" or any(map(is_pointer, texts)):
        return POINTER
    return ""


def _special(path: str, base: bytes, sides: Sequence[Side], attributes: Attributes) -> ContentMerge | None:
    """Return what becomes of a file that git cannot merge, if not the text's own rules decide."""
    name = path.rpartition("/")[2]
    if name == "go.sum":
        together = merge_set(base, sides)
        if together is not None:
            return ContentMerge(TEXT, together)
    if attributes.generated not in (None, False, "false") or _GENERATED.fullmatch(name):
        return ContentMerge(GENERATED)
    # Somebody else's merge program decides about this file, and is never run here.
    return ContentMerge(DRIVER) if isinstance(attributes.merge, str) and attributes.merge != TEXT else None


def is_pointer(data: bytes) -> bool:
    """Tell whether the bytes stand for a file that git-lfs keeps elsewhere."""
    return len(data) <= _POINTER_BYTES and data.startswith(_POINTER_START)


def is_clean(merged: TextMerge) -> bool:
    """Tell whether git's own merge of the file is clean, which then gives the same bytes."""
    return all(region.step == "equal" for region in merged.regions)
