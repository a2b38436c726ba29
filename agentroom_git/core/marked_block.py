"""Lines of ours in a text of somebody else's, between two marks that are comments there."""

from collections.abc import Sequence

BEGIN = "# agentroom: begin"
END = "# agentroom: end"


def put(text: str, lines: Sequence[str]) -> str:
    """Put the lines at the end of the text, or in the place of those that are there."""
    block = "".join(f"{line}\n" for line in (BEGIN, *lines, END))
    before, after = _around(text)
    if before is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{block}"
    return f"{before}{block}{after}"


def take(text: str) -> str:
    """Take the lines out, and the empty one that set them off."""
    before, after = _around(text)
    if before is None:
        return text
    return (before[:-1] if before.endswith("\n\n") else before) + after


def _around(text: str) -> tuple[str | None, str]:
    """Return what stands before and after our lines; None where there are none."""
    lines = text.splitlines(keepends=True)
    marks = [line.rstrip() for line in lines]
    if BEGIN not in marks:
        return None, ""
    first = marks.index(BEGIN)
    last = marks.index(END, first) if END in marks[first:] else first
    return "".join(lines[:first]), "".join(lines[last + 1 :])
