"""The algebra of patterns against an oracle that lists paths, exhausted on a small alphabet; what may be claimed."""

import re
import time
from functools import cache
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.patterns import (
    MAX_GLOB_BYTES,
    MAX_PATH_BYTES,
    MAX_WILDCARDS,
    compiled,
    covers,
    escape,
    has,
    is_glob,
    is_resource,
    needed,
    overlaps,
    parse_pattern,
)
from agentroom_git.errors import UsageError

# Enough to tell any two of the segments apart, and deep enough for what two patterns have in common.
NAMES = ("a", "b", "aa", "ab", "bb", "[!a]")
PATHS = ["/".join(names) for depth in (1, 2, 3, 4) for names in product(NAMES, repeat=depth)]
SEGMENTS = ("a", "ab", "*", "?", "a*", "*b", "[!a]", "**")
PATTERNS = sorted(
    {
        parse_pattern("/".join(segments) + end)
        for depth in (1, 2)
        for segments in product(SEGMENTS, repeat=depth)
        for end in ("", "/")
    }
)


def _oracle(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression, after gitignore(5)."""
    parts = {"*": "[^/]*", "?": "[^/]", "[!a]": r"(?:[^a/]|\[!a\])", "a*": "a[^/]*", "*b": "[^/]*b"}
    body, only_below = pattern.removesuffix("/"), pattern.endswith("/")
    if body == "**":
        return re.compile(".+/.+" if only_below else ".+")
    if body.endswith("/**"):
        body, only_below = body.removesuffix("/**"), True
    text = "".join("(?:[^/]+/)*" if part == "**" else parts.get(part, part) + "/" for part in body.split("/"))
    text = re.sub("/$", "", text)
    return re.compile(text + ("/.+" if only_below else "(?:/.+)?"))


@cache
def _listed(pattern: str) -> frozenset[str]:
    oracle = _oracle(pattern)
    return frozenset(path for path in PATHS if oracle.fullmatch(path))


def test_a_pattern_has_exactly_the_paths_that_gitignore_names() -> None:
    for pattern in PATTERNS:
        assert {path for path in PATHS if has(pattern, path)} == _listed(pattern), pattern


def test_two_patterns_overlap_exactly_if_some_path_is_in_both() -> None:
    for one, other in combinations_with_replacement(PATTERNS, 2):
        assert overlaps(one, other) == overlaps(other, one) == bool(_listed(one) & _listed(other)), (one, other)


def test_containment_implies_overlap_and_is_told_exactly() -> None:
    for one, other in product(PATTERNS, PATTERNS):
        assert covers(one, other) == (_listed(one) >= _listed(other)), (one, other)
        assert overlaps(one, other) or not covers(one, other)


def test_every_path_of_a_glob_begins_with_and_contains_what_it_needs() -> None:
    for pattern in filter(is_glob, PATTERNS):
        prefix, *texts = needed(pattern)
        for path in _listed(pattern):
            assert path.startswith(prefix)
            assert all(text in path for text in texts)
    assert needed("src/**/test_*.p[yx]") == ("src/", "src", "test_", ".p")


def test_a_path_overlaps_a_pattern_that_has_it_or_something_below_it() -> None:
    for pattern, path in product(PATTERNS, [path for path in PATHS[:42] if "[" not in path]):
        below = any(has(pattern, other) for other in PATHS if other.startswith(f"{path}/"))
        assert overlaps(pattern, path) == (has(pattern, path) or below), (pattern, path)


def test_parsing_settles_on_one_spelling() -> None:
    for pattern in PATTERNS:
        assert parse_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("raw", "spelling"),
    [
        ("*.py", "**/*.py"), ("./*.py", "**/*.py"), ("src/*.py", "src/*.py"), ("src/**/", "src/**"), ("src/", "src"),
        ("a/**/**/b", "a/**/b"), ("a***b/c", "a*b/c"), ("src/*//", "src/*/"), ("\\*x", "\\*x"), ("a\\ b", "a b"),
        ("[x", "[x"), ("x]", "x]"), ("pages/[id].tsx", "pages/[id].tsx"), ("./port:1", "./port:1"), ("./a:", "a:"),
        ("port:5432", "port:5432"), ("task:7", "task:7"), ("tests:", "tests:"), ("a/b:c", "a/b:c"), ("./!x", "./!x"),
    ],
)  # fmt: skip
def test_a_pattern_has_one_spelling(raw: str, spelling: str) -> None:
    assert parse_pattern(raw) == spelling
    assert parse_pattern(spelling) == spelling


@pytest.mark.parametrize(
    "raw",
    ["!src", "a\\", "a\\b", "src\\app.py", "../*", "*/../x", "/*", ".git/*", "*/.git/x", "a//*", "port:54 32", "http://*",
     "x" * MAX_GLOB_BYTES + "*", "/".join(["x" * 100] * (MAX_PATH_BYTES // 100 + 1)), "a*" * (MAX_WILDCARDS + 1)],
)  # fmt: skip
def test_what_is_no_pattern_is_refused_with_a_hint(raw: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_pattern(raw)
    assert refused.value.message.isprintable()
    assert refused.value.hint


def test_brackets_stand_for_their_characters_and_for_themselves() -> None:
    for path in ("pages/[id].tsx", "pages/i.tsx", "pages/d.tsx"):
        assert has("pages/[id].tsx", path)
    assert not has("pages/[id].tsx", "pages/id.tsx")
    assert has("app/[[...slug]]/page.tsx", "app/[[...slug]]/page.tsx")
    assert overlaps("pages/[id].tsx", "pages/\\[id].tsx")
    assert not overlaps("pages/i.tsx", "pages/\\[id].tsx")
    assert [has("[a-c]", sign) for sign in "abcd-"] == [True, True, True, False, False]
    assert [has("[!a-c]", sign) for sign in "abcd-"] == [False, False, False, True, True]
    assert has("[]x]", "]")


def test_a_name_like_a_files_stands_for_itself_alone_unless_it_ends_with_a_slash() -> None:
    assert not overlaps("README.md", "**/*.py")
    assert overlaps("docs", "**/*.py")
    assert overlaps("v1.2/", "**/*.py")
    assert overlaps("v1.2/", "v1.2")
    assert covers("v1.2/", "v1.2")
    assert not covers("v1.2", "v1.2/")
    assert not overlaps("v1.2", "v1.2/x")
    assert not covers("v1.2", "v1.2/*")
    assert [has(pattern, "v1.2/x") for pattern in ("v1.2", "v1.2/", ".github")] == [False, True, False]
    assert has(".github", ".github/x")
    assert [parse_pattern(raw) for raw in ("v1.2/", "v1.2", "src/", ".github/")] == ["v1.2/", "v1.2", "src", ".github"]


def test_a_resource_meets_nothing_but_itself() -> None:
    for other in ("port:5433", "port", "*", "**", "./port:5432", "port:*"):
        assert not overlaps("port:5432", other)
        assert not covers(other, "port:5432")
    assert overlaps("port:5432", "port:5432")
    assert covers("port:5432", "port:5432")
    assert has("./port:5432", "port:5432")
    assert not has("port:5432", "port:5432")
    assert (is_resource("tests:"), is_resource("tests"), is_glob("tests")) == (True, False, False)


@given(st.text(st.sampled_from("ab*?[]\\!~:. -"), min_size=1, max_size=8))
def test_the_escaped_name_of_a_path_has_that_path_only(name: str) -> None:
    pattern = escape(name)
    assert has(pattern, name)
    assert compiled(pattern).name == name
    assert not is_glob(pattern)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_stored_can_be_compared(one: str, other: str) -> None:
    assert overlaps(one, other) == overlaps(other, one)
    assert overlaps(one, other) or not covers(one, other)
    assert not is_glob(one) or not is_resource(one)


HOSTILE = (
    "**/" * 15 + "x", "*a" * 16, "*a" * 15 + "*b", "?" * 250 + "*b", "?" * 250 + "*c", "**/" + "*a?????????????" * 15,
    "**/" + "[ab]*" * 8, "**/a/" * 8 + "*", "x/" * 120 + "*", "*" * 200, "[!a]" * 16 + "*",
)  # fmt: skip


def test_hostile_patterns_take_bounded_time() -> None:
    parsed = []
    for raw in HOSTILE:
        try:
            parsed.append(parse_pattern(raw))
        except UsageError:
            continue
    assert len(parsed) > 6
    begin = time.process_time()
    for one, other in product(parsed, parsed):
        overlaps(one, other)
        covers(one, other)
    # The processor's time, and far more than it takes: what is excluded is exponential growth.
    assert time.process_time() - begin < 60
