"""`.agentroom.yaml`, parsed once into a frozen value.

It is read from the user's own checkout only: agents can edit the copies in their worktrees, and it names commands. Only
plain YAML is taken: no tags, anchors or repeated keys, so that a small file stays small in memory.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from agentroom_git.core.claims import DEFAULT_TTL, MAX_TTL, MIN_TTL
from agentroom_git.core.ids import RoomName, parse_room
from agentroom_git.errors import UsageError
from agentroom_git.room.roster import parse_roster

FILE_NAME = ".agentroom.yaml"
MAX_BYTES = 64 * 1024
MAX_SETUP_SECONDS = 24 * 3600
MAX_QUIET_SECONDS = 3600

# What git-check-ref-format(1) refuses in the name of a branch.
_NO_BRANCH = re.compile(r"^[-/.]|[/.]$|//|\.\.|/\.|@\{|\.lock(/|$)|[\x00-\x20\x7f~^:?*\[\\]|^@$|^HEAD$")
PUSHES = ("refuse", "allow")
LEVELS = ("off", "advise", "warn", "refuse")
BETWEEN_TOOLS, LIVE = "between-tools", "live"
_QUIET = re.compile(r"([0-9]{1,5})s")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HINT = "correct it, or move it away: agentroom init writes a commented one"


class ConfigError(UsageError):
    """`.agentroom.yaml` says something that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Enforce:
    """What happens when an agent changes what another holds, one of `LEVELS` at each place where somebody looks.

    `edit`: before the edit, by the hook of the agent's command line; `commit`: by git's commit hook; `fold`: when the
    sidecar sees the commit, which cannot be refused any more, so that `refuse` is `warn` there.
    """

    edit: str = "warn"
    commit: str = "warn"
    fold: str = "warn"


@dataclass(frozen=True, slots=True)
class Autosave:
    """When an agent's edits are committed for it: at the end of its turns, or after `quiet` seconds (0: never)."""

    at_turns: bool
    quiet: int

    @property
    def is_on(self) -> bool:
        """Whether edits are ever committed for their agent."""
        return self.at_turns or self.quiet > 0


@dataclass(frozen=True, slots=True)
class Config:
    """What a room can be told; the defaults are those of a repository without the file.

    `worktrees` is the folder for the agents' worktrees, relative to the repository; `setup` are shell commands run in a
    new worktree, `copy` untracked files copied into it; `lease` is in seconds; `setup_seconds` bounds each command;
    `auto_claim` is whether the first edit of a file claims it; `sync` is whether a worktree is left alone while a tool
    of its agent's runs, `BETWEEN_TOOLS` or `LIVE`. `check` are the shell commands that tell whether the combined work
    is sound, with `check_seconds` for all of them; the gate runs them when nothing was folded for `check_quiet`
    seconds, and tries other candidates of contested regions when a run takes no longer than `choose_seconds`. `urge` is
    whether an agent about to stop with work left is asked to go on, `push` whether agents push the room's own refs.
    `agents` are those that `up` starts, each as the words that `agentroom run` takes.
    """

    room: RoomName = RoomName("main")
    base: str = ""
    worktrees: str = ""
    setup: tuple[str, ...] = ()
    setup_seconds: int = 600
    copy: tuple[str, ...] = ()
    lease: int = DEFAULT_TTL
    enforce: Enforce = Enforce()
    auto_claim: bool = True
    sync: str = BETWEEN_TOOLS
    autosave: Autosave = Autosave(at_turns=True, quiet=0)
    push: str = "refuse"
    check: tuple[str, ...] = ()
    check_seconds: int = 600
    check_quiet: int = 2
    choose_seconds: int = 60
    urge: bool = True
    agents: tuple[str, ...] = ()


def read_config(checkout: Path) -> Config:
    """Return the configuration of the checkout; raise `ConfigError` naming the key and what it takes."""
    return parse_config(read_text(checkout), str(checkout / FILE_NAME))


def read_text(checkout: Path) -> bytes:
    """Return the file's text, which is empty where there is no file; raise `ConfigError` for one that is none."""
    path = checkout / FILE_NAME
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a file", hint="move it away: agentroom init writes a commented one")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="correct its permissions") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB", hint=_HINT)
    return data


def parse_config(data: bytes, name: str) -> Config:
    """Return the configuration in this text; `name` is what errors call it."""
    if says_nothing(data):
        return Config()
    from agentroom_git.room.plain_yaml import PlainYamlError, load  # noqa: PLC0415 - most rooms need no PyYAML

    try:
        record = load(data)
    except PlainYamlError as error:
        raise ConfigError(f"{name} is not plain YAML: {error}", hint=_HINT) from error
    if record is None:
        return Config()
    if not isinstance(record, dict):
        raise ConfigError(f"{name} is not a list of `key: value`", hint=_HINT)
    for key in record:
        _refuse_unknown(key, name)
    values: dict[str, Any] = {key: _parse_value(key, value, name) for key, value in record.items() if value is not None}
    return replace(Config(), **values)


def says_nothing(data: bytes) -> bool:
    """Return whether all is comments, as `init` writes it: for PyYAML to find that out takes longer than a fold."""
    lines = [line.strip() for line in data.splitlines()]
    return data.isascii() and all(line.startswith(b"#") and line.decode().isprintable() for line in lines if line)


def _refuse_unknown(key: object, name: str) -> None:
    known = [field.name for field in fields(Config)]
    if key in known:
        return
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5) if isinstance(key, str) else []
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}"
    raise ConfigError(f"{name}: unknown key {ascii(str(key)[:40])}", hint=hint)


def _parse_value(key: str, value: object, name: str) -> object:
    try:
        return _PARSERS[key](value)
    except _WrongError as error:
        raise ConfigError(f"{name}: {key!r} {error}", hint=error.hint) from error
    except UsageError as error:
        raise ConfigError(f"{name}: {key!r}: {error.message}", hint=error.hint) from error


class _WrongError(Exception):
    """What is wrong with a value, as the rest of a sentence that begins with its key."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"takes true or false, not {_kind(value)}", "true is the default")
    return value


def _level(value: object) -> str:
    # Unquoted, YAML reads `off` as a truth value.
    level = "off" if value is False else value
    if level not in LEVELS:
        raise _WrongError(f"takes one of {', '.join(LEVELS)}, not {_kind(value)}", "warn is the default")
    return str(level)


def _enforce(value: object) -> Enforce:
    if not isinstance(value, dict):
        level = _level(value)
        return Enforce(level, level, level)
    layers = [field.name for field in fields(Enforce)]
    unknown = next((key for key in value if key not in layers), None)
    if unknown is not None:
        raise _WrongError(f"has no place called {ascii(str(unknown)[:40])}", f"its places are {', '.join(layers)}")
    return Enforce(**{layer: _level(level) for layer, level in value.items()})


def _sync_mode(value: object) -> str:
    if value not in (BETWEEN_TOOLS, LIVE):
        raise _WrongError(f"takes {BETWEEN_TOOLS} or {LIVE}, not {_kind(value)}", f"{BETWEEN_TOOLS} is the default")
    return str(value)


def _autosave(value: object) -> Autosave:
    if value is False or value == "off":
        return Autosave(at_turns=False, quiet=0)
    if value == "turn":
        return Autosave(at_turns=True, quiet=0)
    match = _QUIET.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= MAX_QUIET_SECONDS:
        raise _WrongError(f"takes turn, off or a quiet time, not {_kind(value)}", "for example: autosave: 30s")
    return Autosave(at_turns=False, quiet=int(match[1]))


def _push(value: object) -> str:
    if value not in PUSHES:
        raise _WrongError(f"takes one of {', '.join(PUSHES)}, not {_kind(value)}", "refuse is the default")
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _WrongError(f"takes a text, not {_kind(value)}", "put a text that looks like something else in quotes")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _WrongError("has a character that no file system takes", "write it without escapes") from error
    if "\0" in value:
        raise _WrongError("has a NUL character", "write it without escapes")
    return value.strip()


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, str | list):
        raise _WrongError(f"takes a text or a list of texts, not {_kind(value)}", "write each on a line after `- `")
    return tuple(_text(item) for item in ([value] if isinstance(value, str) else value))


def _room(value: object) -> RoomName:
    return parse_room(_text(value))


def _branch(value: object) -> str:
    name = _text(value)
    if name.startswith("refs/"):
        raise _WrongError("takes a branch's short name", f"base: {name.removeprefix('refs/heads/')}")
    if _NO_BRANCH.search(name):
        raise _WrongError(f"is not the name of a branch: {ascii(name[:60])}", "for example: base: main")
    if name == "agentroom" or name.startswith("agentroom/"):
        raise _WrongError(f"is a branch of the room's own: {ascii(name[:60])}", "name the branch that is yours")
    return name


def parse_branch(name: str) -> str:
    """Return the short name of a branch of the user's own; raise `UsageError` for anything else."""
    try:
        return _branch(name)
    except _WrongError as error:
        raise UsageError(f"the branch {error}", hint=error.hint) from error


def _folder(value: object) -> str:
    name = _text(value)
    if name.startswith("~") or _CONTROL.search(name) or ".git" in Path(name).parts:
        raise _WrongError(
            f"is not a folder for worktrees: {ascii(name[:60])}", "give a path relative to the repository's top"
        )
    return name


def _patterns(value: object) -> tuple[str, ...]:
    return tuple(_pattern(text) for text in _texts(value))


def _pattern(text: str) -> str:
    parts = Path(text).parts
    if Path(text).is_absolute() or ".." in parts or ".git" in parts or text.startswith("~"):
        raise _WrongError(f"leaves the repository: {ascii(text[:60])}", "name files below the repository's top")
    if not parts or _CONTROL.search(text) or any("**" in part and part != "**" for part in parts):
        raise _WrongError(f"is not a pattern of files: {ascii(text[:60])}", "for example: copy: [.env, config/*.local]")
    return Path(text).as_posix()


def _seconds(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if type(value) is not int:
            raise _WrongError(f"takes a number of seconds, not {_kind(value)}", f"for example: {max(1, least) * 10}")
        if not least <= value <= most:
            raise _WrongError(f"must be between {least} and {most} seconds", f"for example: {max(1, least) * 10}")
        return value

    return parse


_PARSERS: dict[str, Callable[[object], object]] = {
    "room": _room,
    "base": _branch,
    "worktrees": _folder,
    "setup": _texts,
    "setup_seconds": _seconds(1, MAX_SETUP_SECONDS),
    "copy": _patterns,
    "enforce": _enforce,
    "auto_claim": _switch,
    "sync": _sync_mode,
    "push": _push,
    "autosave": _autosave,
    "urge": _switch,
    "lease": _seconds(MIN_TTL, MAX_TTL),
    "check": _texts,
    "check_seconds": _seconds(1, MAX_SETUP_SECONDS),
    "check_quiet": _seconds(0, MAX_QUIET_SECONDS),
    "choose_seconds": _seconds(0, MAX_SETUP_SECONDS),
    "agents": parse_roster,
}


def _kind(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return ascii(value[:40])
    kinds = {
        dict: "a mapping",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number with a fraction",
        str: "an empty text",
        type(None): "nothing",
    }
    return kinds.get(type(value), type(value).__name__)
