"""Files that are not merged by lines alone: what each takes instead."""

import pytest

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.content import ContentMerge, merge_contents
from agentroom_git.core.regions import Side
from agentroom_git.git.diff import line_diff


def merge(path: str, base: bytes, ours: bytes, theirs: bytes, **attributes: str | bool) -> ContentMerge:
    sides = [Side(("ann",), ours), Side(("bob",), theirs)]
    found = merge_contents(path, base, sides, line_diff, Attributes(**attributes))
    assert found == merge_contents(path, base, sides[::-1], line_diff, Attributes(**attributes))
    return found


CONFLICT = (b"a\nk\n", b"b\nk\n", b"c\nk\n")
CLEAN = (b"a\nk\nz\n", b"b\nk\nz\n", b"a\nk\nq\n")


@pytest.mark.parametrize("value", [False, "binary"])
def test_a_file_that_is_not_to_be_merged_is_taken_whole_even_where_lines_would_merge(value: str | bool) -> None:
    assert merge("a.txt", *CLEAN, merge=value) == ContentMerge("binary")


def test_the_union_attribute_keeps_both_where_they_meet() -> None:
    assert merge("a.txt", *CONFLICT, merge="union") == ContentMerge("text", b"b\nc\nk\n")
    assert merge("a.txt", *CLEAN, merge="union") == ContentMerge("text", b"b\nk\nq\n")
    assert merge("a.txt", b"a\n", b"a\nb", b"a\nc", merge="union").text == b"a\nb\nc"


@pytest.mark.parametrize("path", ["package-lock.json", "x/yarn.lock", "uv.lock", "Cargo.lock", "a.min.js", "a.pb.go"])
def test_a_file_that_a_program_writes_is_taken_whole_where_git_cannot_merge_it(path: str) -> None:
    assert merge(path, *CONFLICT) == ContentMerge("generated")
    assert merge(path, *CLEAN).text == b"b\nk\nq\n"


def test_a_file_marked_as_generated_is_taken_whole() -> None:
    assert merge("a.txt", *CONFLICT, generated=True) == ContentMerge("generated")


def test_a_foreign_merge_program_is_never_run_and_its_file_taken_whole() -> None:
    assert merge("a.ipynb", *CONFLICT, merge="nbdime") == ContentMerge("driver")


def test_go_sum_is_a_sorted_set() -> None:
    lines = [b"m%d v1.0.0 h1:%d=\n" % (n, n) for n in range(5)]
    base, ours, theirs = b"".join(lines[1:3]), b"".join(lines[1:4]), b"".join([lines[2], lines[4]])
    assert merge("go.sum", base, ours, theirs).text == b"".join(lines[2:5])


def test_two_hashes_of_one_version_in_go_sum_are_not_joined() -> None:
    assert merge("go.sum", b"", b"m v1 h1:x=\n", b"m v1 h1:y=\n") == ContentMerge("generated")
