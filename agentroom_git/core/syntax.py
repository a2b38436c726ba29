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
from hashlib import blake2b
from importlib import import_module

from tree_sitter import Language, Node, Parser

from agentroom_git.core.effort import has_deep_brackets

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


MAX_REMEMBERED = 10_000
"""How many texts' errors are kept."""

REPORTS = 1000
REPORTS_A_BYTE = 0.1
"""How often a parser may report progress, which it does every hundred steps: ten times as often as for real code."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The kinds of a text's errors: what is wrong and in what it stands, with their number.

    They are not known of a text that takes more work to parse than any real one.
    """

    kinds: Counter[tuple[str, str]]
    are_known: bool = True

    @classmethod
    def read(cls, language: str, text: bytes) -> "Errors":
        root = _parse(language, text)
        return cls(Counter(), are_known=False) if root is None else cls(Counter(_kinds(root)))

    @property
    def is_free(self) -> bool:
        """Whether the text has no error, nor a token that had to be made up."""
        return self.are_known and not self.kinds

    @property
    def are_countless(self) -> bool:
        """Whether the text is not code in that language, so that its errors say nothing."""
        return not self.are_known or self.kinds.total() >= MAX_ERRORS

    def are_within(self, allowed: Sequence["Errors"]) -> bool:
        """Tell whether the allowed texts together have each of these errors."""
        together: Counter[tuple[str, str]] = Counter()
        for one in allowed:
            together.update(one.kinds)
        is_lax = any(one.are_countless for one in allowed) or together.total() >= MAX_ERRORS
        return is_lax or (self.are_known and self.kinds <= together)


def find_errors(language: str, text: bytes) -> Errors:
    """Return the text's errors; they are found once and remembered, which changes no answer."""
    digest = (language, blake2b(text, digest_size=20).digest())
    if digest not in _known:
        if len(_known) >= MAX_REMEMBERED:
            _known.clear()
        _known[digest] = Errors.read(language, text)
    return _known[digest]


_known: dict[tuple[str, bytes], Errors] = {}


def _kinds(root: Node) -> Iterator[tuple[str, str]]:
    # A list and not recursion, nor a node's own way to its parent: a tree may be deeper than any stack.
    waiting = [(root, "")]
    count = 0
    while waiting and count < MAX_ERRORS:
        node, parent = waiting.pop()
        if node.is_error or node.is_missing:
            count += 1
            yield f"missing {node.type}" if node.is_missing else node.type, parent
        elif node.has_error:
            waiting += [(child, node.type) for child in node.children if child.has_error]


def find_imports(language: str, text: bytes) -> Iterator[str]:
    """Yield what a JavaScript, TypeScript or Go text imports, as the text names it, wherever it stands in the text."""
    root = _parse(language, text)
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        named = _imported_by(node, text)
        if named is not None and named.end_byte - named.start_byte > 2:
            yield text[named.start_byte + 1 : named.end_byte - 1].decode("utf-8", "replace")
        else:
            waiting += reversed(node.named_children)


def _imported_by(node: Node, text: bytes) -> Node | None:
    """Return the string literal that names what this node imports, or None where it imports nothing."""
    if node.type == "import_spec":
        return node.child_by_field_name("path")
    if node.type in ("import_statement", "export_statement"):
        return node.child_by_field_name("source")
    if node.type != "call_expression":
        return None
    callee, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if callee is None or arguments is None or text[callee.start_byte : callee.end_byte] not in (b"import", b"require"):
        return None
    first = next(iter(arguments.named_children), None)
    return first if first is not None and first.type == "string" else None


def _parse(language: str, text: bytes) -> Node | None:
    """Return the root of the text's tree, None where finding it takes too much work.

    The tree does not know its text: `Node.text` would crash.
    """
    if has_deep_brackets(text):
        return None
    parser = _parser(language)
    left = REPORTS + int(REPORTS_A_BYTE * len(text))

    def is_over(offset: int, has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    try:
        return parser.parse(lambda offset, point: text[offset:], progress_callback=is_over).root_node
    except ValueError:
        # So it says that it was stopped; it would go on there with the next text.
        parser.reset()
        return None


@cache
def _parser(language: str) -> Parser:
    module, name = LANGUAGES[language]
    return Parser(Language(getattr(import_module(module), name)()))
