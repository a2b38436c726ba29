"""What else a contested region, or file, may become: the resolutions that the rules allow, in order.

Derived from a record's own contents (base, sides, agents), so that a gate can try them later with the project's tests:
nothing but tests can tell which of them keeps every feature working.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from agentroom_git.core.cascade import Combination, Conflict, combine, keep_all
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.regions import Side


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that the region may become (None: the file would be absent), and how it comes about.

    `step` is one of the cascade's steps, "sequence" for the sides' whole texts one after the other, or "base" for what
    was there before; `agents` are those whose text it is, empty where it combines several.
    """

    step: str
    text: bytes | None
    agents: tuple[str, ...] = ()


def find_alternatives(
    base: bytes | None,
    sides: Sequence[bytes | None],
    agents: Sequence[tuple[str, ...]],
    winner: int | None,
    diff: LineDiff,
    in_order: bool = False,
) -> tuple[Candidate, ...]:
    """Return each other text that the rules allow instead of what stands, best first and each once.

    `winner` is the side that stands, None where the result combines several: then that combination is left out. What
    keeps all sides comes before what keeps one, and the base comes last. `in_order` says that the merge had the sides'
    insertions in their order here, and not in the order of their texts.
    """
    found = list(_combinations(base, sides, agents, diff, in_order))
    stands = sides[winner] if winner is not None else found.pop(0).text if found else None
    found += [Candidate("side", text, names) for text, names in zip(sides, agents, strict=True)]
    found.append(Candidate("base", base))
    by_text = {candidate.text: candidate for candidate in reversed(found) if candidate.text != stands}
    return tuple(candidate for candidate in found if by_text.get(candidate.text) is candidate)


def rank_choices(options: Sequence[int]) -> list[tuple[int, ...]]:
    """Return every choice of one option for each region, given how many each has, the one with the lowest sum first.

    Option 0 of a region is what stands there; the choice that changes nothing is left out.
    """
    return sorted(product(*map(range, options)), key=lambda ranks: (sum(ranks), ranks))[1:]


def _combinations(
    base: bytes | None,
    sides: Sequence[bytes | None],
    agents: Sequence[tuple[str, ...]],
    diff: LineDiff,
    in_order: bool,
) -> Iterator[Candidate]:
    texts = [text for text in sides if text is not None]
    if base is None or len(texts) < len(sides) or any(b"\0" in text for text in (base, *texts)):
        return
    parties = [
        Side(names, text, place=index * in_order) for index, (names, text) in enumerate(zip(agents, texts, strict=True))
    ]
    conflict = Conflict.read(base, parties, diff)
    for combination in (combine(conflict), keep_all(conflict)):
        if combination is not None:
            yield _restored(conflict, combination)
    # Edits of the same lines one after the other are seldom right, but tests may say so; both orders may matter.
    for order in (conflict.level.sides, conflict.level.sides[::-1]):
        yield _restored(conflict, Combination(b"".join(order), "sequence"))


def _restored(conflict: Conflict, combination: Combination) -> Candidate:
    return Candidate(combination.step, conflict.level.restore(combination.text))
