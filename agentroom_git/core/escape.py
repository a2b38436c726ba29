"""What others say, made safe to print on one line.

Everything that an agent, a file name or a commit message says passes through here before it reaches a terminal, a note
or a trailer: a newline could forge a record, an escape sequence could drive the terminal, a bidirectional override
could hide what a line says (CWE-150).
"""

import json
import unicodedata

# Cc control, Cf format (bidi, zero width), Cs surrogate, Co private, Zl and Zp line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape_char(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _safe_char(char: str) -> str:
    return char if unicodedata.category(char) not in _UNSAFE else _escape_char(char)


def one_line(text: str, limit: int = 0) -> str:
    """Return `text` on one line of printable characters; with a limit, cut to that many characters and marked `…`."""
    # What Python calls printable is none of those; a fold of sixty agents has as many lines of trailers.
    safe = text if text.isprintable() else "".join(map(_safe_char, text))
    return safe[: limit - 1] + "…" if limit and len(safe) > limit else safe


def path_text(path: bytes) -> str:
    """Return a repository path as printable text on one line; bytes that are not UTF-8 are shown as `\\xNN`."""
    return one_line(path.decode("utf-8", "backslashreplace"))


def quote_path(path: bytes) -> str:
    """Return the path on one line for `unquote_path`: as it is, or where that is not printable as JSON."""
    exact = path.decode("utf-8", "surrogateescape")
    return exact if exact == path_text(path) and not exact.startswith('"') else json.dumps(exact)


def unquote_path(text: str) -> bytes:
    """Return the path that `quote_path` wrote; what it cannot have written is a path as it is."""
    try:
        exact = json.loads(text) if text.startswith('"') else text
        return str(exact).encode("utf-8", "surrogateescape")
    except ValueError:
        return text.encode("utf-8", "replace")
