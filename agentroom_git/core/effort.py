"""Which texts take more work to judge than any real one: told beforehand, by counting and never by a clock.

A parser's time may grow with the square of a text's length, or double with each level of nesting. A clock would judge
one text differently on two machines, which would then merge it differently.
"""

import ast
import re

from agentroom_git.core.tokens import split_words

MAX_BYTES = 1_000_000

MAX_WORDS = 40_000
"""As many as some 200,000 bytes of code have; a longer text takes seconds where it is not code at all."""

MAX_SCOPES = 2_000
"""How many functions, classes and comprehensions: Python compares each one's code with the others'."""

MAX_CLEANUPS = 4
"""How deep `finally` in `finally` may be: Python compiles what stands in the innermost twice for each."""

MAX_DEPTH = 200
"""How deep brackets may be nested, or the keys of TOML."""

_SCOPE = re.compile(rb"\b(?:def|class|lambda|for)\b")
_BRACKET = re.compile(rb"[][(){}<>;]")
_KEY = rb"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_KEYS = re.compile(_KEY + rb"(?:[ \t]*+\.[ \t]*+" + _KEY + rb")*+")


def is_long(text: bytes) -> bool:
    """Tell whether the text has too many bytes or words for a parser of code."""
    return len(text) > MAX_BYTES or (len(text) > MAX_WORDS and len(split_words(text)) > MAX_WORDS)


def has_many_scopes(text: bytes) -> bool:
    """Tell whether a Python text defines more functions, classes and comprehensions than can be compiled in time."""
    return len(_SCOPE.findall(text)) > MAX_SCOPES


def has_deep_cleanups(text: bytes, tree: ast.AST) -> bool:
    """Tell whether `finally` stands in `finally` too often in a Python text, whose tree is given."""
    if text.count(b"finally") <= MAX_CLEANUPS:
        return False
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_CLEANUPS:
            return True
        final = getattr(node, "finalbody", [])
        waiting += [(child, depth + (child in final)) for child in ast.iter_child_nodes(node)]
    return False


def has_deep_brackets(text: bytes) -> bool:
    """Tell whether brackets of any kind are nested too deep; those that nothing opened or closed count, too."""
    depth = angles = 0
    for found in _BRACKET.finditer(text):
        sign = found[0]
        if sign in b"<>":
            # A comparison opens nothing: what is left open ends with the statement.
            angles = max(0, angles + (1 if sign == b"<" else -1))
        else:
            angles = 0 if sign in b";{}" else angles
            depth = max(0, depth + (1 if sign in b"([{" else -1 if sign in b")]}" else 0))
        if depth + angles > MAX_DEPTH:
            return True
    return False


def has_deep_keys(text: bytes) -> bool:
    """Tell whether a dotted key of a TOML text has too many parts."""
    return any(found[0].count(b".") > MAX_DEPTH for found in _KEYS.finditer(text))
