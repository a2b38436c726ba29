"""What an agent's hook may answer without opening the repository, and the proof that it is still true.

A hook runs before and after every tool of an agent, so its usual answer, "go on", must not cost the start of libgit2.
The cache says what the agent's own claims and the others' were at a fingerprint of the refs that they depend on; a
fingerprint that differs makes the cache void.

Imports next to nothing on purpose: json, pathlib and dataclasses together take longer than Python's own start.
"""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

VERSION = 3
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
FAILED_OPEN = "failed-open.log"
# What core/shell.py knows to write, in any of its spellings: a command with none of these in it writes nothing it sees.
_WRITERS = (
    *(">", "git", "rm", "mv", "tee", "touch", "truncate", "unlink", "shred"),
    *("cp", "ln", "install", "rsync", "sed", "perl", "dd", "*** "),
)


class Seat:
    """Where a hook runs: whose worktree it is, and the folders that its answers depend on."""

    __slots__ = ("agent", "common_dir", "git_dir", "private", "room", "top")

    def __init__(self, top: str, git_dir: str, common_dir: str, room: str, agent: str) -> None:
        self.top = top
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.room = room
        self.agent = agent
        self.private = f"{common_dir}/agentroom/{room}"

    @property
    def failed_open(self) -> str:
        """Where is written down what failed, so that the agent went on unasked."""
        return f"{self.private}/hook/{FAILED_OPEN}"

    @property
    def cache(self) -> str:
        return f"{self.private}/hook/{self.agent}.json"


class Known:
    """What held at a fingerprint; `until` is in seconds since boot.

    `mine` are paths that the agent holds (None: an edit need not be claimed), `others` those that somebody else does,
    each as `names` joins them, for there may be thousands. `globs` are what else others hold: what every path of one
    begins with, then texts that each contains.
    """

    __slots__ = ("globs", "has_news", "level", "mine", "others", "until")

    def __init__(
        self,
        mine: str | None,
        others: str,
        globs: list[list[str]],
        level: str,
        has_news: bool,
        until: float,
    ) -> None:
        self.mine = mine
        self.others = others
        self.globs = globs
        self.level = level
        self.has_news = has_news
        self.until = until


def parse_json(text: str) -> "Any":
    """Parse JSON with the standard library's own scanner, without the regular expressions that its module compiles."""
    try:
        from _json import make_scanner  # noqa: PLC0415 - absent in other Pythons than CPython
    except ImportError:
        import json  # noqa: PLC0415 - the long way

        return json.loads(text)
    make: Any = make_scanner
    try:
        value, end = make(_Scanning)(text, 0)
    except StopIteration as error:
        raise ValueError("not JSON") from error
    if text[end:].strip():
        raise ValueError("more than one JSON value")
    return value


class _Scanning:
    """What the scanner wants to know of its caller."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner's own


def find_seat(start: str) -> Seat | None:
    """Return the agent's seat around a folder, or None outside an agent's worktree."""
    top = start
    while not os.path.exists(f"{top}/.git"):
        parent = os.path.dirname(top)
        if parent == top:
            return None
        top = parent
    try:
        git_dir = os.path.normpath(os.path.join(top, _read(f"{top}/.git").removeprefix("gitdir:").strip()))
        common = os.path.normpath(os.path.join(git_dir, _read(f"{git_dir}/commondir").strip()))
        identity = parse_json(_read(f"{git_dir}/agentroom-identity"))
        return Seat(top, git_dir, common, str(identity["room"]), str(identity["agent"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read(1_000_000)


def fingerprint(seat: Seat) -> list[str]:
    """Return what changes whenever a claim, an event or the configuration does."""
    refs = f"{seat.common_dir}/refs/agentroom/{seat.room}"
    names = ["claims", *sorted(f"log/{name}" for name in _listed(f"{refs}/log"))]
    tips = [f"{name} {_content(f'{refs}/{name}')}" for name in names if not name.endswith(".lock")]
    settings = f"{os.path.dirname(seat.common_dir)}/.agentroom.yaml"
    return [*tips, _status(f"{seat.common_dir}/packed-refs"), _status(settings)]


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _content(path: str) -> str:
    try:
        return _read(path).strip()
    except OSError:
        return ""


def _status(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "-"
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"


def read_known(seat: Seat) -> Known | None:
    """Return what is known, if it is proven to be true still."""
    try:
        header, _, held = _read(seat.cache).partition("\0")
        record = parse_json(header)
        if record["v"] != VERSION or record["fingerprint"] != fingerprint(seat) or now() >= record["until"]:
            return None
        if len(held) != record["size"]:
            return None
        mine, rest = record["mine"], (record[name] for name in ("globs", "level", "has_news", "until"))
        return Known(None if mine is None else held[:mine], held[mine or 0 :], *rest)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_known(seat: Seat, known: Known, at: list[str]) -> None:
    """Keep what was true at the fingerprint `at`, which was taken before it was looked up."""
    import json  # noqa: PLC0415 - only where something was learnt

    os.makedirs(os.path.dirname(seat.cache), exist_ok=True)
    record = {name: getattr(known, name) for name in ("globs", "level", "has_news", "until")}
    held = f"{known.mine or ''}{known.others}"
    mine = None if known.mine is None else len(known.mine)
    record |= {"v": VERSION, "fingerprint": at, "mine": mine, "size": len(held)}
    new = f"{seat.cache}.{os.getpid()}"
    with open(new, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(f"{json.dumps(record)}\0{held}")
    os.replace(new, seat.cache)


def may_write(command: str) -> bool:
    """Return whether the shell command could be one that is seen to write something, told by its words alone."""
    return any(word in command for word in _WRITERS)


def is_free(known: Known, seat: Seat, path: str) -> bool:
    """Return whether the file may be edited without a word: nobody else holds it, and it is claimed where it has to be.

    Told without the algebra of patterns: where a glob could cover the file, the answer is no.
    """
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(seat.top))
    if relative.startswith(".."):
        return False
    if known.mine is not None and not _is_below(relative, known.mine):
        return False
    return not _is_below(relative, known.others) and not any(_may_cover(glob, relative) for glob in known.globs)


def names(paths: "Iterable[str]") -> str:
    """Return the paths as one text, between NULs: to look through it for one takes less than to list thousands."""
    found = "\0".join(path for path in paths if _is_writable(path))
    return f"\0{found}\0" if found else ""


def _is_writable(path: str) -> bool:
    # No file has such a name.
    try:
        return bool(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False


def _is_below(path: str, held: str) -> bool:
    while path:
        if f"\0{path}\0" in held:
            return True
        path = path.rpartition("/")[0]
    return False


def _may_cover(glob: list[str], path: str) -> bool:
    return path.startswith(glob[0]) and all(text in path for text in glob[1:])


def now() -> float:
    """Return seconds since boot, as the claims' leases count them."""
    return time.clock_gettime(_SINCE_BOOT)
