"""One file's text: laws over small and drawn texts, and the inputs that break naive merges."""

from functools import cache
from itertools import permutations, product

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core import text as text_module
from agentroom_git.core.hunks import Hunk, diff_lines, find_clusters, is_binary, split_lines
from agentroom_git.core.regions import Region, Side
from agentroom_git.core.text import STRETCH, IndexUnitError, Splice, TextMerge, converge, merge_text
from agentroom_git.core.versions import Base
from agentroom_git.git.diff import line_diff

LINES = (b"a\n", b"b\n")
TEXTS = [b"".join(lines) for count in range(4) for lines in product(LINES, repeat=count)]


@cache
def cached_diff(old: bytes, new: bytes) -> list[Hunk]:
    return line_diff(old, new)


def merge(base: bytes, *sides: bytes) -> TextMerge:
    """Merge sides written by a, b, c, ... in that order."""
    return merge_text(base, [Side((name,), text) for name, text in zip("abcdefgh", sides, strict=False)], line_diff)


drawn_lines = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"\xff\xfe\n", b"d\r\n", b"\xc3\xa9\n"])
drawn_texts = st.builds(
    lambda lines, tail: b"".join(lines) + tail, st.lists(drawn_lines, max_size=8), st.sampled_from([b"", b"a", b"\0"])
)
drawn_sides = st.builds(
    Side,
    agents=st.sampled_from([("ann",), ("bob",), ("cat",), ("ann", "bob")]),
    text=drawn_texts,
    token=st.integers(0, 2),
    support=st.integers(0, 2),
    generation=st.integers(0, 2),
    id=st.sampled_from(["", "1", "2"]),
)


@settings(max_examples=300, deadline=None)
@given(base=drawn_texts, sides=st.lists(drawn_sides, max_size=4))
def test_the_order_of_the_sides_changes_neither_text_nor_regions(base: bytes, sides: list[Side]) -> None:
    merges = [merge_text(base, order, cached_diff) for order in permutations(sides)]
    assert merges == [merges[0]] * len(merges)


@settings(max_examples=300, deadline=None)
@given(base=drawn_texts, sides=st.lists(drawn_sides, max_size=3))
def test_a_side_given_again_and_the_base_as_a_side_change_nothing(base: bytes, sides: list[Side]) -> None:
    once = merge_text(base, sides, cached_diff)
    again = merge_text(base, [*sides, *sides, Side(("zoe",), base, token=9)], cached_diff)
    assert again.text == once.text
    assert [region for region in again.regions if region.is_contested] == [r for r in once.regions if r.is_contested]


@pytest.mark.parametrize("base", TEXTS)
def test_sides_that_agree_give_their_text_whatever_it_is(base: bytes) -> None:
    for side in TEXTS:
        for sides in ((side,), (side, base), (side, side), (side, base, side)):
            merged = merge_text(base, [Side((str(n),), text) for n, text in enumerate(sides)], cached_diff)
            assert merged.text == side
            assert not any(region.is_contested for region in merged.regions)


@settings(max_examples=300, deadline=None)
@given(base=drawn_texts, sides=st.lists(drawn_sides, max_size=4))
def test_regions_say_where_they_came_from_and_where_they_landed(base: bytes, sides: list[Side]) -> None:
    merged = merge_text(base, sides, cached_diff)
    base_lines, result_lines = split_lines(base), split_lines(merged.text)
    for region in merged.regions:
        assert b"".join(base_lines[region.base_start :][: region.base_lines]) == region.base_text
        landed = b"".join(result_lines[region.result_start :][: region.result_lines])
        if region.winner is not None:
            assert landed == region.sides[region.winner]
        assert len(region.sides) == len(set(region.sides)) == len(region.agents)


@settings(max_examples=300, deadline=None)
@given(base=drawn_texts, texts=st.lists(drawn_texts, max_size=4))
def test_the_document_converges_to_what_splicing_gives(base: bytes, texts: list[bytes]) -> None:
    lines = split_lines(base)
    splices = [Splice(n * 2, n * 2 + 1, text, n % 3) for n, text in enumerate(texts) if n * 2 < len(lines)]
    expected = list(lines)
    for splice in splices:
        expected[splice.start] = splice.text
    assert converge(Base(base), splices) == b"".join(expected)


@pytest.mark.parametrize("count", [STRETCH - 1, STRETCH, STRETCH + 1, 3 * STRETCH])
def test_many_splices_converge_like_few(count: int) -> None:
    lines = [b"%d\xe9\n" % n for n in range(3 * count)]
    splices = [Splice(3 * n, 3 * n + n % 3, b"new\n", n % 2) for n in range(count)]
    expected = b"".join(b"new\n" + b"".join(lines[3 * n + n % 3 : 3 * n + 3]) for n in range(count))
    assert converge(Base(b"".join(lines)), splices) == expected


def test_every_second_line_of_a_long_file_edited_by_one_of_two_merges() -> None:
    lines = [b"%d\n" % n for n in range(40_000)]
    left = [b"left " + line if n % 4 == 0 else line for n, line in enumerate(lines)]
    right = [b"right " + line if n % 4 == 2 else line for n, line in enumerate(lines)]
    expected = [mine if n % 4 == 0 else its for n, (mine, its) in enumerate(zip(left, right, strict=True))]
    assert merge(b"".join(lines), b"".join(left), b"".join(right)).text == b"".join(expected)


def test_edits_of_different_lines_are_both_kept() -> None:
    assert merge(b"a\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n", b"a\nb\nC\nd\ne\n", b"a\nb\nc\nd\nE\n") == TextMerge(
        b"A\nb\nC\nd\nE\n", ()
    )


def test_the_same_edit_on_several_sides_appears_once() -> None:
    assert merge(b"a\nb\nc\n", b"a\nX\nc\n", b"a\nX\nc\n") == TextMerge(
        b"a\nX\nc\n", (Region(1, 1, 1, 1, b"b\n", (b"X\n",), (("a", "b"),), "equal", 0),)
    )


def test_two_replacements_of_the_same_lines_are_never_interleaved() -> None:
    merged = merge(b"k\na\nb\nk\n", b"k\nu\nv\nk\n", b"k\nx\ny\nk\n")
    assert merged == TextMerge(
        b"k\nu\nv\nk\n", (Region(1, 2, 1, 2, b"a\nb\n", (b"u\nv\n", b"x\ny\n"), (("a",), ("b",)), "side", 0, (1,)),)
    )


@pytest.mark.parametrize(
    ("strong", "step"),
    [
        (Side(("zoe",), b"strong\n", token=1, id="1"), "claim"),
        (Side(("zoe",), b"strong\n", support=1, id="1"), "side"),
        (Side(("zoe",), b"strong\n", generation=1, id="1"), "side"),
        (Side(("zoe",), b"strong\n", id="0"), "side"),
        (Side(("zoe",), b"lower text\n", id="1"), "side"),
    ],
)
def test_the_better_standing_takes_the_region(strong: Side, step: str) -> None:
    weak = Side(("ann",), b"weak\n", id="1")
    merged = merge_text(b"base\n", [weak, strong], line_diff)
    assert merged == TextMerge(
        strong.text, (Region(0, 1, 0, 1, b"base\n", (b"weak\n", strong.text), (("ann",), ("zoe",)), step, 1, (0,)),)
    )


def test_equal_tokens_do_not_decide_by_claim() -> None:
    sides = [Side(("ann",), b"1\n", token=3), Side(("bob",), b"2\n", token=3, support=1)]
    assert [region.step for region in merge_text(b"0\n", sides, line_diff).regions] == ["side"]


def test_a_text_that_two_agents_wrote_has_the_best_standing_of_both() -> None:
    sides = [Side(("ann",), b"1\n"), Side(("bob",), b"1\n", token=2), Side(("cat",), b"2\n", token=1)]
    merged = merge_text(b"0\n", sides, line_diff)
    assert (merged.text, merged.regions[0].agents, merged.regions[0].winner) == (b"1\n", (("ann", "bob"), ("cat",)), 0)


def test_the_result_lines_of_a_region_count_what_came_before() -> None:
    merged = merge(b"a\nk\nb\nk\n", b"1\n2\n3\nk\nx\nk\n", b"a\nk\ny\nk\n")
    assert [(r.base_start, r.result_start, r.result_lines) for r in merged.regions] == [(2, 4, 1)]


def test_clusters_join_hunks_that_overlap_touch_or_are_bridged() -> None:
    hunks = [[Hunk(0, 1, 0, 1), Hunk(4, 0, 4, 1)], [Hunk(1, 2, 1, 1), Hunk(6, 1, 5, 1)], [Hunk(3, 1, 3, 2)]]
    found = [(c.start, c.stop, [change.side for change in c.changes]) for c in find_clusters(hunks)]
    assert found == [(0, 4, [0, 1, 2]), (6, 7, [1])]


@pytest.mark.parametrize(
    ("base", "left", "right", "expected"),
    [
        pytest.param(b"\xe9\nk\nb\n", b"\xe8\nk\nb\n", b"\xe9\nk\n\xff\n", b"\xe8\nk\n\xff\n", id="latin-1"),
        pytest.param(b"\xc3\xa9\nk\nb\n", b"\xc3\nk\nb\n", b"\xc3\xa9\nk\nB\n", b"\xc3\nk\nB\n", id="broken UTF-8"),
        pytest.param(b"a\r\nk\r\nb\r\n", b"A\r\nk\r\nb\r\n", b"a\r\nk\r\nB\r\n", b"A\r\nk\r\nB\r\n", id="CRLF"),
        pytest.param(b"a\rb\nk\nc\n", b"A\rb\nk\nc\n", b"a\rb\nk\nC\n", b"A\rb\nk\nC\n", id="lone CR"),
        pytest.param(b"a\nk\nb", b"A\nk\nb", b"a\nk\nb\nc", b"A\nk\nb\nc", id="no final newline"),
        pytest.param(b"a\nk\nb", b"A\nk\nb", b"a\nk\nb\n", b"A\nk\nb\n", id="final newline added"),
        pytest.param(b"a\n\0\nb\n", b"A\n\0\nb\n", b"a\n\0\nB\n", b"A\n\0\nB\n", id="NUL"),
        pytest.param(b"k\n", b"a\nk\n", b"k\nb\n", b"a\nk\nb\n", id="around one line"),
        pytest.param(b"a\nk\nb\n", b"k\nb\n", b"a\nk\n", b"k\n", id="deletions"),
        pytest.param(b"\xf0\x9f\x98\x80\nk\nb\n", b"x\nk\nb\n", b"\xf0\x9f\x98\x80\nk\n", b"x\nk\n", id="emoji"),
    ],
)
def test_separate_edits_merge_cleanly_in(base: bytes, left: bytes, right: bytes, expected: bytes) -> None:
    assert merge(base, left, right) == TextMerge(expected, ())


def test_100_000_equal_lines_merge() -> None:
    lines = [b"same\n"] * 100_000
    left, right = [b"top\n", *lines], [*lines[:-1], b"end\n"]
    assert merge(b"".join(lines), b"".join(left), b"".join(right)).text == b"".join([b"top\n", *lines[:-1], b"end\n"])


def test_a_line_of_5_megabytes_is_contested_whole() -> None:
    base = b"x" * 5_000_000
    merged = merge(base + b"\nk\nl\n", base + b"y\nk\nl\n", base + b"z\nk\nL\n")
    assert merged.text == base + b"y\nk\nL\n"
    assert [(region.step, region.lost) for region in merged.regions] == [("side", (1,))]


def test_five_sides_each_add_a_line_elsewhere() -> None:
    lines = [b"%d\n" % n for n in range(20)]
    sides = [b"".join([*lines[:n], b"new\n", *lines[n:]]) for n in range(2, 12, 2)]
    expected = b"".join(b"new\n" + line if line in {b"%d\n" % n for n in range(2, 12, 2)} else line for line in lines)
    assert merge(b"".join(lines), *sides) == TextMerge(expected, ())


@pytest.mark.parametrize(("data", "expected"), [(b"", False), (b"a\0", True), (b"a" * 8000 + b"\0", False)])
def test_a_nul_among_the_first_8000_bytes_means_binary(data: bytes, expected: bool) -> None:
    assert is_binary(data) is expected


def test_a_pycrdt_that_does_not_count_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Characters(pycrdt.Text):
        def __len__(self) -> int:
            return len(str(self))

    monkeypatch.setattr(pycrdt, "Text", Characters)
    text_module._check_index_unit.cache_clear()
    with pytest.raises(IndexUnitError, match="counts 'é' as 1 unit"):
        merge(b"a\nk\nb\n", b"A\nk\nb\n", b"a\nk\nB\n")


@pytest.mark.parametrize("old", [b"", b"a\n", b"a", b"a\nb\n", b"a\na\na\n", b"a\r\nb"])
@pytest.mark.parametrize("new", [b"", b"c\n", b"c", b"c\nd\ne\n", b"c\nc", b"a\n", b"a\nc\n", b"c\r\n"])
def test_lines_are_compared_as_the_diff_does(old: bytes, new: bytes) -> None:
    found = diff_lines(split_lines(old), split_lines(new), line_diff)
    assert list(found) == list(line_diff(old, new))
