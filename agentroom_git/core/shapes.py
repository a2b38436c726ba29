"""What kind of list a region of code is, told cheaply: by its lines and by the bracket that it stands in.

For reports only; no merge depends on it.
"""

import re
from collections.abc import Sequence

IMPORTS, ARGUMENTS, MEMBERS, CHANGELOG, OTHER = "imports", "arguments", "members", "changelog", "other"

MAX_LINES = 200
"""How far back the bracket that a region stands in is looked for."""

_CHANGELOG = re.compile(r"(.*[/_-])?(change(s|log)|history|news|release[-_]?notes?)([._-].*)?", re.I)
_IMPORT = re.compile(
    rb"\s*(import\b|from\s+\S+\s+import\b|use\s|#\s*include\b|export\s.*\bfrom\b|require\b|package\s"
    rb"|(const|let|var)\s.*=\s*require\(|\"[\w./-]+\"$)"
)
_OPENING, _CLOSING = b"([{", b")]}"


def shape_of(path: str, before: Sequence[bytes], texts: Sequence[bytes]) -> str:
    """Return the kind of a region with these lines before it in the base, and these texts in base and sides."""
    if _CHANGELOG.fullmatch(path.rpartition("/")[2]):
        return CHANGELOG
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    if lines and all(_IMPORT.match(line) for line in lines):
        return IMPORTS
    if lines and sum(line.endswith((b",", b"(", b"[", b"{")) for line in lines) * 2 >= len(lines):
        return {b"(": ARGUMENTS, b"[": MEMBERS, b"{": MEMBERS}.get(_open_bracket(before), OTHER)
    return OTHER


def _open_bracket(before: Sequence[bytes]) -> bytes:
    depth = 0
    for line in reversed(before[-MAX_LINES:]):
        for place in range(len(line) - 1, -1, -1):
            byte = line[place : place + 1]
            if byte in _CLOSING:
                depth += 1
            elif byte in _OPENING:
                if not depth:
                    return byte
                depth -= 1
    return b""
