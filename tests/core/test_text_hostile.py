"""Input that nobody would write: no crash, no hang, no gigabytes, and nothing lost silently."""

import random
import resource
import sys
from time import process_time

import pytest

from agentroom_git.core.effort import MAX_BYTES
from agentroom_git.core.text import MAX_CONTESTED
from agentroom_git.room.merging import Merged, merge_files

PATHS = (
    *("a.txt", "a.py", "a.json", "a.toml", "a.yaml", "a.js", "a.ts", "a.tsx", "a.go", "a.rs", "a.java", "a.c", "a.cpp"),
    *("go.sum", "uv.lock", "CHANGES", "\udcff.py"),
)
SECONDS = 10.0
GIBIBYTE = 1 << 30
ROUNDS = 150


def merge(path: str, base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """Merge within the limits, and see that a whole line of one side is in the result or in what is recorded."""
    before = process_time()
    merged = merge_files(base, ours, theirs, path=path)
    assert process_time() - before < SECONDS
    recorded = {ours, theirs} if merged.winner else {side for place in merged.places for side in place.sides}
    lines = set(merged.text.split(b"\n")).union(*(text.split(b"\n") for text in recorded))
    lines |= {line.rstrip(b"\r") for line in lines}
    old = set(base.split(b"\n"))
    for side in (ours, theirs):
        assert {line.rstrip(b"\r") for line in set(side.split(b"\n")) - old if line.strip()} <= lines
    return merged


DEEP = 100_000
MADE = {
    "empty": (b"", b"", b""),
    "added": (b"", b"a\n", b"b\n"),
    "emptied": (b"a\n", b"", b"b\n"),
    "nul": (b"a\n\0\nb\n", b"x\n\0\nb\n", b"a\n\0\ny\n"),
    "late nul": (b"a\n" * 5000 + b"\0\n", b"b\n" + b"a\n" * 5000 + b"\0\n", b"a\n" * 5000 + b"\0\nc\n"),
    "not UTF-8": (b"\xff\n\xfe\n", b"\xff\xff\n\xfe\n", b"\xff\n\xfe\xfe\n"),
    "UTF-16": tuple(text.encode("utf-16") for text in ("a\nb\n", "x\nb\n", "a\ny\n")),
    "byte-order mark": (b"a = 1\nb\n", b"\xef\xbb\xbfa = 1\nb\n", b"a = 2\nb\n"),
    "mixed line ends": (b"a\r\nb\nc\rd\r\n", b"a\nb\nc\rd\r\n", b"a\r\nB\r\nc\rd\n"),
    "lone returns": (b"a\rb\rc", b"a\rB\rc", b"a\rb\rC"),
    "cut off": (b"def f():\n    return (1,\n", b"def f():\n    return (1", b"def f():\n    re"),
    "one long line": tuple(b"x" * 5_000_000 + end for end in (b"", b"a", b"b")),
    "one long line of words": tuple(b"ab, " * 1_000_000 + end for end in (b"", b"a", b"b")),
    "equal lines": (b"x\n" * 100_000, b"x\n" * 99_999, b"x\n" * 50_000 + b"y\n" + b"x\n" * 50_000),
    "equal lines beside an edit": (b"k\n", b"y\n" + b"x\n" * 90_000 + b"y\n", b"k\n" + b"x\n" * 80_000 + b"z\n"),
    "equal lines contested": (b"x\n" * 100_000, b"y\n" * 100_000, b"z\n" * 100_000),
    "all lines contested": tuple(b"".join(b"%b%d\n" % (word, n) for n in range(60_000)) for word in (b"", b"a", b"b")),
    "every second line": tuple(
        b"".join(b"%b%d\n" % (word if n % 2 else b"", n) for n in range(40_000)) for word in (b"", b"a", b"b")
    ),
    "too many contested": tuple(
        b"".join(b"%b%d\n" % (word if n % 2 else b"", n) for n in range(200_000)) for word in (b"", b"a", b"b")
    ),
    "too many lines": tuple(b"a\n" * 500_000 + word for word in (b"", b"a", b"b")),
    "noise": tuple(
        bytes(random.Random(seed).choices(b"ab", k=120_000)).replace(b"a", b"a\n").replace(b"b", b"b\n")
        for seed in (1, 2, 3)
    ),
    "deep brackets": tuple(b"x = " + b"(" * DEEP + word + b")" * DEEP + b"\n" for word in (b"1", b"2", b"3")),
    "deep blocks": tuple(
        b"".join(b" " * n + b"if x:\n" for n in range(900)) + b" " * 900 + word for word in (b"a", b"b", b"c")
    ),
    "deep lines": tuple(b"[\n" * 20_000 + word + b"\n" + b"]\n" * 20_000 for word in (b"1", b"2", b"3")),
    "deep chain": tuple(b"a" + b".b" * DEEP + word + b"\n" for word in (b"", b".c", b".d")),
    "labels": tuple(b"a:" * 19_000 + word for word in (b"", b"a", b"b")),
    "cases": tuple(b"case a: " * 6000 + word for word in (b"", b"a", b"b")),
    "angles": tuple(b"a<" * 15_000 + word for word in (b"", b"a", b"b")),
    "functions": tuple(b"def f(): x\n" * 4_000 + word for word in (b"", b"x\n", b"y\n")),
    "garbage": tuple(b"a, " * 13_000 + word for word in (b"", b"a", b"b")),
    "cleanups": tuple(
        b"".join(b"%btry: x\n%bfinally:\n" % (b" " * n, b" " * n) for n in range(19)) + b" " * 19 + word
        for word in (b"a", b"b", b"c")
    ),
    "keys": tuple(b"a" + b".b" * DEEP * 4 + word + b" = 1\n" for word in (b"", b".c", b".d")),
    "as many contested as go": tuple(
        b"".join(b"%b%d\n" % (word if n % 2 else b"", n) for n in range(2 * MAX_CONTESTED))
        for word in (b"", b"a", b"b")
    ),
    "too large": tuple(b"line\n" * 1_100_000 + word for word in (b"", b"a", b"b")),
}


SLOW = frozenset(
    {"all lines contested", "as many contested as go", "equal lines contested", "every second line", "noise"}
)


@pytest.mark.parametrize("name", MADE)
def test_made_up_input_is_merged_or_taken_whole(name: str) -> None:
    # Most parsers judge no text as long as these are; the short ones go through all.
    is_short = max(map(len, MADE[name])) <= MAX_BYTES and name not in SLOW
    for path in PATHS[:13] if is_short else PATHS[:2]:
        merge(path, *MADE[name])


def test_no_merge_took_more_than_a_gibibyte() -> None:
    merge("a.py", *MADE["equal lines contested"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < GIBIBYTE


PIECES = (
    *(b"a\n", b"b\n", b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"x = 1\n", b"  x: 1\n", b"- y\n"),
    *(b"{\n", b"}\n", b"(", b")", b"[", b"]", b'"', b"'", b'"""', b"def f():\n", b"    return 1\n", b"\t", b","),
    *(b"import os\n", b"/* ", b"*/\n", b"// x\n", b"#if\n", b"&a ", b"*a ", b"? ", b"!!x ", b"%", b"<a>", b"`"),
)


@pytest.mark.parametrize("path", PATHS)
def test_random_pieces_are_merged_within_the_limits(path: str) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(ROUNDS):
        base = [draw.choice(PIECES) for _ in range(draw.randrange(12))]
        sides = []
        for _ in range(2):
            side = base[:]
            for _ in range(draw.randrange(4)):
                at = draw.randrange(len(side) + 1)
                side[at : at + draw.randrange(3)] = [draw.choice(PIECES) for _ in range(draw.randrange(4))]
            sides.append(b"".join(side)[: draw.choice((None, None, None, -1))])
        merge(path, b"".join(base), *sides)
