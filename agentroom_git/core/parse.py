"""Which texts are well-formed: the guard that a merge of contested regions is held to.

A guard says nothing about meaning. It judges by a fixed grammar, since two machines that judged one text differently
would merge it differently.
"""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

from agentroom_git.core.drafts import Parses
from agentroom_git.core.effort import MAX_BYTES, has_deep_cleanups, has_deep_keys, has_many_scopes, is_long

MAX_REMEMBERED = 10_000
"""How many verdicts of each language are kept."""

GRAMMAR = (3, 11)
"""The oldest Python that runs the project. Only its f-strings are judged by the Python that runs (PEP 701)."""

_PROSE = re.compile(r"(authors|change(s|log)|contributors|history|news|readme)(\..*)?|.*\.(md|markdown|rst|txt)", re.I)


def guard_for(path: str) -> Parses | None:
    """Return what tells whether the text at a path is well-formed, None for a language that nothing here can judge.

    Prose always is. Whatever its size and content, no text makes a guard raise.
    """
    name = path.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    guard = _GUARDS.get(suffix.lower()) if stem else None
    if guard is None:
        return _is_prose if _PROSE.fullmatch(name) else None
    return guard


def guard_of_merge(path: str, sides: Sequence[bytes]) -> Parses | None:
    """Return what tells whether a merge of these versions is well-formed: as `guard_for`, but errors that they have
    already do no harm where a grammar finds errors one by one."""
    guard = guard_for(path)
    language = _language(path)
    return guard if guard is None or language is None else _NoNewErrors(language, guard, tuple(sides))


def is_python(text: bytes) -> bool:
    """Whether the text compiles as a Python module; nothing of it is run."""
    if is_long(text) or has_many_scopes(text):
        return True
    with warnings.catch_warnings():
        # An invalid escape sequence is a warning about the agents' text, not about this program.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text, feature_version=GRAMMAR)
            if has_deep_cleanups(text, tree):
                return False
            compile(tree, "<merge>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


def is_json(text: bytes) -> bool:
    """Whether the text loads as JSON and no object names a key twice."""
    if len(text) > MAX_BYTES:
        return True
    try:
        json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        return False
    return True


def is_toml(text: bytes) -> bool:
    """Whether the text loads as TOML, which forbids naming a key twice; keys of too many parts are refused."""
    if is_long(text):
        return True
    if has_deep_keys(text):
        return False
    try:
        tomllib.loads(text.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is named twice")
    return found


def _is_prose(text: bytes) -> bool:
    return True


def is_yaml(text: bytes) -> bool:
    """Whether the text is well-formed YAML and no mapping names a key twice."""
    if is_long(text):
        return True
    # Imported here, as the next one: most merges need neither, and start-up is paid by every command.
    from agentroom_git.core.yaml_text import is_well_formed  # noqa: PLC0415

    return is_well_formed(text)


def _is_free_of_errors(language: str, text: bytes) -> bool:
    if is_long(text):
        return True
    from agentroom_git.core.syntax import find_errors  # noqa: PLC0415

    return find_errors(language, text).is_free


@dataclass(slots=True)
class _Remembered:
    """A guard that judges each content once; the memory never changes an answer."""

    judge: Parses
    known: dict[bytes, bool] = field(default_factory=dict)

    def __call__(self, text: bytes) -> bool:
        digest = blake2b(text, digest_size=20).digest()
        if digest not in self.known:
            if len(self.known) >= MAX_REMEMBERED:
                self.known.clear()
            self.known[digest] = self.judge(text)
        return self.known[digest]


@dataclass(frozen=True, slots=True)
class _NoNewErrors:
    """Whether a text is free of errors, or has only such as the sides of the merge have."""

    language: str
    is_free: Parses
    sides: tuple[bytes, ...]

    def __call__(self, text: bytes) -> bool:
        if text in self.sides or self.is_free(text):
            return True
        flawed = [side for side in self.sides if not self.is_free(side)]
        from agentroom_git.core.syntax import find_errors  # noqa: PLC0415

        allowed = [find_errors(self.language, side) for side in flawed]
        return bool(allowed) and find_errors(self.language, text).are_within(allowed)


def _language(path: str) -> str | None:
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    return _SUFFIXES.get(suffix.lower()) if stem else None


_SUFFIXES = {
    **dict.fromkeys(("js", "mjs", "cjs", "jsx"), "javascript"),
    **dict.fromkeys(("ts", "mts", "cts"), "typescript"),
    "tsx": "tsx",
    "go": "go",
    "rs": "rust",
    "java": "java",
    "c": "c",
    # C++ reads nearly all of C, and a header does not say which of them it is.
    **dict.fromkeys(("h", "cc", "cpp", "cxx", "hh", "hpp", "hxx"), "cpp"),
}
"""What tree-sitter judges, by the suffix of the file's name."""

_JUDGES: dict[str, Parses] = {
    **dict.fromkeys(("py", "pyi"), is_python),
    "json": is_json,
    "toml": is_toml,
    **dict.fromkeys(("yaml", "yml"), is_yaml),
    **{suffix: partial(_is_free_of_errors, language) for suffix, language in _SUFFIXES.items()},
}

_GUARDS: dict[str, Parses] = {suffix: _Remembered(judge) for suffix, judge in _JUDGES.items()}
