"""A block of ours in a Markdown file of somebody else's, between two comments that no reader is shown.

Taking it out again gives back the very text that it was put into.
"""

BEGIN = "<!-- agentroom: begin -->"
END = "<!-- agentroom: end -->"


class BrokenBlockError(ValueError):
    """The text has one of the two comments without the other."""


def put(text: str, body: str) -> str:
    """Put the body at the end of the text, or in the place of the block that is there, with the text's line ends."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    block = line_end.join([BEGIN, *body.strip().splitlines(), END]) + line_end
    found = _find(text)
    if found is not None:
        return text[: found[0]] + block + text[found[1] :]
    # Always exactly one line end before it, so that `take` knows what to take along.
    return f"{text}{line_end}{block}" if text else block


def take(text: str) -> str:
    """Take the block out, with the line end that set it off; a text without one is returned as it is."""
    found = _find(text)
    if found is None:
        return text
    before, after = text[: found[0]], text[found[1] :]
    gap = "\r\n" if before.endswith("\r\n") else "\n"
    return before.removesuffix(gap) + after


def _find(text: str) -> tuple[int, int] | None:
    """Return where the block begins and ends, its last line end included."""
    start = _line(text, BEGIN, 0)
    end = _line(text, END, max(start, 0))
    if start < 0 and end < 0:
        return None
    if start < 0 or end < 0:
        raise BrokenBlockError
    stop = end + len(END)
    rest = text[stop : stop + 2]
    return start, stop + (2 if rest == "\r\n" else 1 if rest[:1] == "\n" else 0)


def _line(text: str, mark: str, since: int) -> int:
    """Return where the mark stands as the whole of a line, or -1."""
    at = text.find(mark, since)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "\n", text[at + len(mark) :][:1] or "\n"
        if before == "\n" and after in "\r\n":
            return at
        at = text.find(mark, at + 1)
    return -1
