"""What becomes of a region that several sides changed, step by step."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core.hunks import Hunk, find_clusters, split_lines
from agentroom_git.core.regions import Side
from agentroom_git.core.text import TextMerge, merge_text
from agentroom_git.core.tokens import MAX_BYTES, merge_tokens, split_tokens
from agentroom_git.git.diff import line_diff


def merge(base: bytes, *sides: bytes) -> TextMerge:
    """Merge sides written by a, b, c, ... in that order; the earlier is preferred."""
    named = [Side((name,), text, id=name) for name, text in zip("abcdefgh", sides, strict=False)]
    return merge_text(base, named, line_diff)


def steps(merged: TextMerge) -> list[str]:
    return [region.step for region in merged.regions]


@pytest.mark.parametrize(
    ("step", "base", "left", "right", "expected"),
    [
        pytest.param(
            "whitespace", b"if x:\n  f(a,b)\n", b"if x:\n  f(a, b)\n", b"if x:\n  f(a,c)\n", b"if x:\n  f(a,c)\n",
            id="an edit wins over reformatting",
        ),
        pytest.param(
            "whitespace", b"a\n", b"f(x,y)\n", b"f(x, y)\n", b"f(x,y)\n", id="two edits that differ in white space",
        ),
        pytest.param("whitespace", b"a b\n", b"a  b\n", b"a   b\n", b"a  b\n", id="nothing but white space"),
        pytest.param("whitespace", b"k\n", b"k\n\n", b"k\nx\n", b"k\nx\n", id="a blank line against a line"),
        pytest.param("disjoint", b"a\nb\n", b"A\nb\n", b"a\nB\n", b"A\nB\n", id="neighbouring lines"),
        pytest.param("disjoint", b"a\nb\n", b"a\nx\nb\n", b"a\nB\n", b"a\nx\nB\n", id="an insertion before an edit"),
        pytest.param("disjoint", b"a\nb\n", b"A\nb\n", b"a\nx\nb\n", b"A\nx\nb\n", id="an insertion after an edit"),
        pytest.param("disjoint", b"a\nb\n", b"b\n", b"a\nB\n", b"B\n", id="a deletion beside an edit"),
        pytest.param(
            "tokens", b"f(one, two)\n", b"g(one, two)\n", b"f(one, three)\n", b"g(one, three)\n", id="other words",
        ),
        pytest.param(
            "tokens", b"a b\nc d\n", b"A b\nC d\n", b"a B\nc D\n", b"A B\nC D\n", id="other words of several lines",
        ),
        pytest.param("insertions", b"k\n", b"k\nx\n", b"k\ny\n", b"k\nx\ny\n", id="two insertions"),
        pytest.param(
            "insertions", b"k\n", b"k\nimport a\nimport x\n", b"k\nimport a\nimport y\n",
            b"k\nimport a\nimport x\nimport y\n", id="what two insertions share",
        ),
        pytest.param("side", b"return 1\n", b"return 10\n", b"return 100\n", b"return 10\n", id="the same word"),
        pytest.param("side", b"a\nb\nc\n", b"a\n", b"a\nb\nx\nc\n", b"a\n", id="an insertion into a deletion"),
        pytest.param("side", b"", b"a = 1\n", b"b = 1\n", b"a = 1\n", id="two versions of a new file"),
    ],
)  # fmt: skip
def test_the_step_that_decides(step: str, base: bytes, left: bytes, right: bytes, expected: bytes) -> None:
    merged = merge(base, left, right)
    assert (merged.text, steps(merged)) == (expected, [step])
    assert [region.is_contested for region in merged.regions] == [step == "side"]


def test_an_indentation_and_an_edit_of_the_same_line_are_both_kept() -> None:
    merged = merge(b"for x in y:\n    n += 1\n", b"for x in y:\n    n += 2\n", b"for x in y:\nn += 1\n")
    assert (merged.text, steps(merged)) == (b"for x in y:\nn += 2\n", ["tokens"])


def test_an_indentation_that_an_edit_displaces_is_lost_and_not_silently() -> None:
    merged = merge(b"if x:\n    a\n    b\n", b"if x:\n    a\n    c\n", b"if x:\n    a\nb\n")
    assert (merged.text, steps(merged)) == (b"if x:\n    a\n    c\n", ["whitespace"])
    assert [(region.is_contested, region.winner, region.lost) for region in merged.regions] == [(True, 0, (1,))]


def test_of_two_indentations_the_preferred_one_stays() -> None:
    merged = merge(b"a\n", b"  a\n", b"\ta\n")
    assert (merged.text, merged.regions[0].step, merged.regions[0].lost) == (b"  a\n", "whitespace", (1,))


def test_lines_wrapped_otherwise_are_not_reported_as_lost() -> None:
    merged = merge(b"f(a, b)\n", b"f(a, c)\n", b"f(\n    a,\n    b)\n")
    assert (merged.text, merged.regions[0].lost) == (b"f(a, c)\n", ())


def test_white_space_inside_a_literal_is_not_reformatting() -> None:
    assert merge(b"x = 'a b'\n", b"x = 'ab'\n", b"x = 'a c'\n").regions[0].is_contested
    assert merge(b"x = 1 0\n", b"x = 10\n", b"x = 1 1\n").regions[0].is_contested


@pytest.mark.parametrize(
    ("base", "left", "right", "expected"),
    [
        pytest.param(b"a\nb\n", b"a\r\nb\r\n", b"a\nB\n", b"a\r\nB\r\n", id="a switch to CRLF and an edit"),
        pytest.param(b"a\r\nb\r\n", b"a\nb\n", b"a\r\nb\r\nc\r\n", b"a\nb\nc\n", id="a switch to LF and an addition"),
        pytest.param(b"x = 1", b"x = 1\ny = 2", b"x = 1\nz = 3", b"x = 1\ny = 2\nz = 3", id="two last lines"),
        pytest.param(b"x", b"x\ny", b"x\nz\n", b"x\ny\nz\n", id="a final newline added by one"),
        pytest.param(b"x\r\ny", b"x\r\ny\r\na", b"x\r\ny\r\nb", b"x\r\ny\r\na\r\nb", id="two last lines in CRLF"),
        pytest.param(b"x\n", b"x\na\n", b"x\nb", b"x\na\nb", id="a final newline left out by one"),
        pytest.param(b"k\r\nl\n", b"K\r\nl\n", b"k\r\nL\n", b"K\r\nL\n", id="a mixture"),
        pytest.param(b"k\n", b"k\nx\r\n", b"k\ny\n", b"k\nx\r\ny\n", id="different ends of what is added"),
    ],
)
def test_line_ends_do_not_hide_what_was_changed(base: bytes, left: bytes, right: bytes, expected: bytes) -> None:
    merged = merge(base, left, right)
    assert (merged.text, [region.is_contested for region in merged.regions]) == (expected, [False])


@pytest.mark.parametrize(
    ("base", "left", "right", "expected"),
    [
        pytest.param(b"a\nk\n", b"b\nx\nk\n", b"a\nx\nk\n", b"b\nx\nk\n", id="the end of a replacement"),
        pytest.param(b"a\n", b"a\nx\ny\n", b"x\ny\n", b"x\ny\n", id="all of it"),
        pytest.param(b"a\nk\n", b"x\nb\nk\n", b"x\na\nk\n", b"x\nb\nk\n", id="its beginning"),
        pytest.param(b"a\nk\n", b"b\nx\nk\n", b"a\nx\ny\nk\n", b"b\nx\ny\nk\n", id="its end and more"),
        pytest.param(b"a\nk\n", b"x\nb\nk\n", b"y\nx\na\nk\n", b"y\nx\nb\nk\n", id="more and its beginning"),
        pytest.param(b"a\nk\n", b"b\nx\nc\nk\n", b"a\n\nx\n\nk\n", b"b\nx\nc\nk\n", id="its middle"),
        pytest.param(
            b"a\nk\n", b"def b():\n  x\n  y\nk\n", b"a\n  x\nk\n", b"def b():\n  x\n  y\n  x\nk\n",
            id="deeper than its margin",
        ),
        pytest.param(b"a\nk\n", b"b\n\nk\n", b"a\n\nx\nk\n", b"b\n\n\nx\nk\n", id="a blank line alone"),
        pytest.param(b"a\nb\nk\n", b"c\nx\nb\nk\n", b"a\nx\nd\nk\n", b"c\nx\nx\nd\nk\n", id="two replacements"),
    ],
)  # fmt: skip
def test_what_one_side_inserts_and_the_replacement_beside_it_holds_is_kept_once(
    base: bytes, left: bytes, right: bytes, expected: bytes
) -> None:
    for sides in ((left, right), (right, left)):
        merged = merge(base, *sides)
        assert (merged.text, steps(merged)) == (expected, ["disjoint"])


def test_an_insertion_between_two_replacements_is_compared_with_both() -> None:
    merged = merge(b"a\nb\n", b"1\nx\nb\n", b"a\nx\nm\ny\nb\n", b"a\ny\n2\n")
    assert (merged.text, steps(merged)) == (b"1\nx\nm\ny\n2\n", ["disjoint"])


def test_the_edit_of_three_sides_can_be_combined() -> None:
    merged = merge(b"a\nb\nc\n", b"A\nb\nc\n", b"a\nB\nc\n", b"a\nb\nC\n")
    assert (merged.text, steps(merged)) == (b"A\nB\nC\n", ["disjoint"])


def test_the_insertions_of_four_sides_are_in_the_same_order_whoever_made_them() -> None:
    texts = [b"k\n%b\nl\n" % name for name in (b"d", b"bb", b"ccc", b"aaaa")]
    for order in permutations(texts):
        sides = [Side((name,), text, generation=len(text)) for name, text in zip("pqrs", order, strict=True)]
        assert merge_text(b"k\nl\n", sides, line_diff).text == b"k\naaaa\nbb\nccc\nd\nl\n"


def merge_in_place(base: bytes, *sides: bytes) -> bytes:
    """Merge sides of which the earlier's insertions come first, given in any order."""
    placed = [Side((str(place),), text, place=place) for place, text in enumerate(sides)]
    (merged,) = {merge_text(base, order, line_diff).text for order in permutations(placed)}
    return merged


def test_insertions_are_in_the_order_of_their_sides_places_where_those_differ() -> None:
    assert merge_in_place(b"k\nl\n", b"k\nb\n2\nl\n", b"k\na\n1\nl\n") == b"k\nb\n2\na\n1\nl\n"


@pytest.mark.parametrize(
    ("lines", "merged"),
    [
        pytest.param((b"    b,\n", b"    c,\n", b"    a,\n"), b"    a,\n    b,\n    c,\n", id="members"),
        pytest.param((b"from a import b\n", b"import c\n"), b"import c\nfrom a import b\n", id="from comes last"),
        pytest.param((b"* b\n", b"* a\n"), b"* b\n* a\n", id="bullets stay"),
        pytest.param((b"  - b\n", b"  - a\n"), b"  - b\n  - a\n", id="other bullets stay"),
        pytest.param((b"b\n", b"a\nc\n"), b"b\na\nc\n", id="longer blocks stay"),
    ],
)
def test_single_lines_are_sorted_whatever_their_sides_places(lines: tuple[bytes, ...], merged: bytes) -> None:
    assert merge_in_place(b"0\n9\n", *(b"0\n%b9\n" % line for line in lines)) == b"0\n%b9\n" % merged


def test_sorted_imports_of_several_lines_are_sorted_whatever_their_sides_places() -> None:
    base, ours, theirs = b"0\n", b"import d\nimport e\n", b"import c\nfrom a import b\n"
    assert merge_in_place(base, base + ours, base + theirs) == b"0\nimport c\nimport d\nimport e\nfrom a import b\n"


def test_where_one_spot_of_a_region_is_contested_all_of_it_is_taken_from_one_side() -> None:
    merged = merge(b"a\nb\n", b"1\nb\n", b"2\nB\n")
    assert (merged.text, merged.regions[0].sides, merged.regions[0].lost) == (b"2\nB\n", (b"1\nb\n", b"2\nB\n"), (0,))


def test_of_two_edits_that_meet_the_far_larger_stands() -> None:
    small, large = b"x = f(a)\n", b"x = g(b, c, d)\ny = x\n"
    for sides in ((small, large), (large, small)):
        merged = merge(b"x = f(b)\n", *sides)
        assert (merged.text, steps(merged)) == (large, ["side"])


def test_a_side_that_is_less_than_twice_as_large_has_no_advantage() -> None:
    merged = merge(b"a b\n", b"1 2\n", b"3 4 5\n")
    assert (merged.text, steps(merged)) == (b"1 2\n", ["side"])


def test_a_claim_stands_against_a_far_larger_edit() -> None:
    sides = [Side(("a",), b"1\n", token=3, id="a"), Side(("b",), b"2 3 4 5 6\n", id="b")]
    merged = merge_text(b"0\n", sides, line_diff)
    assert (merged.text, steps(merged)) == (b"1\n", ["claim"])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param(b"flask==2.9\n", b"flask==2.10\n", b"flask==2.10\n", id="by number, not by text"),
        pytest.param(b"v 1.2.0rc1\n", b"v 1.2.0\n", b"v 1.2.0\n", id="a release is higher than what goes before it"),
        pytest.param(b"v 1.2.0a2\n", b"v 1.2.0a10\n", b"v 1.2.0a10\n", id="of two that go before it the later"),
        pytest.param(b"a 1.1\nb 3.0\n", b"a 1.2\nb 2.0\n", b"a 1.2\nb 3.0\n", id="line for line"),
        pytest.param(b"v 1.0\n", b"v 1.00\n", b"v 1.00\n", id="the same number written otherwise"),
    ],
)
def test_of_version_numbers_the_highest_stands_and_the_others_are_listed(
    left: bytes, right: bytes, expected: bytes
) -> None:
    for sides in ((left, right), (right, left)):
        merged = merge(b"a 0.1\nb 0.1\n", *sides)
        lost = tuple(index for index, text in enumerate(merged.regions[0].sides) if text != expected)
        assert (merged.text, steps(merged), merged.regions[0].lost) == (expected, ["versions"], lost)


def test_version_numbers_do_not_decide_where_words_differ_too_or_one_side_has_a_claim() -> None:
    assert steps(merge(b"v 1.0\n", b"v 1.1 x\n", b"v 1.2 y\n")) == ["side"]
    claimed = [Side(("a",), b"v 1.1\n", token=1, id="a"), Side(("b",), b"v 1.2\n", id="b")]
    assert steps(merge_text(b"v 1.0\n", claimed, line_diff)) == ["claim"]


def test_a_line_of_nothing_but_digits_is_no_version_and_soon_told() -> None:
    one, other = b"1" * 1_000_000 + b"\n", b"2" * 1_000_000 + b"\n"
    assert steps(merge(b"0\n", one, other)) == ["side"]


def test_a_version_number_of_any_length_is_read() -> None:
    long = b"v 1." + b"9" * 20_000 + b"\n"
    assert merge(b"v 1.0\n", long, b"v 1.5\n").text == long


def test_words_that_touch_are_not_combined() -> None:
    assert merge_tokens(b"a+b", [b"c+b", b"a-b"], line_diff) is None


def test_the_same_change_of_a_word_is_applied_once() -> None:
    assert merge_tokens(b"a b c", [b"x b c", b"x b y", b"a b y"], line_diff) == b"x b y"


def test_texts_too_long_to_compare_by_words_are_not() -> None:
    filler = b" z" * MAX_BYTES
    assert merge_tokens(b"a b" + filler, [b"c b" + filler, b"a d" + filler], line_diff) is None


@given(text=st.binary(max_size=60))
def test_tokens_together_are_the_text(text: bytes) -> None:
    assert b"".join(split_tokens(text)) == text


def test_a_line_end_is_a_token_of_its_own() -> None:
    assert split_tokens(b"aZ_109 +\r\n\tb\n") == [b"aZ_109", b" ", b"+", b"\r\n", b"\t", b"b", b"\n"]


@pytest.mark.parametrize(
    ("one", "other", "joins"),
    [
        pytest.param(Hunk(0, 1, 0, 1), Hunk(1, 1, 1, 1), False, id="neighbours"),
        pytest.param(Hunk(0, 2, 0, 1), Hunk(1, 1, 1, 1), True, id="a common line"),
        pytest.param(Hunk(1, 0, 1, 1), Hunk(1, 0, 1, 2), True, id="insertions at one place"),
        pytest.param(Hunk(0, 2, 0, 0), Hunk(1, 0, 1, 1), True, id="an insertion inside"),
        pytest.param(Hunk(0, 2, 0, 0), Hunk(2, 0, 2, 1), False, id="an insertion behind"),
        pytest.param(Hunk(0, 0, 0, 1), Hunk(0, 2, 0, 2), False, id="an insertion before"),
    ],
)
def test_clusters_of_lines_join_only_what_meets(one: Hunk, other: Hunk, joins: bool) -> None:
    for hunks in ([[one], [other]], [[other], [one]]):
        assert len(list(find_clusters(hunks, touching=False))) == (1 if joins else 2)


words = st.sampled_from([b"a", b"b", b"c", b" ", b"  ", b"\n", b"\n", b"\r\n", b"("])
texts = st.lists(words, max_size=12).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(base=texts, sides=st.lists(texts, min_size=2, max_size=3))
def test_nothing_is_written_that_no_side_and_no_base_has(base: bytes, sides: list[bytes]) -> None:
    known = {word for text in (base, *sides) for word in split_tokens(text.replace(b"\r\n", b"\n"))}
    merged = merge(base, *sides).text.replace(b"\r\n", b"\n")
    assert {word for word in split_tokens(merged) if word.strip()} <= known


@settings(max_examples=400, deadline=None)
@given(base=texts, sides=st.lists(texts, min_size=2, max_size=3))
def test_a_contested_region_is_the_text_of_one_side_and_lists_the_others(base: bytes, sides: list[bytes]) -> None:
    merged = merge(base, *sides)
    lines = split_lines(merged.text)
    for region in merged.regions:
        if region.step in {"claim", "side"}:
            assert region.winner is not None
            assert b"".join(lines[region.result_start :][: region.result_lines]) == region.sides[region.winner]
            assert sorted((region.winner, *region.lost)) == list(range(len(region.sides)))
