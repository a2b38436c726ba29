"""Which texts are well-formed: the guard that a merge of contested regions is held to.

A guard says nothing about meaning. It judges by a fixed grammar, since two machines that judged one text differently
would merge it differently.
"""

import ast
import json
import re
import tomllib
import warnings

from agentroom_git.core.drafts import Parses

MAX_BYTES = 1_000_000
"""Longer texts are not judged."""

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
    return _is_prose if guard is None and _PROSE.fullmatch(name) else guard


def is_python(text: bytes) -> bool:
    """Whether the text compiles as a Python module; nothing of it is run."""
    if len(text) > MAX_BYTES:
        return True
    with warnings.catch_warnings():
        # An invalid escape sequence is a warning about the agents' text, not about this program.
        warnings.simplefilter("ignore")
        try:
            compile(ast.parse(text, feature_version=GRAMMAR), "<merge>", "exec", dont_inherit=True)
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
    """Whether the text loads as TOML, which forbids naming a key twice."""
    if len(text) > MAX_BYTES:
        return True
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


_GUARDS: dict[str, Parses] = {"py": is_python, "pyi": is_python, "json": is_json, "toml": is_toml}
