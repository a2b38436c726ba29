"""Versions of a text, taken apart by the runs that they share with it, are the same lines."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core.hunks import split_lines
from agentroom_git.core.versions import Base, Version
from agentroom_git.git.diff import line_diff

LINES = [b"a\n", b"b\n", b"ab\n", b"\n", b"\0\n", b"a\r\n", b"\r", b"0\n", b"b\r\r\n"]
drawn_texts = st.builds(
    lambda lines, tail: b"".join(lines) + tail,
    st.lists(st.sampled_from(LINES), max_size=30),
    st.sampled_from([b"", b"a", b"ab", b"0"]),
)


def assert_is_the_same(base: Base, text: bytes) -> None:
    version, lines = Version(base, text), split_lines(text)
    assert len(version) == len(lines)
    ends = range(len(lines) + 1)
    assert [version.part(at, at + 1) for at in ends[:-1]] == lines
    assert [version.part(0, at) for at in ends] == [b"".join(lines[:at]) for at in ends]
    assert line_diff(base.coded, version.coded) == line_diff(base.text, text)


@settings(max_examples=1000, deadline=None)
@given(base=drawn_texts, texts=st.lists(drawn_texts, max_size=3))
def test_a_version_has_the_lines_and_the_hunks_of_its_text(base: bytes, texts: list[bytes]) -> None:
    read = Base(base)
    assert [read.part(at, at + 1) for at in range(len(read))] == split_lines(base)
    for text in (base, *texts):
        assert_is_the_same(read, text)


def test_a_long_version_with_lines_moved_doubled_and_gone_is_the_same() -> None:
    draw = random.Random(3)
    lines = [b"line %d\n" % draw.randrange(300) for _ in range(1000)]
    base = Base(b"".join(lines))
    for _ in range(20):
        first, last = sorted(draw.sample(range(1000), 2))
        changed = [*lines[last:], *lines[:first], b"new\n", *lines[first : first + 40], *lines[first:last:3]]
        assert_is_the_same(base, b"".join(changed))


def test_the_end_of_a_base_that_no_line_feed_ends_is_no_beginning_of_a_longer_line() -> None:
    base = Base(b"one\ntwo")
    assert_is_the_same(base, b"one\ntwofold\n")
    assert_is_the_same(base, b"one\ntwo\n")
    assert_is_the_same(base, b"two\none\ntwo")
