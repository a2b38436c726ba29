"""`.agentroom.yaml`, parsed once into a frozen value.

It is read from the user's own checkout only: agents can edit the copies in their worktrees, and it names commands.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from agentroom_git.core.claims import DEFAULT_TTL, MAX_TTL, MIN_TTL
from agentroom_git.core.ids import RoomName, parse_room
from agentroom_git.errors import UsageError

FILE_NAME = ".agentroom.yaml"
MAX_BYTES = 256 * 1024


class ConfigError(UsageError):
    """`.agentroom.yaml` says something that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a room can be told; the defaults are those of a repository without the file.

    `worktrees` is the folder for the agents' worktrees, relative to the repository; `setup` are shell commands run in a
    new worktree, `copy` untracked files copied into it; `lease` is in seconds; `setup_seconds` bounds each command.
    """

    room: RoomName = RoomName("main")
    base: str = ""
    worktrees: str = ""
    setup: tuple[str, ...] = ()
    setup_seconds: int = 600
    copy: tuple[str, ...] = ()
    lease: int = DEFAULT_TTL


def read_config(checkout: Path) -> Config:
    """Return the configuration of the checkout; raise `ConfigError` naming the key and what it takes."""
    path = checkout / FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB")
    return parse_config(data, str(path))


def parse_config(data: bytes, name: str) -> Config:
    """Return the configuration in this text; `name` is what errors call it."""
    try:
        record: Any = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"{name} is not YAML: {_one_line(error)}", hint="agentroom init writes a commented one"
        ) from error
    if record is None:
        return Config()
    if not isinstance(record, dict):
        raise ConfigError(f"{name} is not a list of `key: value`", hint="agentroom init writes a commented one")
    for key in record:
        _refuse_unknown(key, name)
    values: dict[str, Any] = {key: _parse_value(key, v, name) for key, v in record.items() if v is not None}
    return replace(Config(), **values)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _refuse_unknown(key: object, name: str) -> None:
    known = [field.name for field in fields(Config)]
    if key in known:
        return
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}"
    raise ConfigError(f"{name}: unknown key {ascii(str(key)[:40])}", hint=hint)


def _parse_value(key: str, value: Any, name: str) -> object:
    if key == "room":
        return parse_room(_text(key, value, name))
    if key in ("base", "worktrees"):
        return _text(key, value, name)
    if key in ("setup", "copy"):
        return _texts(key, value, name)
    limits: Mapping[str, tuple[int, int]] = {"lease": (MIN_TTL, MAX_TTL), "setup_seconds": (1, 24 * 3600)}
    return _seconds(key, value, name, *limits[key])


def _text(key: str, value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ConfigError(f"{name}: {key!r} takes a text, not {_kind(value)}")
    return value.strip()


def _texts(key: str, value: Any, name: str) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) and item.strip() for item in values):
        raise ConfigError(f"{name}: {key!r} takes a text or a list of texts, not {_kind(value)}")
    return tuple(values)


def _seconds(key: str, value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int:
        raise ConfigError(f"{name}: {key!r} takes a number of seconds, not {_kind(value)}")
    if not least <= value <= most:
        raise ConfigError(f"{name}: {key!r} must be between {least} and {most} seconds, not {value}")
    return value


def _kind(value: Any) -> str:
    kinds = {
        dict: "a mapping",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
    }
    return kinds.get(type(value), type(value).__name__)
