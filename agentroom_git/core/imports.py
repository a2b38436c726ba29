"""Which files of the repository a file imports, as candidates: judged by the text alone, resolved by who has the tree.

Python by its own parser; JavaScript, TypeScript and Go by tree-sitter. Packages that are installed resolve to nothing.
"""

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from posixpath import dirname, join, normpath, splitext

MAX_BYTES = 100_000
_LANGUAGES = {
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
}  # fmt: skip
_SCRIPTS = tuple(_LANGUAGES)
_GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)

Read = Callable[[str], str | None]
"""Returns the text of a file, or None where there is none of that name."""


def imported(path: str, text: str, read: Read) -> frozenset[str]:
    """Return the files that the file imports; for Go, the folders of its packages."""
    if len(text) > MAX_BYTES:
        return frozenset()
    if path.endswith(".py"):
        return frozenset(_python(path, text, read))
    if path.endswith(_SCRIPTS):
        return frozenset(_scripts(path, text, read))
    return frozenset(_go(path, text, read)) if path.endswith(".go") else frozenset()


def _find_imports(language: str, text: bytes) -> Iterator[str]:
    # Few claims need it, and every command would wait for tree-sitter.
    from agentroom_git.core.syntax import find_imports  # noqa: PLC0415

    return find_imports(language, text)


def _python(path: str, text: str, read: Read) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(list(_roots(path, read)), alias.name.split("."), read)
        elif isinstance(node, ast.ImportFrom):
            folder = dirname(path)
            for _ in range(node.level - 1):
                folder = dirname(folder)
            roots = [folder] if node.level else list(_roots(path, read))
            base = node.module.split(".") if node.module else []
            for alias in node.names:
                # What is imported may be a module of the package, or a name inside of it.
                yield from _module(roots, [*base, alias.name], read)


def _roots(path: str, read: Read) -> Iterator[str]:
    """Return where absolute imports may begin: the folders above that are no packages, the nearest first."""
    folder = path
    while folder:
        folder = dirname(folder)
        if not folder or read(join(folder, "__init__.py")) is None:
            yield folder


def _module(roots: list[str], parts: list[str], read: Read) -> Iterator[str]:
    for length in (len(parts), len(parts) - 1):
        for root in roots:
            stem = join(root, *parts[:length])
            for candidate in (f"{stem}.py", join(stem, "__init__.py")):
                if stem and read(candidate) is not None:
                    yield candidate
                    return


def _scripts(path: str, text: str, read: Read) -> Iterator[str]:
    language = _LANGUAGES[splitext(path)[1]]
    for name in _find_imports(language, text.encode()):
        if not name.startswith(("./", "../")):
            continue
        stem = normpath(join(dirname(path), name))
        bare = re.sub(r"\.[cm]?jsx?$", "", stem)  # TypeScript names the file that it will become
        endings = [f"{base}{ending}" for base in dict.fromkeys((stem, bare)) for ending in _SCRIPTS]
        candidates = (stem, *endings, *(f"{stem}/index{ending}" for ending in _SCRIPTS))
        found = next((one for one in candidates if not one.startswith("..") and read(one) is not None), None)
        if found is not None:
            yield found


def _go(path: str, text: str, read: Read) -> Iterator[str]:
    folder = dirname(path)
    while (module := read(join(folder, "go.mod"))) is None and folder:
        folder = dirname(folder)
    name = _GO_MODULE.search(module or "")
    if name is None:
        return
    for package in _find_imports("go", text.encode()):
        if package.startswith(f"{name[1]}/"):
            yield join(folder, package.removeprefix(f"{name[1]}/"))
