"""A text by its lines, and versions of it by the runs of lines that they share with it.

Versions of a file share most of their lines. They are told apart by comparing whole runs of bytes, so that only the
lines around a change become objects of their own: what a merge takes is mostly the memory that it touches. Which runs
are found makes no difference to a diff, as equal lines have one code wherever they stand.
"""

from bisect import bisect_right
from itertools import accumulate
from operator import itemgetter

from agentroom_git.core.codes import Codes
from agentroom_git.core.hunks import split_lines

_OWN = -1


class Base:
    """A text that versions are compared with; `coded` stands for it in a line diff."""

    def __init__(self, text: bytes) -> None:
        lines = split_lines(text)
        self.text = text
        self.starts = list(accumulate(map(len, lines), initial=0))
        self.codes = Codes(lines)
        self.others = Codes((), start=len(lines))
        """The codes of lines that only versions have."""
        self.line_codes = self.codes.read(lines)
        self.coded = b"".join(self.line_codes)
        # A last line without an end may be how a longer one begins.
        self._whole_lines = len(lines) - (not text.endswith(b"\n")) if lines else 0

    def __len__(self) -> int:
        return len(self.line_codes)

    def part(self, start: int, stop: int) -> bytes:
        """Return lines [start, stop)."""
        return self.text[self.starts[start] : self.starts[stop]]

    def find_run(self, line: int, text: bytes, at: int) -> int:
        """Return up to which line those from `line` on stand in the text at `at`, one after the other."""
        base, starts, end = self.text, self.starts, self._whole_lines
        shift = at - starts[line]
        width, is_growing = 1, True
        while width and line < end:
            stop = line + width if line + width < end else end
            if text.startswith(base[starts[line] : starts[stop]], starts[line] + shift):
                line = stop
            else:
                is_growing = False
            width = width * 2 if is_growing else width // 2
        return line


class Version:
    """A version of a base text; `coded` stands for it in a line diff with the base."""

    def __init__(self, base: Base, text: bytes) -> None:
        self.text = text
        self._base_starts = base.starts
        self._runs: list[tuple[int, int, int]] = []
        """Of each run its first line, where that begins in the text, and the line of the base, `_OWN` for none."""
        codes = self._read(base)
        self._count = len(codes)
        self.coded = b"".join(codes)

    def _read(self, base: Base) -> list[bytes]:
        text, size, runs = self.text, len(self.text), self._runs
        codes: list[bytes] = []
        at = 0
        while at < size:
            unit = text[at : text.find(b"\n", at) + 1 or size]
            code = base.codes.get(unit)
            if code is None:
                if not runs or runs[-1][2] != _OWN:
                    runs.append((len(codes), at, _OWN))
                codes.append(base.others[unit])
                at += len(unit)
                continue
            line = int(code)
            runs.append((len(codes), at, line))
            stop = base.find_run(line + 1, text, at + len(unit))
            codes += base.line_codes[line:stop]
            at += base.starts[stop] - base.starts[line]
        return codes

    def __len__(self) -> int:
        return self._count

    def part(self, start: int, stop: int) -> bytes:
        """Return lines [start, stop)."""
        return self.text[self._start_of(start) : self._start_of(stop)]

    def _start_of(self, line: int) -> int:
        if line >= self._count:
            return len(self.text)
        first, at, base_line = self._runs[bisect_right(self._runs, line, key=itemgetter(0)) - 1]
        if base_line != _OWN:
            return at + self._base_starts[base_line + line - first] - self._base_starts[base_line]
        # Hunks begin and end where lines are shared, so nobody asks for more than the first of many.
        for _ in range(line - first):
            at = self.text.index(b"\n", at) + 1
        return at
