"""YAML as a configuration needs it, and no more."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml

from agentroom_git.core.escape import one_line


class PlainYamlError(Exception):
    """A text that is not plain YAML, and where."""


def load(data: bytes) -> Any:
    """Return the value of the text; raise `PlainYamlError`."""
    try:
        return yaml.load(data, Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
        # PyYAML lets the errors of int() and float() through as they are.
        raise PlainYamlError(_what_is_wrong(error)) from error


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, tags, dates and repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors are not taken here", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, f"the tag {event.tag} is not taken here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = next((key for key, count in keys.items() if count > 1), None)
        if twice is not None:
            text = f"the key {one_line(twice, 40)!r} is there twice"
            raise yaml.constructor.ConstructorError(None, None, text, node.start_mark)
        return super().construct_mapping(node, deep)


# A date stays the text that was written.
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _what_is_wrong(error: Exception) -> str:
    """Return the problem and its line: PyYAML's own text adds excerpts, which are of no use on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{one_line(error.problem, 200)} (line {error.problem_mark.line + 1})"
    return one_line(" ".join(str(error).split()), 200)
