"""Three-way merge of a few lines by their words, for edits that meet on a line but not on a word."""

import re
from collections.abc import Iterable, Sequence

from agentroom_git.core.codes import Codes
from agentroom_git.core.hunks import LineDiff, find_clusters

MAX_BYTES = 100_000
"""Longer texts are not taken apart: their words number more than a reader would ever compare."""

_WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+|[^\s]")
_SPACE = b" \t\n\r\v\f"
_TOKEN = re.compile(rb"[0-9A-Za-z_\x80-\xff]+|[ \t]+|\r?\n|.", re.DOTALL)


def split_tokens(text: bytes) -> list[bytes]:
    """Words, runs of blanks, line ends, and every other byte by itself; together they are the text."""
    return _TOKEN.findall(text)


def split_words(text: bytes) -> list[bytes]:
    """Tokens without white space: equal for two texts when they differ in nothing but white space between tokens."""
    return _WORD.findall(text)


def has_same_words(one: bytes, other: bytes) -> bool:
    """Tell whether two texts differ in nothing but white space between words."""
    if one == other:
        return True
    # Most texts that differ do so without any white space, which is told a hundred times faster than their words.
    return one.translate(None, _SPACE) == other.translate(None, _SPACE) and split_words(one) == split_words(other)


def merge_tokens(base: bytes, sides: Sequence[bytes], diff: LineDiff) -> bytes | None:
    """Apply all sides' changes of words; None when two different ones overlap or touch."""
    if max(map(len, (base, *sides))) > MAX_BYTES:
        return None
    if _meet(_first_token(base), map(_first_token, sides)):
        return None
    words = split_tokens(base)
    side_words = [split_tokens(side) for side in sides]
    if _meet(words[-1:], (its[-1:] for its in side_words)):
        return None
    # A word may itself be a line end, so the diff is given codes.
    codes = Codes(words)
    coded = b"".join(codes.read(words))
    parts: list[bytes] = []
    at = 0
    for cluster in find_clusters([diff(coded, b"".join(codes.read(found))) for found in side_words]):
        texts = {b"".join(side_words[change.side][change.new_start : change.new_stop]) for change in cluster.changes}
        if len(texts) > 1:
            return None
        parts += [*words[at : cluster.start], texts.pop()]
        at = cluster.stop
    return b"".join(parts + words[at:])


def _first_token(text: bytes) -> list[bytes]:
    found = _TOKEN.match(text)
    return [found.group()] if found else []


def _meet(end: list[bytes], ends: Iterable[list[bytes]]) -> bool:
    """Tell whether two sides change the token at an end differently: then no diff is needed to see that they meet."""
    made = {token for its in ends for token in its}
    return bool(end) and len(made.difference(end)) > 1
