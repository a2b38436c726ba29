"""What the .gitattributes files of a tree say about merging a path.

Read from the trees that are merged, never from a worktree, whose state would differ between machines. Follows
gitattributes(5) for `merge`, the macro `binary`, `filter=lfs` and `linguist-generated`; macros of one's own are not
expanded. Patterns are matched without backtracking into more than one star, so that none takes long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agentroom_git.core.merge import Resolved, merge_values

Value = str | bool | None
"""`name` is True, `-name` False, `name=value` the value; None is unspecified."""

FILE_NAME = b".gitattributes"
MAX_BYTES = 1_000_000
"""Longer files are not read, and lines longer than git's own limit of 2048 bytes are left out."""

_MAX_LINE = 2048
_KNOWN = frozenset({"merge", "filter", "linguist-generated"})


@dataclass(frozen=True, slots=True)
class Attributes:
    merge: Value = None
    filter: Value = None
    generated: Value = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: its pattern, as the components of a path from the file's folder, and what it sets."""

    components: tuple[bytes, ...]
    sets: tuple[tuple[str, Value], ...]

    def covers(self, below: Sequence[bytes]) -> bool:
        if len(self.components) == 1:
            return matches(self.components[0], below[-1])
        return _matches_path(self.components, below)


def find_attributes(files: Sequence[tuple[bytes, bytes]], path: bytes) -> Attributes:
    """Return what the files say of a path; each is given with its folder (`a/b`, or nothing), outer ones first."""
    found: dict[str, Value] = {}
    for folder, data in files:
        below = path[len(folder) + 1 if folder else 0 :].split(b"/")
        for rule in read_rules(data):
            if rule.covers(below):
                found.update(rule.sets)
    return Attributes(found.get("merge"), found.get("filter"), found.get("linguist-generated"))


def merge_attributes(base: Attributes, ours: Attributes, theirs: Attributes) -> Attributes:
    """Return what both sides' files say together; where both changed one differently, the more careful stands."""
    return Attributes(
        merge=_merge_value(base.merge, ours.merge, theirs.merge),
        filter=_merge_value(base.filter, ours.filter, theirs.filter),
        generated=_merge_value(base.generated, ours.generated, theirs.generated),
    )


def _merge_value(base: Value, ours: Value, theirs: Value) -> Value:
    outcome = merge_values(base, (ours, theirs))
    if isinstance(outcome, Resolved):
        return outcome.value
    # Not to merge comes first, then a value, then a mere yes or nothing.
    return min(outcome.values, key=lambda value: (value is not False, not isinstance(value, str), str(value)))


@lru_cache(maxsize=256)
def read_rules(data: bytes) -> tuple[Rule, ...]:
    """Parse the rules of a .gitattributes file, in order; what git would not understand is left out."""
    lines = data[:MAX_BYTES].removeprefix(b"\xef\xbb\xbf").split(b"\n") if len(data) <= MAX_BYTES else []
    return tuple(rule for line in lines if len(line) <= _MAX_LINE and (rule := _read_rule(line.strip())))


def _read_rule(line: bytes) -> Rule | None:
    if not line or line.startswith((b"#", b"[attr]", b"!", b'"')):
        return None
    pattern, *words = line.split()
    sets = tuple(pair for word in words for pair in _sets(word.decode("utf-8", "replace")) if pair[0] in _KNOWN)
    anchored = pattern.lstrip(b"/") if pattern.startswith(b"/") else pattern
    components = tuple(anchored.split(b"/"))
    # A pattern for a folder covers no file.
    if not sets or b"" in components:
        return None
    if pattern.startswith(b"/") and len(components) == 1:
        # Of one component, yet only in the file's own folder.
        components = (b"", *components)
    return Rule(components, sets)


def _sets(word: str) -> Iterator[tuple[str, Value]]:
    if word == "binary":
        yield "merge", False
    elif word.startswith("-"):
        yield word[1:], False
    elif word.startswith("!"):
        yield word[1:], None
    else:
        name, equals, value = word.partition("=")
        yield name, value if equals else True


def _matches_path(components: Sequence[bytes], below: Sequence[bytes]) -> bool:
    """Match component by component; `**` stands for any number of them."""
    if components[0] == b"":
        components = components[1:]
    at, place = 0, 0
    star, tried = -1, 0
    while place < len(below):
        if at < len(components) and components[at] == b"**":
            star, tried, at = at, place, at + 1
        elif at < len(components) and matches(components[at], below[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            tried += 1
            at, place = star + 1, tried
        else:
            return False
    # `a/**` covers what is below `a`; a `**` that is left over would have to stand for a component.
    return at == len(components)


def matches(pattern: bytes, name: bytes) -> bool:
    """Match one component against a pattern with `*`, `?`, `[...]` and escapes."""
    parts = _compile(pattern)
    at, place = 0, 0
    star, tried = -1, 0
    while place < len(name):
        part = parts[at] if at < len(parts) else frozenset[int]()
        if part is None:
            star, tried, at = at, place, at + 1
        elif name[place] in part:
            at, place = at + 1, place + 1
        elif star >= 0:
            tried += 1
            at, place = star + 1, tried
        else:
            return False
    return all(part is None for part in parts[at:])


@lru_cache(maxsize=1024)
def _compile(pattern: bytes) -> tuple[frozenset[int] | None, ...]:
    """Return for each place the bytes that may stand there, None for a star."""
    found: list[frozenset[int] | None] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at : at + 1]
        at += 1
        if sign == b"*":
            found.append(None)
        elif sign == b"?":
            found.append(frozenset(range(256)))
        elif (
            sign == b"[" and (end := pattern.find(b"]", at + 2 if pattern[at : at + 1] in (b"!", b"^") else at + 1)) > 0
        ):
            found.append(_class(pattern[at:end]))
            at = end + 1
        else:
            if sign == b"\\" and at < len(pattern):
                sign = pattern[at : at + 1]
                at += 1
            found.append(frozenset(sign))
    return tuple(found)


def _class(inside: bytes) -> frozenset[int]:
    negated = inside[:1] in (b"!", b"^")
    signs = inside[1:] if negated else inside
    found: set[int] = set()
    at = 0
    while at < len(signs):
        if at + 2 < len(signs) and signs[at + 1 : at + 2] == b"-":
            found.update(range(signs[at], signs[at + 2] + 1))
            at += 3
        else:
            found.add(signs[at])
            at += 1
    return frozenset(range(256)) - found if negated else frozenset(found)
