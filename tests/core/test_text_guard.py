"""With a parser at hand, what every side kept well-formed stays so, unless git would merge it all the same."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core.drafts import MAX_TRIALS, Draft, Parses
from agentroom_git.core.effort import MAX_BYTES, MAX_CLEANUPS, MAX_DEPTH, MAX_SCOPES, MAX_WORDS
from agentroom_git.core.parse import guard_for, is_json, is_python, is_toml
from agentroom_git.core.regions import Region, Resolution, Side
from agentroom_git.core.text import TextMerge, merge_text
from agentroom_git.git.diff import line_diff


def merge(base: bytes, *sides: bytes, parses: Parses | None = is_python) -> TextMerge:
    """Merge sides written by a, b, c, ... in that order; the earlier is preferred."""
    named = [Side((name,), text, id=name) for name, text in zip("abcdefgh", sides, strict=False)]
    return merge_text(base, named, line_diff, parses)


def steps(merged: TextMerge) -> list[str]:
    return [region.step for region in merged.regions]


BROKEN_TOGETHER = (b"x = [\n1,\n]\n", b"x = [\n1,\ny]\n", b"x = [\n1,\n2\n]\n")


def test_a_combination_that_does_not_parse_is_passed_over() -> None:
    base, left, right = BROKEN_TOGETHER
    assert merge(base, left, right, parses=None).text == b"x = [\n1,\n2\ny]\n"
    merged = merge(base, left, right)
    assert (merged.text, steps(merged)) == (left, ["side"])


def test_inputs_that_do_not_parse_bind_nobody() -> None:
    base, left, right = (text + b"?\n" for text in BROKEN_TOGETHER)
    assert merge(base, left, right) == merge(base, left, right, parses=None)


def test_the_other_side_is_taken_where_the_preferred_one_does_not_parse() -> None:
    # The head of the file is changed by the right side only, and fits only the right side's tail.
    base, left, right = b"a(\nk\n,x)\n", b"a(\nk\n,y)\n", b"b = (\nk\n,z, (1))\n"

    def parses(text: bytes) -> bool:
        return text.startswith(b"b =") == text.endswith(b"(1))\n")

    merged = merge(base, left, right, parses=parses)
    assert (merged.text, merged.regions[0].lost) == (right, (0,))


def test_a_file_that_parses_only_whole_is_one_region() -> None:
    base = b"a\nk\nb\nl\nc\n"
    left, right = b"1\nk\nb\nl\n2\n", b"3\nk\nB\nl\n4\n"
    merged = merge(base, left, right, parses=lambda text: text in (base, left, right))
    assert merged == TextMerge(left, (Region(0, 5, 0, 5, base, (left, right), (("a",), ("b",)), "side", 0, (1,)),))


def test_a_clean_merge_stands_even_if_it_does_not_parse() -> None:
    merged = merge(b"a\nk\nb\n", b"A\nk\nb\n", b"a\nk\nB\n", parses=lambda text: text != b"A\nk\nB\n")
    assert merged == TextMerge(b"A\nk\nB\n", ())


EDITED_AND_INSERTED = (b"a\nb\n", b"x\ny\n", b"a\nnew()\nb\n")


def test_an_edit_and_an_insertion_into_it_are_both_kept_only_under_a_guard() -> None:
    merged = merge(*EDITED_AND_INSERTED)
    assert (merged.text, steps(merged)) == (b"x\ny\nnew()\n", ["both"])
    assert merged.regions[0].needs_look
    assert not merged.regions[0].is_contested
    assert steps(merge(*EDITED_AND_INSERTED, parses=None)) == ["side"]


def test_a_claim_comes_before_keeping_all() -> None:
    base, edited, inserted = EDITED_AND_INSERTED
    merged = merge_text(base, [Side(("a",), edited), Side(("b",), inserted, token=4)], line_diff, is_python)
    assert (merged.text, steps(merged)) == (inserted, ["claim"])


statements = st.lists(
    st.sampled_from([b"if x:\n", b"    y\n", b"else:\n", b"z(\n", b")\n", b"'''\n", b"w\n"]), max_size=7
).map(b"".join)
modules = statements.filter(is_python)


@settings(max_examples=200, deadline=None)
@given(base=statements, sides=st.lists(modules, min_size=2, max_size=3))
def test_what_parses_on_all_sides_parses_when_contested_or_combined(base: bytes, sides: list[bytes]) -> None:
    merged = merge(base, *sides)
    if any(region.step != "equal" for region in merged.regions):
        assert is_python(merged.text)


@settings(max_examples=200, deadline=None)
@given(base=statements, sides=st.lists(modules, min_size=2, max_size=3))
def test_under_a_guard_the_order_of_the_sides_does_not_matter(base: bytes, sides: list[bytes]) -> None:
    named = [Side((str(n % 2),), text, token=n % 2, support=n) for n, text in enumerate(sides)]
    merges = [merge_text(base, order, line_diff, is_python) for order in permutations(named)]
    assert merges == [merges[0]] * len(merges)


@pytest.mark.parametrize("wanted", list(product((b"1", b"2"), repeat=3)))
def test_the_first_options_that_parse_together_are_chosen(wanted: tuple[bytes, ...]) -> None:
    options = tuple((Resolution(b"1", "tokens"), Resolution(b"2", "side", 0, (1,))) for _ in range(3))
    well_formed = {b"input", b"<2,2,2>", b"<%b,%b,%b>" % wanted}
    chosen = Draft((b"<", b",", b",", b">"), options).choose(well_formed.__contains__, [b"input"])
    assert chosen is not None
    assert tuple(resolution.text for resolution in chosen) == wanted


def test_a_region_gets_the_best_option_that_parses() -> None:
    middling = (Resolution(b"1", "tokens"), Resolution(b"2", "both"), Resolution(b"3", "side", 0, (1,)))
    well_formed = {b"input", b"333", b"133", b"233"}
    chosen = Draft((b"",) * 4, (middling,) * 3).choose(well_formed.__contains__, [b"input"])
    assert chosen == (middling[0], middling[2], middling[2])


def test_the_number_of_texts_tried_is_bounded() -> None:
    tried: list[bytes] = []
    options = tuple((Resolution(b"1", "tokens"), Resolution(b"2", "side", 0, (1,))) for _ in range(500))

    def parses(text: bytes) -> bool:
        tried.append(text)
        return text == b"input"

    assert Draft((b"",) * 501, options).choose(parses, [b"input"]) is None
    assert len(tried) <= 2 * MAX_TRIALS


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/b.py", b"x = 1\n", True),
        ("a/b.py", b"x =\n", False),
        ("b.PYI", b"return 1\n", False),
        ("b.py", b"x = '\\d'\n", True),
        ("b.py", b"# coding: latin-1\nx = '\xe9'\n", True),
        ("b.py", b"x = '\xe9'\n", False),
        ("b.py", b"x\0\n", False),
        ("b.py", b"def f[T](): ...\n", False),
        ("package.json", b'{"a": 1}', True),
        ("package.json", b'{"a": 1,}', False),
        ("package.json", b'{"a": 1, "a": 2}', False),
        ("pyproject.toml", b"a = 1\n", True),
        ("pyproject.toml", b"a = 1\na = 2\n", False),
        ("pyproject.toml", b"\xff", False),
        ("CHANGES", b"{[(", True),
        ("docs/README.rst", b"{[(", True),
    ],
)
def test_a_guard_follows_from_the_name(path: str, text: bytes, expected: bool) -> None:
    guard = guard_for(path)
    assert guard is not None
    assert guard(text) is expected


@pytest.mark.parametrize("path", ["a.rb", "Makefile", "change.sql", "json", ".py/x.kt", "changed", ".js"])
def test_other_files_have_no_guard(path: str) -> None:
    assert guard_for(path) is None


@pytest.mark.parametrize("text", [b"(" * 30_000, b"-" * 30_000 + b"1", b"a" + b".b" * 15_000, b"1" + b"+1" * 15_000])
def test_deep_nesting_does_not_parse_and_does_not_raise(text: bytes) -> None:
    assert not is_python(text)


@pytest.mark.parametrize("text", [b"[" * 30_000, b"a = " + b"[" * 30_000, b"a" + b".b" * 300])
def test_deeply_nested_data_does_not_load_and_does_not_raise(text: bytes) -> None:
    assert not is_json(text)
    assert not is_toml(text)


def test_a_text_too_long_to_judge_passes() -> None:
    text = b"(" * (MAX_BYTES + 1)
    assert is_python(text)
    assert is_json(text)
    assert is_toml(text)


def test_a_text_of_too_many_words_is_judged_as_data_only() -> None:
    text = b"(" * (MAX_WORDS + 1)
    assert is_python(text)
    assert is_toml(text)
    assert not is_json(text)


def test_python_that_takes_long_to_compile_is_not_compiled() -> None:
    assert not is_python(b"def f(): x\n" * MAX_SCOPES + b"return\n")
    assert is_python(b"def f(): x\n" * (MAX_SCOPES + 1) + b"return\n")


@pytest.mark.parametrize(("depth", "expected"), [(MAX_CLEANUPS, True), (MAX_CLEANUPS + 1, False)])
def test_cleanup_in_cleanup_is_python_up_to_a_depth(depth: int, expected: bool) -> None:
    lines = [b" " * level + b"try: x\n" + b" " * level + b"finally:\n" for level in range(depth)]
    assert is_python(b"".join(lines) + b" " * depth + b"x\n") is expected


@pytest.mark.parametrize("key", [b"a%b", b'"a"%b', b"[a%b]\na"])
def test_keys_of_toml_load_up_to_a_depth(key: bytes) -> None:
    assert is_toml(key % (b".b" * MAX_DEPTH) + b" = 1\n")
    assert not is_toml(key % (b" . 'b'" * (MAX_DEPTH + 1)) + b" = 1\n")
