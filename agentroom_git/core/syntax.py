"""What tree-sitter's syntax trees tell of a text: whether it is well-formed, and what it imports.

A text is well-formed where its tree has no error.

A grammar may lag behind its language, or not know what a preprocessor makes of it, so that a file that compiles has
errors here. So a merge is held to having no more errors than its sides have. The grammars' versions are pinned in
pyproject.toml: two machines that judged one text differently would merge it differently.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from tree_sitter import Language, Node, Parser

LANGUAGES = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
}

MAX_ERRORS = 1000
"""A text with more errors is not code in that language, and is not judged."""


def has_errors(language: str, text: bytes) -> bool:
    """Tell whether the text's syntax tree has an error, or a token that had to be made up."""
    return _parser(language).parse(text).root_node.has_error


@dataclass(frozen=True, slots=True)
class Errors:
    """The kinds of a text's errors: what is wrong and in what it stands, with their number."""

    kinds: Counter[tuple[str, str]]

    @classmethod
    def read(cls, language: str, text: bytes) -> "Errors":
        found: Counter[tuple[str, str]] = Counter()
        for node in _error_nodes(_parser(language).parse(text).root_node):
            found[
                f"missing {node.type}" if node.is_missing else node.type, node.parent.type if node.parent else ""
            ] += 1
        return cls(found)

    def are_within(self, allowed: Sequence["Errors"]) -> bool:
        """Tell whether the allowed texts together have each of these errors."""
        together: Counter[tuple[str, str]] = Counter()
        for one in allowed:
            together.update(one.kinds)
        return self.kinds <= together or together.total() >= MAX_ERRORS


def _error_nodes(root: Node) -> Iterator[Node]:
    # A list and not recursion: a tree may be deeper than Python's stack.
    waiting = [root]
    count = 0
    while waiting and count < MAX_ERRORS:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            count += 1
            yield node
        elif node.has_error:
            waiting += [child for child in node.children if child.has_error]


def find_imports(language: str, text: bytes) -> Iterator[str]:
    """Yield what a JavaScript, TypeScript or Go text imports, as the text names it, wherever it stands in the text."""
    waiting = [_parser(language).parse(text).root_node]
    while waiting:
        node = waiting.pop()
        named = _imported_by(node)
        if named is not None and len(named.text or b"") > 2:
            yield (named.text or b"")[1:-1].decode("utf-8", "replace")
        else:
            waiting += reversed(node.named_children)


def _imported_by(node: Node) -> Node | None:
    """Return the string literal that names what this node imports, or None where it imports nothing."""
    if node.type == "import_spec":
        return node.child_by_field_name("path")
    if node.type in ("import_statement", "export_statement"):
        return node.child_by_field_name("source")
    if node.type != "call_expression":
        return None
    callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if callee is None or arguments is None or callee.text not in (b"import", b"require"):
        return None
    first = next(iter(arguments.named_children), None)
    return first if first is not None and first.type == "string" else None


@cache
def _parser(language: str) -> Parser:
    module, name = LANGUAGES[language]
    return Parser(Language(getattr(import_module(module), name)()))
