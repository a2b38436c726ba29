"""Line ends made alike, so that a changed line end does not hide which lines were changed.

A missing final newline and a switch between LF and CRLF each touch lines whose words stay as they were. Both are
properties of the whole text, merged three-way by themselves and put back afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentroom_git.core.merge import Resolved, merge_values

T = TypeVar("T")

CRLF, LF = b"\r\n", b"\n"


@dataclass(frozen=True, slots=True)
class LevelTexts:
    """Texts with the same line ends, and what has to be undone in a text merged from them."""

    base: bytes
    sides: tuple[bytes, ...]
    is_switched: bool
    surplus: bytes

    def restore(self, text: bytes) -> bytes:
        """Give a text merged from these the line ends that the sides chose."""
        text = text.removesuffix(self.surplus)
        return text.replace(LF, CRLF) if self.is_switched else text


def level_line_ends(base: bytes, sides: Sequence[bytes]) -> LevelTexts:
    """Make the line ends of the texts of a region alike; texts that mix both kinds are left alone."""
    texts = [base, *sides]
    newlines = [_newline(text) for text in texts]
    differ = newlines[0] is not None and {CRLF, LF} == {found for found in newlines if found is not None}
    if differ:
        texts = [text.replace(CRLF, LF) for text in texts]
    ends = [text.endswith(LF) if text else None for text in texts]
    newline = CRLF if CRLF in newlines and not differ else LF
    level = [text + newline if ended is False else text for text, ended in zip(texts, ends, strict=True)]
    return LevelTexts(
        base=level[0],
        sides=tuple(level[1:]),
        is_switched=differ and _agree(newlines[0], newlines[1:]) == CRLF,
        surplus=b"" if _agree(ends[0] is not False, ends[1:]) else newline,
    )


def _newline(text: bytes) -> bytes | None:
    """CRLF or LF where all lines end alike, nothing for a mixture, None for a text of no ended line."""
    lines, returns = text.count(LF), text.count(CRLF)
    if not lines:
        return None
    return {lines: CRLF, 0: LF}.get(returns, b"")


def _agree(base: T, sides: Sequence[T | None]) -> T:
    outcome = merge_values(base, (side for side in sides if side is not None))
    # Of two possible values the one that differs from the base is the change, so nothing can be contested.
    return outcome.value if isinstance(outcome, Resolved) else base
