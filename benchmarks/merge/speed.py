"""Time the merge of made-up files, from the everyday one to many edits, long texts and many sides.

Each merge is followed by one of the same first two sides with `git merge-file` as a process; the ratio is the median of
those pairs. Freed memory is kept, as the sidecar does.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agentroom_git.core.regions import Side
from agentroom_git.core.text import merge_text
from agentroom_git.git.diff import line_diff
from agentroom_git.system.allocation import keep_freed_memory

Edit = Callable[[int, bytes], bytes]


def _file(lines: int) -> list[bytes]:
    return [b"    total_%d = ledger.add(%d, amount)\n" % (number, number * 7919 % 1000) for number in range(lines)]


def _edited(lines: list[bytes], edit: Edit) -> bytes:
    return b"".join(edit(number, line) for number, line in enumerate(lines))


def _every(step: int, offset: int, length: int, name: bytes) -> Edit:
    return lambda number, line: name + line if (number - offset) % step < length and number >= offset else line


def find_cases() -> Iterator[tuple[str, int, Sequence[Edit]]]:
    """Yield a description, the number of lines, and what each side does to a line."""
    for description, lines, left, right in _pairs():
        yield description, lines, (left, right)
    apart = [_every(10_000, 15 * number, 5, b"s%d " % number) for number in range(128)]
    yield "2,000 lines, 128 sides of one hunk each", 2000, apart
    alike = [_every(10_000, 1000, 5, b"s%d " % number) for number in range(128)]
    yield "2,000 lines, 128 sides of one contested hunk", 2000, alike


def _pairs() -> Iterator[tuple[str, int, Edit, Edit]]:
    yield "2,000 lines, 10 hunks of 5 lines a side", 2000, _every(200, 20, 5, b"a"), _every(200, 120, 5, b"b")
    yield "2,000 lines, 10 contested hunks of 5 lines", 2000, _every(200, 20, 5, b"a"), _every(200, 20, 5, b"b")
    yield "100,000 lines, 10 hunks of 5 lines a side", 100_000, _every(9000, 20, 5, b"a"), _every(9000, 900, 5, b"b")
    yield "100,000 lines, 25,000 hunks a side", 100_000, _every(4, 0, 1, b"a"), _every(4, 2, 1, b"b")
    yield "100,000 lines, 25,000 contested hunks", 100_000, _every(4, 0, 1, b"a"), _every(4, 0, 1, b"b")
    yield "100,000 lines, all contested", 100_000, _every(1, 0, 1, b"a"), _every(1, 0, 1, b"b")


def main() -> int:
    """Print the median and the longest time of each case."""
    parser = argparse.ArgumentParser(description="Time the merge of made-up files.")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to repeat each case")
    options = parser.parse_args()
    keep_freed_memory()
    for name, count, edits in find_cases():
        lines = _file(count)
        sides = [Side((f"agent{number}",), _edited(lines, edit)) for number, edit in enumerate(edits)]
        pairs = list(_measure(b"".join(lines), sides, options.seconds))
        ours, ratio = statistics.median(own for own, _ in pairs), statistics.median(own / git for own, git in pairs)
        print(f"{ours * 1000:9.2f} ms median, {ratio:6.2f} of git merge-file  {name}", flush=True)
    return 0


def _measure(base: bytes, sides: list[Side], seconds: float) -> Iterator[tuple[float, float]]:
    """Yield the seconds of a merge of all sides, and of git's merge of the first two right after it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for file, text in zip(files, (sides[0].text, base, sides[1].text), strict=True):
            file.write_bytes(text)
        command = ["git", "merge-file", "-p", *map(str, files)]
        deadline = time.perf_counter() + seconds
        before = 0.0
        while before < deadline:
            before = time.perf_counter()
            merge_text(base, sides, line_diff)
            between = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            yield between - before, time.perf_counter() - between


if __name__ == "__main__":
    sys.exit(main())
