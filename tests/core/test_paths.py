"""Paths that a file system could read as git's own directory or as a way out are refused, all others pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.paths import MAX_COMPONENT_BYTES, MAX_PATH_BYTES, is_safe_path

# Characters that HFS+ drops when it compares names.
DROPPED = [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
DOT_GIT = [".git", ".GIT", ".Git", ".gIt", ".giT"]
REFUSED_NAMES = [
    ".",
    "..",
    "",
    *DOT_GIT,
    *(f"{name}{end}" for name in (".git", ".GIT") for end in (" ", ".", "..", " .", ". .", "   ")),
    *(f"{name}{end}" for name in (".git", ".Git") for end in (":", "::$INDEX_ALLOCATION", "::$DATA", ":stream", " :x")),
    "git~1",
    "GIT~1",
    "Git~1",
    "git~1 ",
    "git~1.",
    "git~1::$INDEX_ALLOCATION",
    *(f".g{chr(code)}it" for code in DROPPED),
    "\u200c.git",
    ".git\u200d",
    ".\u200eG\u200fI\u202aT\ufeff",
    ".g\u200cit ",
    "a\\..\\b",
    "..\\b",
    ".git\\hooks",
    "a\\.git",
    "git~1\\config",
    "x\0y",
    "x" * (MAX_COMPONENT_BYTES + 1),
]
ACCEPTED_NAMES = [
    "a",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".github",
    "git",
    "git~",
    "git~2",
    "git~10",
    "gitx",
    ".gitx",
    "x.git",
    "...",
    "..a",
    " ",
    "-x",
    "~",
    "C:",
    "con",
    "a b",
    "a\nb",
    "a\tb",
    "a\rb",
    "\x1b[31m",
    "dev-disk\\x2dlabel.mount",
    "grün",
    "日本",
    ".gït",
    "\u200c",
    "x" * MAX_COMPONENT_BYTES,
]


@pytest.mark.parametrize("place", ["{}", "{}/x", "x/{}", "x/{}/y"])
@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_hostile_name_is_refused_wherever_it_stands(place: str, name: str) -> None:
    assert not is_safe_path(place.format(name).encode())


@pytest.mark.parametrize("place", ["{}", "{}/x", "x/{}", "x/{}/y"])
@pytest.mark.parametrize("name", ACCEPTED_NAMES)
def test_any_other_name_is_accepted(place: str, name: str) -> None:
    assert is_safe_path(place.format(name).encode())


@pytest.mark.parametrize("path", [b"/etc/passwd", b"//x", b"x//y", b"x/", b"/", b"../x", b"x/../../y", b"./x", b"x/."])
def test_a_path_that_is_not_plainly_relative_is_refused(path: bytes) -> None:
    assert not is_safe_path(path)


def test_a_path_as_long_as_git_and_the_system_take_is_accepted_and_a_longer_one_is_not() -> None:
    longest = (b"x/" * MAX_PATH_BYTES)[: MAX_PATH_BYTES - 1] + b"y"
    assert is_safe_path(longest)
    assert not is_safe_path(longest + b"y")


@given(st.lists(st.sampled_from([".", "g", "i", "t", "G", "I", "T", "\u200c", "\ufeff"]), min_size=4, max_size=12))
def test_every_spelling_that_reads_as_git_without_dropped_characters_is_refused(letters: list[str]) -> None:
    name = "".join(letters)
    reads_as = name.replace("\u200c", "").replace("\ufeff", "").lower().rstrip(".")
    assert is_safe_path(name.encode()) == (reads_as != ".git" and name not in (".", ".."))


@given(st.binary(max_size=40))
def test_names_that_are_not_text_are_judged_without_an_error(path: bytes) -> None:
    assert is_safe_path(path) in (True, False)
