"""Uncommitted edits are carried over a new version only where git's own file merge would be clean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.edits import carry_edits
from agentroom_git.git.diff import line_diff

LIST = b"x = [\n" + b"".join(b"    %d,\n" % number for number in range(8)) + b"]\ny = 1\n"


def carry(path: str, base: bytes, edited: bytes, arrived: bytes, attributes: Attributes | None = None) -> bytes | None:
    return carry_edits(path, base, edited, arrived, line_diff, attributes or Attributes())


def test_edits_apart_from_what_arrived_are_kept_on_top() -> None:
    assert carry("a", b"1\n2\n3\n4\n", b"one\n2\n3\n4\n", b"1\n2\n3\nfour\n") == b"one\n2\n3\nfour\n"


@pytest.mark.parametrize(
    ("edited", "arrived"),
    [(b"1\nmine\n3\n", b"1\ntheirs\n3\n"), (b"one\n2\n3\n", b"1\ntwo\n3\n"), (b"", b"1\ntwo\n3\n")],
)
def test_what_the_fold_would_have_to_decide_is_contested(edited: bytes, arrived: bytes) -> None:
    assert carry("a", b"1\n2\n3\n", edited, arrived) is None


def test_the_same_edit_on_both_sides_is_no_contest() -> None:
    assert carry("a", b"1\n2\n3\n", b"1\nnew\n3\n", b"1\nnew\n3\n") == b"1\nnew\n3\n"


def test_a_clean_merge_that_parses_no_more_is_contested_where_both_sides_parse() -> None:
    edited = LIST.replace(b"[", b"(").replace(b"]", b")")
    arrived = LIST.replace(b"    1,\n    2,\n", b"    1]\nz = [2,\n")
    assert carry("list.txt", LIST, edited, arrived) is not None
    assert carry("list.py", LIST, edited, arrived) is None
    assert carry("list.py", LIST, edited + b"in the middle of(\n", arrived) is not None


def test_what_is_not_merged_by_lines_is_contested() -> None:
    base, edited, arrived = b"1\n2\n3\n", b"one\n2\n3\n", b"1\n2\nthree\n"
    assert carry("a", base, edited, arrived, Attributes(merge=False)) is None
    assert carry("a", base, b"\0" + edited, arrived) is None
    assert carry("a", base, edited, arrived, Attributes(filter="lfs")) is None


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=8).map(b"".join)


@given(lines, lines, lines)
def test_carrying_twice_is_carrying_once(base: bytes, edited: bytes, arrived: bytes) -> None:
    """After a sync the version that arrived is the base: what stands on top of it stays as it is."""
    carried = carry("a", base, edited, arrived)
    if carried is not None:
        assert carry("a", arrived, carried, arrived) == carried
        assert carry("a", base, edited, base) == edited
