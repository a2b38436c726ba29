"""Which texts are well-formed YAML, judged by its events: nothing is constructed, no alias is expanded.

So neither a tag that only some program knows nor a few lines of aliases of aliases can do any harm, and the depth of
nesting is no recursion here.
"""

from dataclasses import dataclass, field

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_KEY = "<<"

MAX_DEPTH = 200
"""Deeper nesting is refused: the scanner's time grows with the square of it."""


def is_well_formed(text: bytes) -> bool:
    """Tell whether the text is a stream of YAML documents in which no mapping names a key twice."""
    reading = _Reading()
    try:
        return all(reading.accepts(event) for event in yaml.parse(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return False


@dataclass(slots=True)
class _Open:
    """A collection that has not ended: a mapping with its keys so far and whether a key comes next, or a sequence."""

    is_mapping: bool
    keys: set[str] = field(default_factory=set)
    at_key: bool = True


@dataclass(slots=True)
class _Reading:
    anchors: set[str] = field(default_factory=set)
    open: list[_Open] = field(default_factory=list)

    def accepts(self, event: yaml.Event) -> bool:
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self._turn()
        elif isinstance(event, yaml.AliasEvent):
            self._turn()
            return event.anchor in self.anchors
        elif isinstance(event, yaml.NodeEvent):
            return self._enter(event)
        return True

    def _enter(self, event: yaml.NodeEvent) -> bool:
        if event.anchor is not None:
            self.anchors.add(event.anchor)
        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append(_Open(isinstance(event, yaml.MappingStartEvent)))
            return len(self.open) <= MAX_DEPTH
        is_new = self._is_new(event.value) if isinstance(event, yaml.ScalarEvent) else True
        self._turn()
        return is_new

    def _is_new(self, value: str) -> bool:
        inner = self.open[-1] if self.open else None
        if inner is None or not inner.is_mapping or not inner.at_key or value == _MERGE_KEY:
            return True
        is_new = value not in inner.keys
        inner.keys.add(value)
        return is_new

    def _turn(self) -> None:
        """After a key comes its value, after the value the next key."""
        if self.open:
            self.open[-1].at_key = not self.open[-1].at_key
