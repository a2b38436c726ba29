"""Looking patterns up by how they begin finds exactly those that overlap; reading with remembered moves is reading."""

from itertools import product

from agentroom_git.core.pattern_index import PatternIndex
from agentroom_git.core.patterns import compiled, has, overlaps, parse_pattern
from agentroom_git.core.readers import MAX_MOVES

NAMES = ("a", "ab", "a/a", "a/b", "ab/a", "a.b", "a.b/", "b", "./t:1", "t:1", "t:2")
GLOBS = ("*", "a*", "a/*", "**/a", "a/**", "ab/*/", "[ab]", "a/[!a]*", "*.b", "a?/b")
PATTERNS = [parse_pattern(raw) for raw in (*NAMES, *GLOBS, "a/*", "t:1")]


def test_the_index_finds_exactly_what_overlaps() -> None:
    for count in range(len(PATTERNS) + 1):
        listed = PATTERNS[:count]
        index = PatternIndex(listed)
        assert index.overlapping(PATTERNS) == {
            asked: [at for at, one in enumerate(listed) if overlaps(one, asked)] for asked in PATTERNS
        }


def test_what_begins_alike_without_meeting_is_not_found() -> None:
    index = PatternIndex(["src", "src2", "src/a.py", "srcs/*.py"])
    assert index.overlapping(["src", "sr"]) == {"src": [0, 2], "sr": []}


def test_a_reader_that_has_forgotten_its_moves_reads_as_before() -> None:
    signs = [chr(0x100 + number) for number in range(MAX_MOVES + 100)]
    for one, other in product(("x", "y"), repeat=2):
        assert has("**/x*y", f"{one}{''.join(signs[:50])}{other}") == ((one, other) == ("x", "y"))
    assert all(has("**/x*y", f"x{sign}y") and not has("**/x*y", f"x{sign}") for sign in signs)


def test_a_name_with_an_escaped_wildcard_is_a_name() -> None:
    assert compiled(r"a\*b").name == "a*b"
    assert compiled("a[b").name == "a[b"
