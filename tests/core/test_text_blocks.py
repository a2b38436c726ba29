"""Blocks that several sides inserted at one place."""

import pytest

from agentroom_git.core.blocks import Block, drop_repeated, join_blocks
from agentroom_git.core.hunks import split_lines


def join(*blocks: bytes) -> bytes:
    return b"".join(join_blocks(map(split_lines, blocks)))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(b"a\n", b"b\n", b"a\nb\n", id="nothing in common"),
        pytest.param(b"a\nb\n", b"a\n", b"a\nb\n", id="one begins the other"),
        pytest.param(b"b\n", b"a\nb\n", b"a\nb\n", id="one ends the other"),
        pytest.param(b"import a\nx\n", b"import a\ny\n", b"import a\nx\ny\n", id="a common beginning"),
        pytest.param(b"x\nimport a\n", b"y\nimport a\n", b"x\ny\nimport a\n", id="a common end"),
        pytest.param(b"x\nu = a\nv = b\n", b"y\nu = a\nv = b\n", b"x\ny\nu = a\nv = b\n", id="a longer end"),
        pytest.param(b"import a\n\n", b"import a\nimport b\n", b"import a\n\nimport b\n", id="blank lines behind"),
        pytest.param(b"\nx\n", b"\ny\n", b"\nx\n\ny\n", id="a blank line before each"),
        pytest.param(b"x\n\n\n", b"y\n\n\n", b"x\n\n\ny\n\n\n", id="blank lines after each"),
        pytest.param(
            b"def a():\n    x = 1\n    return x\n",
            b"def b():\n    x = 2\n    return x\n",
            b"def a():\n    x = 1\n    return x\ndef b():\n    x = 2\n    return x\n",
            id="two functions that end alike",
        ),
        pytest.param(
            b"def a():\n    x = 1\n", b"def a():\n    x = 2\n",
            b"def a():\n    x = 1\ndef a():\n    x = 2\n", id="two bodies of one head",
        ),
        pytest.param(
            b"def a():\n    x\n\n    y\n", b"def a():\n    x\n\n    z\n",
            b"def a():\n    x\n\n    y\ndef a():\n    x\n\n    z\n", id="two bodies behind a blank line",
        ),
        pytest.param(b"a {\n  x\n}\n", b"b {\n  y\n}\n", b"a {\n  x\n}\nb {\n  y\n}\n", id="a closing bracket"),
        pytest.param(b"a\nx\nb\n", b"x\n", b"a\nx\nb\n", id="one stands inside the other"),
        pytest.param(b"\nx\n\n", b"a\nx\nb\nc\n", b"a\nx\nb\nc\n", id="inside, with blank lines around"),
        pytest.param(
            b"  x\n", b"def a():\n  x\n  y\n", b"  x\ndef a():\n  x\n  y\n", id="inside, but deeper than the margin",
        ),
        pytest.param(b"  a\n  x\n", b"  a\n  y\n", b"  a\n  x\n  y\n", id="a margin"),
    ],
)  # fmt: skip
def test_two_blocks(one: bytes, other: bytes, expected: bytes) -> None:
    assert join(one, other) == expected


def test_a_block_given_twice_appears_once() -> None:
    assert join(b"a\n", b"b\n", b"a\n") == b"a\nb\n"


def test_no_blocks_are_no_lines() -> None:
    assert join() == b""


@pytest.mark.parametrize("far", [0, 1])
def test_only_neighbours_are_compared(far: int) -> None:
    edit, lines = Block(1, 2, [b"x\n", b"y\n"]), [b"x\n"]
    for insertion in (Block(2 + far, 2 + far, lines), Block(1 - far, 1 - far, lines)):
        kept = list(drop_repeated(sorted((edit, insertion), key=lambda block: block.stop)))
        assert edit in kept
        assert (insertion in kept) == bool(far)
