"""Whether a client is installed, in a version that works. Each installation is asked once: some take seconds."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from agentroom_git.agents.client import Client
from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.process import ProcessError, run

VERSION_SECONDS = 60.0
_NUMBER = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class ClientError(AgentroomError):
    """A client that cannot be started, with the remedy."""


def find_program(client: Client, environment: Mapping[str, str]) -> Path:
    """Return the client's program; raise `ClientError` where none is on PATH."""
    found = shutil.which(client.name, path=environment.get("PATH", ""))
    if found is None:
        raise ClientError(f"{client.title} ({client.name}) is not on PATH", hint=f"install it: {client.remedy}")
    return Path(found)


def check_version(room: Room, client: Client, program: Path, environment: Mapping[str, str]) -> tuple[int, ...]:
    """Return the client's version; raise `ClientError` for one that is older than any that was tried."""
    version = _version(room, client, program, environment)
    if version < client.oldest:
        found, needed = (".".join(map(str, number)) for number in (version, client.oldest))
        raise ClientError(
            f"{client.title} {found} is too old: {needed} is the oldest that works here", hint=client.remedy
        )
    return version


def _version(room: Room, client: Client, program: Path, environment: Mapping[str, str]) -> tuple[int, ...]:
    """Return what the program says of itself, or said when this very file was asked before."""
    file = room.repo.private_dir / "clients.json"
    known = read_json(file)
    told = known.get(_identity(program))
    if not isinstance(told, str):
        told = _ask(client, program, environment)
        write_json(file, known | {_identity(program): told})
    return tuple(int(part) for part in told.split("."))


def _identity(program: Path) -> str:
    status = program.stat()
    return f"{program.resolve()} {status.st_ino} {status.st_ctime_ns} {status.st_size}"


def _ask(client: Client, program: Path, environment: Mapping[str, str]) -> str:
    try:
        done = run([program, "--version"], cwd=Path("/"), env=environment, seconds=VERSION_SECONDS)
    except (ProcessError, PermissionError) as error:
        raise ClientError(f"{program} does not run: {error}", hint=f"install it again: {client.remedy}") from error
    number = _NUMBER.search(done.out.decode("utf-8", "replace")) if done.code == 0 else None
    if number is None:
        said = one_line(done.message, 120)
        raise ClientError(f"{program} does not tell its version: {said}", hint=f"install it again: {client.remedy}")
    return ".".join(number.groups())


def unknown_options(program: Path, words: tuple[str, ...], environment: Mapping[str, str], *, verb: str) -> list[str]:
    """Return those of the words that look like long options and that the program's help does not list."""
    options = [word.partition("=")[0] for word in words if word.startswith("--") and word != "--"]
    if not options:
        return []
    arguments = [str(program), *([verb] if verb else []), "--help"]
    try:
        done = run(arguments, cwd=Path("/"), env=environment, seconds=VERSION_SECONDS)
    except ProcessError:
        return []
    listed = set(re.findall(r"--[A-Za-z][\w-]*", (done.out + done.err).decode("utf-8", "replace")))
    return [one for one in options if one not in listed] if listed else []
