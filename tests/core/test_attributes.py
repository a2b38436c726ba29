"""Which files .gitattributes concern, against git's own answers; and that no pattern takes long."""

from pathlib import Path

import pytest

from agentroom_git.core.attributes import Attributes, find_attributes

PATTERNS = (
    *("*.py", "/a.py", "a/*.py", "a/**", "**/b.py", "a/**/b.py", "[ab].py", "[!a].py", "[a-b].py", "a/", "*"),
    *("a*b*.py", "?.py", "dir/x", "**", "a/b", "\\*.py", "a.py", "**/x/*", "x/**/a.py"),
)
PATHS = (
    *("a.py", "b.py", "a/a.py", "a/b.py", "a/c/b.py", "x/b.py", "x/a/b.py", "dir/x", "q/dir/x", "a/b", "aXbY.py"),
    *("*.py", "x/a.py", "x/y/z/a.py", "q/x/y"),
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_covers_what_it_covers_in_git(repository: Path, git, pattern: str) -> None:
    rule = f"{pattern} merge=union\n"
    (repository / ".gitattributes").write_text(rule)
    printed = git("check-attr", "merge", "--", *PATHS, cwd=repository).splitlines()

    found = [find_attributes([(b"", rule.encode())], path.encode()).merge for path in PATHS]

    assert [value == "union" for value in found] == [line.endswith(" union") for line in printed]


def test_inner_files_and_later_lines_come_first() -> None:
    files = [(b"", b"* merge=union\n*.bin binary\n"), (b"a", b"*.txt -merge\nb.txt !merge\n*.big filter=lfs\n")]
    assert find_attributes(files, b"x.txt") == Attributes(merge="union")
    assert find_attributes(files, b"x.bin") == Attributes(merge=False)
    assert find_attributes(files, b"a/x.txt") == Attributes(merge=False)
    assert find_attributes(files, b"a/b.txt") == Attributes()
    assert find_attributes(files, b"a/x.big") == Attributes(merge="union", filter="lfs")


def test_no_pattern_takes_long() -> None:
    pattern = b"/".join([b"*a" * 100 + b"b", b"**"] * 4)
    path = b"/".join([b"a" * 250] * 15)
    assert find_attributes([(b"", pattern + b" merge=union\n")], path) == Attributes()


@pytest.mark.parametrize(
    "data", [b"\0\xff[", b"[", b"[attr]x y\n", b"*[ merge\n", b"\\ merge", b"x" * 5000 + b" merge\n"]
)
def test_odd_lines_do_no_harm(data: bytes) -> None:
    assert find_attributes([(b"", data)], b"some/path").merge in (None, True)
