"""Which side of a contested region changed far more of it than any other."""

from collections import Counter
from collections.abc import Sequence

from agentroom_git.core.tokens import MAX_BYTES, split_words

FAR_LARGER = 2
"""How many times as many words as any other a side has to change; docs/merge.md says what it rests on."""


def find_far_larger(base: bytes, texts: Sequence[bytes]) -> int | None:
    """Return which of two or more texts differs from the base in far more words than each other; None where none does.

    Words are counted, not compared in order: what is moved alone is no change.
    """
    if max(map(len, (base, *texts))) > MAX_BYTES:
        return None
    before = Counter(split_words(base))
    sizes = [_changed(before, Counter(split_words(text))) for text in texts]
    larger, largest = sorted(sizes)[-2:]
    return sizes.index(largest) if largest > larger and largest >= FAR_LARGER * larger else None


def _changed(before: Counter[bytes], after: Counter[bytes]) -> int:
    return max((before - after).total(), (after - before).total())
