"""The configuration that agents go on with while the user's file cannot be followed: what it said last.

Whoever reads a file that can be followed keeps its text in a private file. Only agents fall back on it: they cannot
correct the user's file, while the user is told at every command.
"""

from contextlib import suppress
from pathlib import Path

from agentroom_git.room.config import FILE_NAME, Config, ConfigError, parse_config, read_text, says_nothing
from agentroom_git.system.files import read_json, write_json

KEPT = "config.json"
VERSION = 1


def read_as_user(checkout: Path, private: Path) -> Config:
    """Return what the file says, and keep it; raise `ConfigError` where it cannot be followed."""
    data = read_text(checkout)
    config = parse_config(data, str(checkout / FILE_NAME))
    _keep(private, b"" if says_nothing(data) else data)
    return config


def read_as_agent(checkout: Path, private: Path) -> tuple[Config, str]:
    """Return what the file says, or said last (nothing where that is lost), and in one line what is wrong with it."""
    try:
        return read_as_user(checkout, private), ""
    except ConfigError as error:
        with suppress(ConfigError):
            return parse_config(_kept(private), KEPT), error.message
        return Config(), error.message


def stamp_of_file(checkout: Path) -> tuple[int, ...]:
    """Return what changes with the file, without reading it; nothing where there is none that can be looked at."""
    try:
        found = (checkout / FILE_NAME).stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _keep(private: Path, data: bytes) -> None:
    # Without the folder there is no room yet, and nobody to fall back on it.
    if _kept(private) != data and private.is_dir():
        with suppress(OSError):
            write_json(private / KEPT, {"v": VERSION, "text": data.decode("latin-1")})


def _kept(private: Path) -> bytes:
    record = read_json(private / KEPT)
    text = record.get("text")
    return text.encode("latin-1", "replace") if record.get("v") == VERSION and isinstance(text, str) else b""
