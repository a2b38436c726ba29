"""Whether an agent that is about to end leaves work behind, and whether it is asked to go on.

Agents that are left alone with a hard task tend to leave a stub and stop. What is left is told to them, so many times
and no more: nothing here can keep an agent from ending for good.
"""

import posixpath
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

MAX_UNCHANGED = 2
"""How often an agent is asked to go on while it changes nothing."""
MAX_IN_ALL = 8
STUB_FILES = 2
"""At most so many changed source files make a stub, where the task names more."""
SHOWN = 5
SOURCES = frozenset(
    {
        "py", "pyi", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "go", "rs", "java", "kt", "kts",
        "scala", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "cs", "swift", "m", "mm", "rb", "php", "pl", "pm",
        "lua", "sh", "bash", "zsh", "sql", "html", "css", "scss", "less", "vue", "svelte", "ex", "exs", "erl",
        "hs", "ml", "mli", "clj", "cljs", "jl", "r", "dart", "zig", "nim", "proto", "graphql", "tf",
    }
)  # fmt: skip
# What is called like a file and is none.
_PRODUCTS = frozenset({"node.js", "next.js", "vue.js", "nuxt.js", "three.js", "d3.js", "express.js", "react.js"})
_NAMED = re.compile(r"(?<![\w:/.-])(?:\./)?((?:[\w.-]+/)*[\w-][\w.-]*\.([A-Za-z]{1,7}))(?![\w/])")
_COUNTED = re.compile(r"\b(\d{1,3})\s+(?:source\s+|code\s+|new\s+|different\s+)*(?:files|modules)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Work:
    """What an agent would leave behind. `tasks` are open ones of its own and `held` what it claims beside them;
    `wanted` is the text of its tasks, `changed` the files that it changed, `markers` the unimplemented ones it added.
    """

    tasks: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    wanted: str = ""
    changed: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepOn:
    """Ask the agent to go on; it was asked `count` times before."""

    count: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """Let the agent end, because of `reason`."""

    reason: str


def is_source(path: str) -> bool:
    """Return whether the path is that of a file of code, by its ending."""
    return posixpath.splitext(path)[1].lstrip(".").lower() in SOURCES


def named_files(text: str) -> tuple[str, ...]:
    """Return the source files that a task's text names, in order."""
    found = [match[1] for match in _NAMED.finditer(text) if match[2].lower() in SOURCES]
    return tuple(dict.fromkeys(name for name in found if name.lower() not in _PRODUCTS))


def counted_files(text: str) -> int:
    """Return the highest number of files that a task's text asks for in so many words, `at least 15 files`."""
    return max((int(match[1]) for match in _COUNTED.finditer(text)), default=0)


def left_undone(work: Work) -> tuple[str, ...]:
    """Return what is left, a sentence each; nothing where the work is done."""
    found = [f"task {task} is open" for task in work.tasks]
    if work.held:
        found.append(f"you still hold {_listed(work.held)}")
    found += _stub(work)
    if work.markers:
        found.append(f"you left unimplemented {_listed(work.markers)}")
    return tuple(found)


def _stub(work: Work) -> list[str]:
    sources = [path for path in work.changed if is_source(path)]
    named = named_files(work.wanted)
    count = max(len(named), counted_files(work.wanted))
    missing = [name for name in named if not any(_is_named(path, name) for path in work.changed)]
    if len(sources) > STUB_FILES or count <= len(sources) or (named and not missing):
        return []
    did = f"you changed {_listed(sources)}" if sources else "you changed no source file"
    if missing:
        return [f"the task names {_listed(missing)} as well; {did}"]
    return [f"the task asks for {count} files; {did}"]


def _is_named(path: str, name: str) -> bool:
    return path == name or path.endswith(f"/{name}")


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def decide(urges: Sequence[str], progress: str, *, is_again: bool) -> KeepOn | LetGo:
    """Decide about an agent with work left. `urges` are the fingerprints of its progress at each time it was asked to
    go on, oldest first, `progress` the present one; `is_again`: a stop hook has kept it from ending just now.
    """
    if is_again and not urges:
        return LetGo("another stop hook keeps it going already")
    if len(urges) >= MAX_IN_ALL:
        return LetGo(f"it was asked {MAX_IN_ALL} times to go on")
    unchanged = 0
    for before in reversed(urges):
        if before != progress:
            break
        unchanged += 1
    if unchanged >= MAX_UNCHANGED:
        return LetGo(f"it was asked {MAX_UNCHANGED} times to go on and changed nothing")
    return KeepOn(len(urges))
