"""What becomes of a contested region: the candidates, the most conservative first.

The steps are, in this order: equal up to white space; changes of different lines; changes of different words; changes
of what is imported; only insertions; the higher of two version numbers; the side with the claim; all in order, where
at most one edits; the preferred side. The first five lose nothing, so they come first. A replacement is never
interleaved with another one of the same words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentroom_git.core.blocks import Block, drop_repeated, join_blocks, order_blocks
from agentroom_git.core.hunks import Cluster, Hunk, LineDiff, diff_lines, find_clusters, split_lines
from agentroom_git.core.import_lines import merge_imports, sort_imports
from agentroom_git.core.line_ends import LevelTexts, level_line_ends
from agentroom_git.core.merge import precedence
from agentroom_git.core.regions import Resolution, Side
from agentroom_git.core.sizes import find_far_larger
from agentroom_git.core.tokens import has_same_words, merge_tokens
from agentroom_git.core.version_numbers import take_highest

STEPS = ("equal", "whitespace", "disjoint", "tokens", "imports", "insertions", "versions")
"""The steps that combine; where a region takes several, the last of them names it."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A text of what all sides changed, the step that found it, and sides whose indentation or version it drops."""

    text: bytes
    step: str
    lost: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more distinct texts of a region in canonical order, its base, and the same with line ends made alike."""

    sides: tuple[Side, ...]
    level: LevelTexts
    lines: tuple[list[bytes], ...]
    hunks: tuple[Sequence[Hunk], ...]
    ranking: list[int]
    diff: LineDiff
    is_new: bool

    @classmethod
    def read(cls, base: bytes, sides: Sequence[Side], diff: LineDiff, is_new: bool = False) -> "Conflict":
        """Prepare a conflict; `is_new` says that there was no text at all before."""
        level = level_line_ends(base, [side.text for side in sides])
        base_lines = split_lines(level.base)
        lines = tuple(split_lines(text) for text in level.sides)
        return cls(
            sides=tuple(sides),
            level=level,
            lines=lines,
            hunks=tuple(diff_lines(base_lines, its, diff) for its in lines),
            ranking=rank_sides(level.base, level.sides, sides),
            diff=diff,
            is_new=is_new,
        )


def rank_sides(base: bytes, texts: Sequence[bytes], sides: Sequence[Side]) -> list[int]:
    """Return the indices of the sides, the preferred one first.

    A claim comes before all; then who changed far more of the region, which says more of this region than what its
    author weighs elsewhere; then the rest of `precedence`; of equal standing, the lower text.
    """
    larger = find_far_larger(base, texts)
    return sorted(
        range(len(sides)),
        key=lambda index: (-sides[index].token, index != larger, precedence(sides[index]), sides[index].text),
    )


def _has_claim(sides: Sequence[Side], ranking: Sequence[int]) -> bool:
    return sides[ranking[0]].token > sides[ranking[1]].token


def find_candidates(conflict: Conflict, is_guarded: bool) -> Iterator[Resolution]:
    """Yield what the region may become, best first; the last ones are the sides themselves, so there is always one.

    All in order, which keeps text that may not fit together, is only a candidate when a parser will judge it.
    """
    combination = combine(conflict)
    if combination is not None:
        yield _resolution(conflict, combination)
    preferred, *others = take_sides(conflict.sides, conflict.ranking)
    if preferred.step == "claim":
        yield preferred
    ordered = keep_all(conflict) if is_guarded else None
    if ordered is not None:
        yield _resolution(conflict, ordered)
    if preferred.step != "claim":
        yield preferred
    yield from others


def _resolution(conflict: Conflict, combination: Combination) -> Resolution:
    text = conflict.level.restore(combination.text)
    winner = next((index for index, side in enumerate(conflict.sides) if side.text == text), None)
    return Resolution(text, combination.step, winner, tuple(sorted(combination.lost)))


def take_sides(sides: Sequence[Side], ranking: Sequence[int]) -> list[Resolution]:
    """Each side whole, the preferred one first: by "claim" if its token is higher than any other, else as a "side"."""
    has_claim = _has_claim(sides, ranking)
    return [
        Resolution(
            text=sides[index].text,
            step="claim" if has_claim and index == ranking[0] else "side",
            winner=index,
            lost=tuple(other for other in range(len(sides)) if other != index),
        )
        for index in ranking
    ]


def combine(conflict: Conflict) -> Combination | None:
    """Apply all sides' changes, losing none but white space and the lower of version numbers; None when others meet."""
    made = {index: conflict.level.sides[index] for index in conflict.ranking}
    agreed = agree_in_words(conflict.level.base, made, conflict.diff)
    if agreed is not None:
        return agreed
    base_lines = split_lines(conflict.level.base)
    blocks: list[Block] = []
    found = [Combination(b"", "disjoint")]
    for cluster in find_clusters(conflict.hunks, touching=False):
        settled = _settle(conflict, cluster, b"".join(base_lines[cluster.start : cluster.stop]))
        if settled is None:
            return None
        blocks.append(Block(cluster.start, cluster.stop, split_lines(settled.text)))
        found.append(settled)
    return Combination(
        text=_write(base_lines, drop_repeated(blocks)),
        step=max((part.step for part in found), key=STEPS.index),
        lost=frozenset().union(*(part.lost for part in found)),
    )


def _write(base_lines: list[bytes], blocks: Iterable[Block]) -> bytes:
    parts: list[bytes] = []
    at = 0
    for block in blocks:
        parts += [*base_lines[at : block.start], *block.lines]
        at = block.stop
    return b"".join(parts + base_lines[at:])


def _settle(conflict: Conflict, cluster: Cluster, base: bytes) -> Combination | None:
    changes = {change.side: change for change in cluster.changes}
    made = {
        side: b"".join(conflict.lines[side][changes[side].new_start : changes[side].new_stop])
        for side in conflict.ranking
        if side in changes
    }
    texts = list(made.values())
    if len(set(texts)) == 1:
        return Combination(texts[0], "equal")
    agreed = agree_in_words(base, made, conflict.diff)
    if agreed is not None:
        return agreed
    if base:
        if not _has_claim(conflict.sides, conflict.ranking) and (text := take_highest(texts)) is not None:
            return Combination(text, "versions", frozenset(side for side in made if made[side] != text))
        text = merge_tokens(base, texts, conflict.diff)
        if text is not None:
            return Combination(text, "tokens")
        text = merge_imports(base, texts)
        return None if text is None else Combination(text, "imports")
    if conflict.is_new:
        # Two versions of a whole new file are not two parts of it.
        return None
    blocks = order_blocks((conflict.sides[side].place, split_lines(text)) for side, text in made.items())
    return Combination(b"".join(sort_imports(blocks) or join_blocks(blocks)), "insertions")


def agree_in_words(base: bytes, made: Mapping[int, bytes], diff: LineDiff) -> Combination | None:
    """Combine texts, the preferred side's first, of which those that change any word agree on the words.

    White space that others changed is kept where it lies apart from the words; else it is dropped, and a side that
    indented the same lines differently is listed as lost, since in some languages that is no mere formatting.
    """
    edited = [side for side in made if not has_same_words(made[side], base)] or list(made)
    if not all(has_same_words(made[side], made[edited[0]]) for side in edited):
        return None
    text = merge_tokens(base, list(made.values()), diff)
    if text is not None:
        return Combination(text, "tokens")
    chosen = made[edited[0]]
    kept = (_indentation(base), _indentation(chosen))
    lost = (side for side, text in made.items() if _is_other_indentation(_indentation(text), kept))
    return Combination(chosen, "whitespace", frozenset(lost))


def _indentation(text: bytes) -> list[bytes]:
    lines = (line for line in split_lines(text) if line.strip())
    return [line[: len(line) - len(line.lstrip())] for line in lines]


def _is_other_indentation(found: list[bytes], kept: tuple[list[bytes], list[bytes]]) -> bool:
    return found not in kept and len(found) in map(len, kept)


def keep_all(conflict: Conflict) -> Combination | None:
    """Put all sides' lines in order, what was inserted into an edit behind it; None where two sides edit."""
    editors = [index for index, hunks in enumerate(conflict.hunks) if any(hunk.old_lines for hunk in hunks)]
    if len(editors) > 1 or conflict.is_new:
        return None
    owned = [
        (hunk, conflict.sides[index].place, conflict.lines[index][hunk.new_start : hunk.new_stop])
        for index, hunks in enumerate(conflict.hunks)
        for hunk in hunks
    ]
    base_lines = split_lines(conflict.level.base)
    parts: list[bytes] = []
    at = 0
    for hunk, _, lines in sorted(owned, key=lambda one: (one[0].old_start, one[0].old_stop, *one[1:])):
        parts += base_lines[at : hunk.old_start]
        parts += lines
        at = max(at, hunk.old_stop)
    return Combination(b"".join(parts + base_lines[at:]), "both")
