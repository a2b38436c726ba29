"""Which commands of `.agentroom.yaml` may be run: those that the user has seen.

The file lies in the user's own checkout, but agents can write there, and what they commit lands there. So its commands
are pinned: by `init` or the first start of the sidecar, whichever finds some first, and from then on by
`agentroom trust` alone, which shows what has changed. Until then the room goes on with the pinned ones. An agent, and
the check itself, cannot trust. This keeps an agent from having its commands run by mistake or by a merge; it does not
keep out one that sets out to write the user's private files.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.room import logs
from agentroom_git.room.config import FILE_NAME, Config
from agentroom_git.room.room import Room
from agentroom_git.system.bounded import MARK
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.pids import descends_from_any_with
from agentroom_git.system.process import environment

VERSION = 1
AGENT_VARIABLE = "AGENTROOM_AGENT"


class NotTheUserError(AgentroomError):
    """An agent, or the check, asked for what only the user may decide."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The shell commands of a configuration, by its keys."""

    check: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        text = json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose commands are not the pinned ones any more."""

    key: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is pinned (None: nothing yet), since when, and how the file differs from it."""

    pinned: Commands | None
    since: str
    differences: tuple[Difference, ...]

    @property
    def warning(self) -> str:
        """What to tell the user, or an empty text."""
        if self.pinned is None or not self.differences:
            return ""
        keys = " and ".join(f"{one.key}:" for one in self.differences)
        if not any(one.old for one in self.differences):
            return f"{keys} in {FILE_NAME} not trusted yet, and not run: agentroom trust"
        return f"{keys} in {FILE_NAME} changed since you trusted it; the former commands stay in use: agentroom trust"


def of_config(config: Config) -> Commands:
    """Return the commands that the configuration names."""
    return Commands(**{field.name: getattr(config, field.name) for field in fields(Commands)})


def standing(room: Room) -> Standing:
    """Return what is pinned and how the user's file differs from it, or from nothing where nothing is pinned."""
    pinned, since = _read(_path(room))
    old, now = pinned or Commands(), of_config(room.config)
    pairs = [(field.name, getattr(old, field.name), getattr(now, field.name)) for field in fields(Commands)]
    return Standing(pinned, since, tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2]))


def commands(room: Room) -> Commands:
    """Return the commands that may be run; where none are pinned yet and the user is acting, the file's, now pinned."""
    pinned, _ = _read(_path(room))
    if pinned is not None:
        return pinned
    return pin_first(room) or Commands()


def pin_first(room: Room) -> Commands | None:
    """Pin what the file says unless something is pinned; return what is, or None where an agent asks first."""
    pinned, _ = _read(_path(room))
    if pinned is None and is_user(room):
        pinned = _pin(room)
    return pinned


def trust(room: Room) -> Standing:
    """Pin what the file says now; return how it stood before. Raises `NotTheUserError` for anybody but the user."""
    if not is_user(room):
        raise NotTheUserError("only the user can trust commands", hint=f"say so to the user: {FILE_NAME} has changed")
    before = standing(room)
    _pin(room)
    return before


def is_user(room: Room) -> bool:
    """Return whether the user is acting: not in a worktree of the room's, nor below an agent's process or the check."""
    ours = (AGENT_VARIABLE, MARK)
    return (
        not room.repo.is_linked and not any(name in environment() for name in ours) and not descends_from_any_with(ours)
    )


def _pin(room: Room) -> Commands:
    now = of_config(room.config)
    texts = {field.name: list(getattr(now, field.name)) for field in fields(Commands)}
    record = {"v": VERSION, "at": logs.stamp(room), "sha256": now.fingerprint, "commands": texts}
    write_json(_path(room), record)
    return now


def _path(room: Room) -> Path:
    return room.repo.private_dir / "trusted.json"


def _read(path: Path) -> tuple[Commands | None, str]:
    """Return the pinned commands and since when; a damaged file counts as none, like every private file."""
    record = read_json(path)
    texts = record.get("commands")
    if record.get("v") != VERSION or not isinstance(texts, dict):
        return None, ""
    found = Commands(**{field.name: tuple(map(str, texts.get(field.name) or ())) for field in fields(Commands)})
    return (found, str(record.get("at"))) if record.get("sha256") == found.fingerprint else (None, "")
