"""A text with options for its regions, and the choice among them when a parser judges the whole.

One region can stop a file from parsing through another one, so options are judged in the whole text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from agentroom_git.core.regions import Resolution
from agentroom_git.core.tokens import split_words

Parses = Callable[[bytes], bool]

MAX_TRIALS = 64
"""How many texts with one region changed are parsed before the regions are decided the plain way."""

MAX_PARSED = 100_000
"""How many words of such texts are parsed: of long texts fewer are tried."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The settled text between regions, and for each region its options, best first, the sides themselves last."""

    settled: tuple[bytes, ...]
    options: tuple[tuple[Resolution, ...], ...]

    def choose(self, parses: Parses | None, inputs: Sequence[bytes]) -> tuple[Resolution, ...] | None:
        """Return the best option of each region with which the text parses, None when none is found.

        Without a parser, or when some input does not parse either, the first options stand. Where no region has a
        choice the text is what it is.
        """
        first = (0,) * len(self.options)
        if parses is None or all(len(options) == 1 for options in self.options):
            return self._pick(first)
        if parses(self._text(first)) or not all(parses(text) for text in inputs):
            return self._pick(first)
        choice = self._find(first, parses)
        return None if choice is None else self._pick(choice)

    def _find(self, first: tuple[int, ...], parses: Parses) -> tuple[int, ...] | None:
        for choice in islice(self._change_one(first), self._trials()):
            if parses(self._text(choice)):
                return choice
        plain = tuple(map(_preferred_side, self.options))
        return self._improve(plain, parses) if parses(self._text(plain)) else None

    def _trials(self) -> int:
        words = len(split_words(self._text((0,) * len(self.options))))
        return max(1, min(MAX_TRIALS, MAX_PARSED // max(1, words)))

    def _change_one(self, choice: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for place, options in enumerate(self.options):
            for option in range(1, len(options)):
                yield (*choice[:place], option, *choice[place + 1 :])

    def _improve(self, plain: tuple[int, ...], parses: Parses) -> tuple[int, ...]:
        trials, most = 0, self._trials()
        for place, side in enumerate(plain):
            for option in range(side):
                trials += 1
                better = (*plain[:place], option, *plain[place + 1 :])
                if trials <= most and parses(self._text(better)):
                    plain = better
                    break
        return plain

    def _pick(self, choice: Sequence[int]) -> tuple[Resolution, ...]:
        return tuple(options[option] for options, option in zip(self.options, choice, strict=True))

    def _text(self, choice: Sequence[int]) -> bytes:
        chosen = (resolution.text for resolution in self._pick(choice))
        return b"".join(chain.from_iterable(zip_longest(self.settled, chosen, fillvalue=b"")))


def _preferred_side(options: Sequence[Resolution]) -> int:
    return next((index for index, option in enumerate(options) if option.step in {"claim", "side"}), 0)
