"""Coded texts: a line diff says the same of them as of the texts themselves."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core.codes import Codes
from agentroom_git.core.hunks import split_lines
from agentroom_git.git.diff import line_diff

drawn_lines = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"\0\n", b"d\r\n", b"\r", b"-1\n", b"0\n"])
drawn_texts = st.builds(
    lambda lines, tail: b"".join(lines) + tail, st.lists(drawn_lines, max_size=30), st.sampled_from([b"", b"a", b"0"])
)


def assert_same_hunks(old: bytes, new: bytes) -> None:
    lines = split_lines(old)
    codes = Codes(lines)
    coded = line_diff(b"".join(codes.read(lines)), b"".join(codes.read(split_lines(new))))
    assert coded == line_diff(old, new)


@settings(max_examples=500, deadline=None)
@given(old=drawn_texts, new=drawn_texts)
def test_hunks_of_coded_lines_are_those_of_the_lines(old: bytes, new: bytes) -> None:
    assert_same_hunks(old, new)


def test_hunks_are_the_same_where_the_diff_gives_up_looking_for_the_smallest() -> None:
    draw = random.Random(7)
    words = [b"word %d of a line that is long enough\n" % draw.randrange(400) for _ in range(6000)]
    other = [word for word in words if draw.random() < 0.6]
    draw.shuffle(words)
    assert_same_hunks(b"".join(words), b"".join(other))


def test_units_that_look_like_numbers_are_told_apart_from_them() -> None:
    codes = Codes([b"1\n", b"0\n", b"1\n"])
    assert codes.read([b"1\n", b"0\n", b"1\n"]) == [b"2\n", b"1\n", b"2\n"]
    assert codes.read([b"0\n", b"new", b"2\n"]) == [b"1\n", b"3\n", b"4\n"]
