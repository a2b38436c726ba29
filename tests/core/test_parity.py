"""Wherever `git merge-file` is clean, the merge gives the same bytes and contests nothing.

The whole small domain is checked against a second statement of git's rule, and a sample of it against git itself, which
checks that statement too.
"""

import os
import random
import subprocess
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from agentroom_git.core.hunks import Hunk, split_lines
from agentroom_git.core.regions import Side
from agentroom_git.core.text import merge_text
from agentroom_git.git.diff import line_diff

SMALL = [b"".join(lines) for count in range(5) for lines in product((b"a\n", b"b\n"), repeat=count)]
SAMPLE = 1200


@cache
def cached_diff(old: bytes, new: bytes) -> list[Hunk]:
    return line_diff(old, new)


def merge(base: bytes, left: bytes, right: bytes) -> bytes | None:
    """Return the merged text, None when a region is contested."""
    merged = merge_text(base, (Side(("a",), left), Side(("b",), right)), cached_diff)
    return None if any(region.is_contested for region in merged.regions) else merged.text


def merge_by_paint(base: bytes, left: bytes, right: bytes) -> bytes | None:
    """Git's rule said otherwise: each hunk paints its lines and the gaps around them; paint that meets is one spot."""
    lines = split_lines(base)
    hunks = {side: cached_diff(base, side) for side in (left, right)}
    painted = {2 * h.old_start + n for found in hunks.values() for h in found for n in range(2 * h.old_lines + 1)}
    result: list[bytes] = []
    spot: list[int] = []
    for place in range(2 * len(lines) + 2):
        if place in painted:
            spot.append(place)
            continue
        if spot:
            texts = {text for side, found in hunks.items() if (text := _within(side, found, spot, lines)) is not None}
            if len(texts) > 1:
                return None
            result.append(texts.pop())
            spot = []
        if place % 2 and place // 2 < len(lines):
            result.append(lines[place // 2])
    return b"".join(result)


def _within(side: bytes, hunks: list[Hunk], spot: list[int], lines: list[bytes]) -> bytes | None:
    inside = [hunk for hunk in hunks if 2 * hunk.old_start in spot]
    if not inside:
        return None
    parts, at = [], spot[0] // 2
    for hunk in inside:
        parts += lines[at : hunk.old_start] + split_lines(side)[hunk.new_start : hunk.new_start + hunk.new_lines]
        at = hunk.old_start + hunk.old_lines
    return b"".join(parts + lines[at : spot[-1] // 2])


def merge_by_git(folder: Path, base: bytes, left: bytes, right: bytes) -> bytes | None:
    for name, text in (("base", base), ("left", left), ("right", right)):
        (folder / name).write_bytes(text)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    command = ["git", "merge-file", "-p", "-q", "left", "base", "right"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("base", SMALL)
def test_every_small_merge_follows_the_rule_of_git(base: bytes) -> None:
    for left, right in product(SMALL, repeat=2):
        expected = merge_by_paint(base, left, right)
        if expected is not None:
            assert merge(base, left, right) == expected, (left, right)


@pytest.mark.parametrize("base", SMALL)
def test_a_third_side_equal_to_the_base_changes_nothing(base: bytes) -> None:
    for left, right in product(SMALL[::3], repeat=2):
        two = merge_text(base, (Side(("a",), left), Side(("b",), right)), cached_diff)
        three = merge_text(base, (Side(("c",), base, token=9), Side(("b",), right), Side(("a",), left)), cached_diff)
        assert three == two


def test_sampled_merges_equal_git_merge_file(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    clean = 0
    for _ in range(SAMPLE):
        base = _draw_text(draw)
        left, right = _draw_edit(draw, base), _draw_edit(draw, base)
        expected = merge_by_git(tmp_path, base, left, right)
        if expected is not None:
            clean += 1
            paint = merge_by_paint(base, left, right)
            assert merge(base, left, right) == expected == paint, (seed, base, left, right)
    assert clean > SAMPLE // 4


def _draw_line(draw: random.Random) -> bytes:
    return draw.choice((b"a\n", b"b\n", b"c\n", b"\xff\r\n", b"\n"))


def _draw_text(draw: random.Random) -> bytes:
    return b"".join(_draw_line(draw) for _ in range(draw.randrange(9))) + draw.choice((b"", b"", b"a", b"b\r"))


def _draw_edit(draw: random.Random, text: bytes) -> bytes:
    lines = split_lines(text)
    for _ in range(draw.randrange(1, 3)):
        at = draw.randrange(len(lines) + 1)
        lines[at : at + draw.randrange(2)] = [_draw_line(draw) for _ in range(draw.randrange(3))]
    return b"".join(lines)


def test_the_line_diff_is_the_one_of_git(tmp_path: Path) -> None:
    draw = random.Random(20240229)
    for _ in range(150):
        old, new = _draw_text(draw), _draw_text(draw)
        assert [_unified(hunk) for hunk in line_diff(old, new)] == _diff_by_git(tmp_path, old, new), (old, new)


def _unified(hunk: Hunk) -> str:
    old, new = hunk.old_start + (hunk.old_lines > 0), hunk.new_start + (hunk.new_lines > 0)
    return f"-{_span(old, hunk.old_lines)} +{_span(new, hunk.new_lines)}"


def _span(start: int, lines: int) -> str:
    return f"{start}" if lines == 1 else f"{start},{lines}"


def _diff_by_git(folder: Path, old: bytes, new: bytes) -> list[str]:
    (folder / "old").write_bytes(old)
    (folder / "new").write_bytes(new)
    command = ["git", "diff", "--no-index", "--text", "-U0", "--no-indent-heuristic", "--diff-algorithm=myers"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    done = subprocess.run([*command, "old", "new"], cwd=folder, env=environment, capture_output=True, check=False)
    headers = [line for line in done.stdout.decode("latin-1").split("\n") if line.startswith("@@ ")]
    return [header.split(" @@")[0].removeprefix("@@ ") for header in headers]


@pytest.mark.parametrize(
    ("old", "new", "hunks"),
    [
        (b"", b"", []),
        (b"", b"a", [Hunk(0, 0, 0, 1)]),
        (b"a\n", b"", [Hunk(0, 1, 0, 0)]),
        (b"a\nb", b"a\nb\n", [Hunk(1, 1, 1, 1)]),
        (b"a\r\nb\r\n", b"a\nb\r\n", [Hunk(0, 1, 0, 1)]),
        (b"\0\na\n", b"\0\nb\na\n", [Hunk(1, 0, 1, 1)]),
        (b"a\n\0" * 9000, b"a\n\0" * 9000 + b"end", [Hunk(9000, 1, 9000, 1)]),
    ],
)
def test_the_line_diff_takes_any_bytes_for_text(old: bytes, new: bytes, hunks: list[Hunk]) -> None:
    assert line_diff(old, new) == hunks
