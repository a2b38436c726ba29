"""What a claim is on: a path, a glob in gitignore's syntax, or a named resource; and which of them meet.

A pattern stands for a set of paths, and whatever matches brings everything below it along; but for names that end like
a file's, or a claim on `*.py` would meet one on README.md, which might be a folder. Whether two patterns have a
path in common is decided on the patterns (the product of two automata over characters), never by listing files, so
that the answer is the same in every worktree and holds for files that do not exist yet.

    KIND:NAME       a resource (`port:5432`, `task:7`, `tests:`): meets nothing but itself
    src             this path from the top of the repository, with everything below it
    src/app.py      a name that ends like a file's stands for itself alone; with a last slash it is a folder
    *.py            a glob without a slash: in every folder
    src/**/[a-c]?*/ other globs, from the top; with a last slash only what lies below a match
    ./port:1        `./` in front says that it is a path whatever it looks like; a backslash takes the meaning from
                    the sign after it

A bracket expression stands for the characters that it lists and also for its own text, so that `pages/[id].tsx` covers
the file of that very name.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from agentroom_git.core.automata import NOT_SLASH, SLASH, Automaton, Builder, Ranges, includes, meet
from agentroom_git.core.paths import is_safe_path
from agentroom_git.core.readers import Reader
from agentroom_git.errors import UsageError

MAX_PATH_BYTES = 512
MAX_GLOB_BYTES = 256
MAX_WILDCARDS = 16
"""Runs of stars, and brackets, in one glob: two such globs are compared in some 10 ms, whatever they are made of."""

_RESOURCE = re.compile(r"[a-z][a-z0-9_-]+:[A-Za-z0-9._/@+-]*")
_RESOURCE_LIKE = re.compile(r"[a-z][a-z0-9_-]+:")
# A home folder that no shell has expanded, or a drive.
_ELSEWHERE = re.compile(r"~(/|$)|[A-Za-z]:[/\\]")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPABLE = "*?[]\\!#~: "
_MAY_BE_WILD = re.compile(r"[*?\[]")
_BELOW = "**"
_LIKE_A_FILE = re.compile(r"[^/]\.[A-Za-z0-9_+-]{1,10}$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`name` is the path of a pattern without wildcards, `is_file` that nothing below it is meant; `prefix` is what
    every matching path begins with."""

    text: str
    is_resource: bool
    name: str | None
    prefix: str
    is_file: bool = False


def parse_pattern(raw: str) -> str:
    """Return the one spelling of a claimable pattern; raise `UsageError` for what leaves the repository or is no
    pattern."""
    if _RESOURCE_LIKE.match(raw):
        return _parse_resource(raw)
    shown = ascii(raw[:80])
    path = raw.removeprefix("./")
    _refuse_escapes(path, shown)
    body = re.sub(r"(?<!\\)/+$", "", path)
    if not body or body == ".":
        raise UsageError("the whole repository cannot be claimed", hint="name the files or folders to claim")
    if raw.startswith("!"):
        raise UsageError(f"{shown} excludes nothing: a claim only adds", hint="for a file of that name: ./!name")
    is_glob = any(_has_wildcard(segment) for segment in body.split("/"))
    _refuse_elsewhere(body if is_glob else _unescaped(body), body, shown)
    spelling = _glob_spelling(path, body) if is_glob else _plain_spelling(path, body)
    _refuse_length(spelling, body, is_glob)
    looks_else = spelling.startswith("!") or _RESOURCE_LIKE.match(spelling)
    return f"./{spelling}" if looks_else else spelling


def escape(path: str) -> str:
    """Return the pattern for the path of exactly this name."""
    return f"./{_escaped(path)}"


def is_glob(text: str) -> bool:
    """Return whether the pattern, as it is spelled by `parse_pattern`, has wildcards."""
    found = compiled(text)
    return not found.is_resource and found.name is None


def needed(glob: str) -> tuple[str, ...]:
    """Return what every path that the glob covers begins with, then texts that each of them contains."""
    tokens = [token for segment in glob.removeprefix("./").split("/") for token in (*_tokens(segment), _Star())]
    groups = groupby(tokens, key=lambda token: isinstance(token, str))
    runs = ["".join(map(str, run)) for is_text, run in groups if is_text]
    return (compiled(glob).prefix, *dict.fromkeys(runs))


def is_resource(text: str) -> bool:
    return compiled(text).is_resource


def overlaps(one: str, other: str) -> bool:
    """Return whether some path is covered by both. Symmetric, and implied by containment."""
    if one == other:
        return True
    first, second = compiled(one), compiled(other)
    if first.is_resource or second.is_resource or not _may_meet(first.prefix, second.prefix):
        return False
    if first.name is not None and second.name is not None:
        return _has_name(first, second.name) or _has_name(second, first.name)
    if first.name is not None:
        return _meets_glob(first, first.name, other)
    if second.name is not None:
        return _meets_glob(second, second.name, one)
    return meet(_automaton(one), _automaton(other))


def covers(outer: str, inner: str) -> bool:
    """Return whether every path of `inner` is one of `outer`.

    For two globs, False may also mean that it could not be told with a bounded effort.
    """
    if outer == inner:
        return True
    first, second = compiled(outer), compiled(inner)
    if first.is_resource or second.is_resource or not _may_meet(first.prefix, second.prefix):
        return False
    if second.name is not None:
        return has(outer, second.name) and (second.is_file or not first.is_file)
    if first.name is not None:
        return second.prefix.startswith(f"{first.name}/") and not first.is_file
    return includes(_automaton(outer), _automaton(inner))


def has(pattern: str, path: str) -> bool:
    """Return whether the pattern covers the path of exactly this name, which is no pattern itself."""
    found = compiled(pattern)
    if found.is_resource or not path.startswith(found.prefix):
        return False
    return _has_name(found, path) if found.name is not None else _reader(pattern).accepts(path)


@lru_cache(maxsize=20_000)
def compiled(text: str) -> Pattern:
    """Return what the text of a stored claim stands for. Never fails: what is no pattern is the path of its name."""
    if _RESOURCE.fullmatch(text):
        return Pattern(text, True, None, "")
    path = text.removeprefix("./")
    if _MAY_BE_WILD.search(path) is None or not any(_has_wildcard(segment) for segment in path.split("/")):
        name = _unescaped(path.rstrip("/"))
        is_file = not path.endswith("/") and _LIKE_A_FILE.search(name) is not None
        return Pattern(text, False, name, name, is_file)
    return Pattern(text, False, None, _literal_prefix(path))


def _parse_resource(raw: str) -> str:
    if not _RESOURCE.fullmatch(raw) or len(raw) > MAX_GLOB_BYTES:
        raise UsageError(
            f"{ascii(raw[:80])} is not the name of a resource",
            hint="KIND:NAME of letters, digits and ._/@+-, such as port:5432; for a file of that name: ./NAME",
        )
    return raw


def _refuse_escapes(path: str, shown: str) -> None:
    if any(match[1] not in _ESCAPABLE or not match[1] for match in _ESCAPED.finditer(path)):
        raise UsageError(
            f"{shown} has a backslash that escapes nothing", hint="separate folders by /; for \\ write \\\\"
        )


def _refuse_elsewhere(name: str, body: str, shown: str) -> None:
    safe = all(is_safe_path(text.encode("utf-8", "surrogateescape")) for text in {name, body})
    if not safe or _ELSEWHERE.match(body):
        raise UsageError(
            f"{shown} cannot be claimed: it leaves the repository, names .git, or no file system would take it",
            hint="give a path relative to the top of the repository",
        )


def _refuse_length(spelling: str, body: str, is_glob: bool) -> None:
    size = len(spelling.encode("utf-8", "surrogateescape"))
    if size > (MAX_GLOB_BYTES if is_glob else MAX_PATH_BYTES):
        limit = f"a claimed pattern is longer than {MAX_GLOB_BYTES} bytes"
        hint = "claim the folder instead"
        raise UsageError(limit if is_glob else f"a claimed path is longer than {MAX_PATH_BYTES} bytes", hint=hint)
    if is_glob and len(re.findall(r"\*+|\[", body)) > MAX_WILDCARDS:
        raise UsageError(f"more than {MAX_WILDCARDS} wildcards in one pattern", hint="claim the folder instead")


def _glob_spelling(path: str, body: str) -> str:
    segments: list[str] = []
    for segment in body.split("/"):
        plain = re.sub(r"(?<!\\)\*\*+", "*", segment) if segment != _BELOW else segment
        if (plain, segments[-1:]) != (_BELOW, [_BELOW]):
            segments.append(plain)
    if len(segments) == 1 and segments != [_BELOW]:
        segments.insert(0, _BELOW)
    only_below = path != body and segments[-1] != _BELOW
    return "/".join(segments) + ("/" if only_below else "")


def _plain_spelling(path: str, body: str) -> str:
    return _escaped(_unescaped(body)) + ("/" if path != body and _LIKE_A_FILE.search(body) else "")


def _escaped(name: str) -> str:
    """Return a name with a backslash before what would otherwise be a wildcard."""
    text = re.sub(r"[*?\\]", r"\\\g<0>", name)
    return re.sub(r"\[(?=[^/]*\])", r"\\[", text)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _has_wildcard(segment: str) -> bool:
    return any(not isinstance(token, str) for token in _tokens(segment))


def _literal_prefix(path: str) -> str:
    found: list[str] = []
    for segment in path.split("/"):
        for token in _tokens(segment):
            if not isinstance(token, str):
                return "".join(found)
            found.append(token)
        found.append("/")
    return "".join(found)


def _may_meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _has_name(plain: Pattern, path: str) -> bool:
    """Return whether a pattern without wildcards covers the path."""
    name = plain.name or ""
    return path == name or (not plain.is_file and path.startswith(name) and path[len(name)] == "/")


def _meets_glob(plain: Pattern, name: str, glob: str) -> bool:
    reader = _reader(glob)
    return reader.accepts(name) or (not plain.is_file and reader.reads(f"{name}/"))


@dataclass(frozen=True, slots=True)
class _Star:
    """Any number of characters."""


@dataclass(frozen=True, slots=True)
class _One:
    """One of these characters, or the literal text."""

    ranges: Ranges
    text: str


_Token = str | _Star | _One


def _tokens(segment: str) -> Iterator[_Token]:
    at = 0
    while at < len(segment):
        sign = segment[at]
        at += 1
        if sign == "\\" and at < len(segment):
            yield segment[at]
            at += 1
        elif sign == "*":
            yield _Star()
        elif sign == "?":
            yield _One(NOT_SLASH, "")
        elif sign == "[" and (end := _bracket_end(segment, at)):
            yield _One(_ranges(segment[at:end]), _unescaped(segment[at - 1 : end + 1]))
            at = end + 1
        else:
            yield sign


def _bracket_end(segment: str, at: int) -> int:
    """Return where the bracket expression that begins before `at` is closed, or 0."""
    if segment[at : at + 1] in ("!", "^"):
        at += 1
    first = at
    while at < len(segment):
        if segment[at] == "]" and at > first:
            return at
        at += 2 if segment[at] == "\\" else 1
    return 0


def _ranges(inside: str) -> Ranges:
    is_negated = inside[:1] in ("!", "^")
    signs = [match[1] or match[0] for match in re.finditer(r"\\(.)|.", inside[is_negated:], re.DOTALL)]
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(signs):
        last = at + 2 if signs[at + 1 : at + 2] == ["-"] and at + 2 < len(signs) else at
        found.append((ord(signs[at]), ord(signs[last])))
        at = last + 1
    return _without(NOT_SLASH, found) if is_negated else tuple((low, high) for low, high in found if low <= high)


def _without(ranges: Ranges, cut: Sequence[tuple[int, int]]) -> Ranges:
    rest = list(ranges)
    for low, high in cut:
        pieces = [[(a, min(b, low - 1)), (max(a, high + 1), b)] for a, b in rest]
        rest = [(a, b) for pair in pieces for a, b in pair if a <= b] if low <= high else rest
    return tuple(rest)


@lru_cache(maxsize=64)
def _reader(glob: str) -> Reader:
    """Return what reads paths with the glob: fewer are kept than automata, for each remembers some thousand moves."""
    return Reader(_automaton(glob))


@lru_cache(maxsize=2_000)
def _automaton(text: str) -> Automaton:
    """Return the automaton that reads the paths which the glob covers."""
    path = text.removeprefix("./")
    segments = [segment for segment in path.split("/") if segment]
    only_below = path.endswith("/")
    if segments[-1] == _BELOW:
        # Everything inside of what stands before; alone, everything.
        segments, only_below = (segments[:-1], True) if len(segments) > 1 else ([_BELOW, "*"], only_below)
    build = Builder()
    at = build.start
    for number, segment in enumerate(segments):
        if segment == _BELOW:
            build.fold_back(at)
        else:
            at = _add_segment(build, at, segment)
            at = build.read(at, SLASH) if number < len(segments) - 1 else at
    below = build.read(at, SLASH)
    inside = build.read(below, NOT_SLASH)
    build.edge(inside, NOT_SLASH, inside)
    build.edge(inside, SLASH, below)
    return build.finish({inside} if only_below else {at, inside})


def _add_segment(build: Builder, at: int, segment: str) -> int:
    tokens = list(_tokens(segment))
    if all(isinstance(token, _Star) for token in tokens):
        at = build.read(at, NOT_SLASH)  # a name has at least one character
    for token in tokens:
        if isinstance(token, str):
            at = build.read(at, ((ord(token), ord(token)),))
        elif isinstance(token, _Star):
            at = build.repeat(at, NOT_SLASH)
        else:
            following = build.read(at, tuple(_without_slash(token.ranges)))
            if token.text:
                build.spell(at, token.text, following)
            at = following
    return at


def _without_slash(ranges: Ranges) -> Ranges:
    return _without(ranges, [(ord("/"), ord("/"))])
