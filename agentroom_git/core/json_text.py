"""Editing a JSON text in place: what is not touched keeps its comments, order, white space and number formats.

Takes what editors' settings files are written in, too: `//` and `/* */` comments and trailing commas.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentroom_git.errors import UsageError

MAX_DEPTH = 100
_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_ATOM = re.compile(r"[-+.\w]+")


class JsonTextError(UsageError):
    """A text that is not JSON, or in which something else stands where an object or a list belongs."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. `parts` are the members of an object or the items of a list, in order."""

    start: int
    end: int
    kind: str
    parts: tuple["Part", ...] = ()
    has_trailing_comma: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A member with its key, or an item without one; `start` is where it begins."""

    start: int
    value: Node
    key: str | None = None


def load(text: str) -> Any:
    """Return what the text says, comments and trailing commas left out; an empty text is an empty object."""
    root = _parse(text)
    return _value(text, root)


def put(text: str, path: Sequence[str], value: object) -> str:
    """Set the member at the path, with the objects on the way to it."""
    text = text if text.strip() else "{}\n"
    node, missing = _descend(_parse(text), path)
    if not missing:
        return text[: node.start] + _written(text, node.start, value) + text[node.end :]
    if node.kind != "{":
        raise JsonTextError(f"{path[len(path) - len(missing) - 1]!r} is not an object", hint="correct it by hand")
    for key in reversed(missing[1:]):
        value = {key: value}
    return _insert(text, node, value, key=missing[0])


def add(text: str, path: Sequence[str], item: object) -> str:
    """Add the item to the list at the path unless it is there; the list is made where there is none."""
    text = text if text.strip() else "{}\n"
    node, missing = _descend(_parse(text), path)
    if missing:
        return put(text, path, [item])
    if node.kind != "[":
        raise JsonTextError(f"{path[-1]!r} is not a list", hint="correct it by hand")
    if item in _value(text, node):
        return text
    return _insert(text, node, item)


def take(text: str, path: Sequence[str]) -> str:
    """Remove the member at the path, and the objects on the way to it that this leaves empty."""
    found = _parts_to(_parse(text), path)
    return text if len(found) < len(path) else _take_innermost(text, path)


def take_items(text: str, path: Sequence[str], is_ours: Callable[[Any], bool]) -> str:
    """Remove the items of the list at the path that are ours, and the list itself where none is left."""
    node, missing = _descend(_parse(text), path)
    if missing or node.kind != "[":
        return text
    for index in range(len(node.parts) - 1, -1, -1):
        if is_ours(_value(text, node.parts[index].value)):
            text = _cut(text, node, index)
            node, _ = _descend(_parse(text), path)
    return text if node.parts else _take_innermost(text, path)


def _take_innermost(text: str, path: Sequence[str]) -> str:
    for length in range(len(path), 0, -1):
        parent, _ = _descend(_parse(text), path[: length - 1])
        index = next(number for number, part in enumerate(parent.parts) if part.key == path[length - 1])
        text = _cut(text, parent, index)
        parent, _ = _descend(_parse(text), path[: length - 1])
        if parent.parts:
            break
    return text


def _descend(root: Node, path: Sequence[str]) -> tuple[Node, Sequence[str]]:
    """Return the innermost node on the path that is there, and the keys that are missing below it."""
    found = _parts_to(root, path)
    return (found[-1].value if found else root), path[len(found) :]


def _parts_to(root: Node, path: Sequence[str]) -> list[Part]:
    found: list[Part] = []
    node = root
    for key in path:
        part = next((one for one in node.parts if one.key == key), None)
        if part is None:
            break
        found.append(part)
        node = part.value
    return found


def _insert(text: str, node: Node, value: object, *, key: str | None = None) -> str:
    """Put a part at the end of an object or list, laid out as its neighbours are."""
    prefix = f"{json.dumps(key, ensure_ascii=False)}: " if key is not None else ""
    is_spread = "\n" in text[node.start : node.end] or not node.parts
    outer = _indent_at(text, node.start)
    inner = _indent_at(text, node.parts[0].start) if node.parts and is_spread else outer + _unit(text)
    new = prefix + _dumped(value, inner if is_spread else outer, _unit(text))
    if node.parts:
        at = node.parts[-1].value.end
        comma = "" if node.has_trailing_comma else ","
        if node.has_trailing_comma:
            at = text.index(",", at) + 1
        return f"{text[:at]}{comma}\n{inner}{new}{text[at:]}" if is_spread else f"{text[:at]}{comma} {new}{text[at:]}"
    at = node.start + 1
    rest = text[at : node.end - 1].rstrip()
    return f"{text[:at]}{rest}\n{inner}{new}\n{outer}{text[node.end - 1 :]}"


def _cut(text: str, node: Node, index: int) -> str:
    """Remove a part with the comma that set it off."""
    part = node.parts[index]
    if index > 0:
        return text[: node.parts[index - 1].value.end] + text[part.value.end :]
    if len(node.parts) > 1:
        return text[: part.start] + text[node.parts[1].start :]
    end = text.index(",", part.value.end) + 1 if node.has_trailing_comma else part.value.end
    between = text[node.start + 1 : part.start].rstrip() + text[end : node.end - 1].rstrip()
    return text[: node.start + 1] + between + ("\n" if between else "") + text[node.end - 1 :]


def _indent_at(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _written(text: str, at: int, value: object) -> str:
    return _dumped(value, _indent_at(text, at), _unit(text))


def _dumped(value: object, indent: str, unit: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")


def _value(text: str, node: Node) -> Any:
    if node.kind == "{":
        return {part.key: _value(text, part.value) for part in node.parts}
    if node.kind == "[":
        return [_value(text, part.value) for part in node.parts]
    return json.loads(text[node.start : node.end])


def _parse(text: str) -> Node:
    if not text.strip():
        return Node(0, 0, "{")
    node = _node(text, _skip(text, 0), 0)
    rest = _skip(text, node.end)
    if rest != len(text):
        raise _error(text, rest)
    if node.kind != "{":
        raise JsonTextError("it is no JSON object", hint="correct it by hand, or move it away")
    return node


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _node(text: str, at: int, depth: int) -> Node:
    opening = text[at : at + 1]
    if opening in ("{", "["):
        return _container(text, at, depth)
    found = _STRING.match(text, at) or _ATOM.match(text, at)
    if found is None:
        raise _error(text, at)
    try:
        json.loads(found[0])
    except ValueError as error:
        raise _error(text, at) from error
    return Node(at, found.end(), "value")


def _container(text: str, start: int, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise _error(text, start)
    kind = text[start]
    closing = "}" if kind == "{" else "]"
    parts: list[Part] = []
    at, has_comma = _skip(text, start + 1), True
    while text[at : at + 1] != closing:
        if not has_comma:
            raise _error(text, at)
        part = _member(text, at, depth) if kind == "{" else Part(at, _node(text, at, depth + 1))
        parts.append(part)
        at = _skip(text, part.value.end)
        has_comma = text[at : at + 1] == ","
        at = _skip(text, at + 1) if has_comma else at
    return Node(start, at + 1, kind, tuple(parts), has_comma and bool(parts))


def _member(text: str, at: int, depth: int) -> Part:
    key = _STRING.match(text, at)
    colon = _skip(text, key.end()) if key else at
    if key is None or text[colon : colon + 1] != ":":
        raise _error(text, at)
    try:
        name = json.loads(key[0])
    except ValueError as error:
        raise _error(text, at) from error
    return Part(at, _node(text, _skip(text, colon + 1), depth + 1), name)


def _error(text: str, at: int) -> JsonTextError:
    line = text.count("\n", 0, at) + 1
    return JsonTextError(f"it is not JSON: line {line}", hint="correct it by hand, or move it away")
