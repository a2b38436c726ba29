"""Time the merge of made-up files, from the everyday one to many edits and long texts."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from agentroom_git.core.text import Side, merge_text
from agentroom_git.git.diff import line_diff

Edit = Callable[[int, bytes], bytes]


def _file(lines: int) -> list[bytes]:
    return [b"    total_%d = ledger.add(%d, amount)\n" % (number, number * 7919 % 1000) for number in range(lines)]


def _edited(lines: list[bytes], edit: Edit) -> bytes:
    return b"".join(edit(number, line) for number, line in enumerate(lines))


def _every(step: int, offset: int, length: int, name: bytes) -> Edit:
    return lambda number, line: name + line if (number - offset) % step < length and number >= offset else line


def find_cases() -> Iterator[tuple[str, int, Edit, Edit]]:
    """Yield a description, the number of lines, and what each side does to a line."""
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
    for name, count, left, right in find_cases():
        lines = _file(count)
        sides = (Side(("a",), _edited(lines, left)), Side(("b",), _edited(lines, right)))
        times = list(_measure(b"".join(lines), sides, options.seconds))
        print(f"{statistics.median(times) * 1000:9.2f} ms median, {max(times) * 1000:9.2f} ms longest  {name}")
    return 0


def _measure(base: bytes, sides: tuple[Side, Side], seconds: float) -> Iterator[float]:
    deadline = time.perf_counter() + seconds
    before = 0.0
    while before < deadline:
        before = time.perf_counter()
        merge_text(base, sides, line_diff)
        yield time.perf_counter() - before


if __name__ == "__main__":
    sys.exit(main())
