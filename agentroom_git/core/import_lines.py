"""Three-way merge of Python's one-line imports: their names are a set, and who adds one contradicts nobody."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from agentroom_git.core.hunks import split_lines

T = TypeVar("T")

_NAME = rb"\w+(?:[ ]as[ ]\w+)?"
_FROM = re.compile(rb"([ \t]*from[ ]([\w.]+)[ ]import[ ])(" + _NAME + rb"(?:,[ ]" + _NAME + rb")*)(\r?\n)")
_PLAIN = re.compile(rb"([ \t]*import[ ]([\w.]+)(?:[ ]as[ ]\w+)?)()(\r?\n)")


@dataclass(frozen=True, slots=True)
class _Import:
    """A line: its text up to the names that it imports from a module; all of it for `import module`, and no name."""

    head: bytes
    module: bytes
    names: tuple[bytes, ...]
    end: bytes

    @property
    def line(self) -> bytes:
        return self.head + b", ".join(self.names) + self.end


def _by_module(one: _Import) -> bytes:
    return one.module.lower()


def _by_kind(one: _Import) -> tuple[bool, bytes]:
    return one.head.lstrip().startswith(b"from"), one.module.lower()


def merge_imports(base: bytes, sides: Sequence[bytes]) -> bytes | None:
    """Apply all sides' changes of what the lines import; None where a text is anything but imports of one line each.

    Names and lines that are sorted in all texts are sorted in the result; else what is new comes last. None, too,
    where one side drops a line whose names another changes.
    """
    texts = [_read(text) for text in (base, *sorted(sides))]
    if not all(texts):
        return None
    before, *after = texts
    merged: list[_Import] = []
    for head in dict.fromkeys(head for text in texts for head in text):
        old, new = before.get(head), [text.get(head) for text in after]
        if old is None or None not in new:
            known = [one for one in new if one is not None]
            names = _merge_names(old.names if old else (), [one.names for one in known])
            merged += [replace(known[0], names=names)] if names else []
        elif any(one not in (None, old) for one in new):
            return None
    lines = [list(text.values()) for text in texts]
    return b"".join(one.line for one in _sorted_alike(merged, lines, (_by_kind, _by_module)))


def _read(text: bytes) -> dict[bytes, _Import]:
    """Return the imports by what stands before their names, none where there is anything else, or one of them twice."""
    found: dict[bytes, _Import] = {}
    for line in split_lines(text):
        match = _FROM.fullmatch(line) or _PLAIN.fullmatch(line)
        if match is None or match[1] in found:
            return {}
        names = tuple(match[3].split(b", "))
        if len(set(names)) < len(names):
            return {}
        found[match[1]] = _Import(match[1], match[2], names, match[4])
    return found


def _merge_names(old: tuple[bytes, ...], sides: Sequence[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    gone = {name for name in old if any(name not in names for names in sides)}
    together = dict.fromkeys(name for names in (old, *sides) for name in names if name not in gone)
    return tuple(_sorted_alike(list(together), (old, *sides), (bytes, bytes.lower)))


def _sorted_alike(items: list[T], texts: Iterable[Sequence[T]], orders: Sequence[Callable[[T], Any]]) -> list[T]:
    """Return the items in the first order in which those of all texts stand, as they are where there is none."""
    given = list(texts)
    found = (key for key in orders if all(list(text) == sorted(text, key=key) for text in given))
    key = next(found, None)
    return items if key is None else sorted(items, key=key)
