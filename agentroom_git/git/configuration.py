"""The repository's own git configuration: read through git, changed so that the change can be taken back exactly.

What is added is one block of text with a comment of its own. Removing it leaves the file as it was byte for byte, which
`git config --unset` does not promise; and a setting that the user made is never taken for ours.
"""

import os
import re
import shutil
from functools import cache
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.git.repo import Repo
from agentroom_git.system.process import git, git_as_the_user

_COMMENT = "# agentroom init added this section; agentroom uninstall removes it.\n"


class ConfigurationError(AgentroomError):
    """git's configuration could not be read or changed."""


@cache
def git_version() -> tuple[int, ...]:
    """Return the version of the git command, as (major, minor, patch)."""
    text = git("version", cwd=Path("/")).out.decode("utf-8", "replace")
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def values(repo: Repo, key: str, *, everywhere: bool = False) -> list[str]:
    """Return the values that the repository gives the key; `everywhere` also the user's and the system's."""
    scope = () if everywhere else ("--local",)
    done = git_as_the_user("config", *scope, "--null", "--get-all", key, cwd=repo.common_dir)
    return os.fsdecode(done.out).split("\0")[:-1]


def is_on(repo: Repo, key: str) -> bool:
    """Return whether the key is true in the user's own checkout; a value that is no boolean counts as false."""
    done = git_as_the_user("config", "--type=bool", "--get", key, cwd=repo.worktree or repo.common_dir)
    return done.out.strip() == b"true"


def add_section(repo: Repo, section: str, key: str, value: str) -> None:
    """Append a section with this one key to the repository's configuration; `remove_section` takes it back."""
    path = _path(repo)
    text = path.read_bytes()
    block = _block(section, key, value)
    # A file without a last newline is left without one, so that the removal can tell.
    new = text + block if text.endswith(b"\n") or not text else text + b"\n" + block[:-1]
    _replace(path, text, new)
    if value not in values(repo, f"{section}.{key}"):
        _replace(path, new, text)
        raise ConfigurationError(f"{path} does not take another section", hint="git config --list says what is wrong")


def remove_section(repo: Repo, section: str, key: str, value: str) -> bool:
    """Remove what `add_section` appended; False, with nothing changed, where it is not there."""
    path = _path(repo)
    text = path.read_bytes()
    block = _block(section, key, value)
    if block in text:
        before, _, after = text.partition(block)
        # Keys that were added below ours stay in a section of that name.
        _replace(path, text, before + (b"" if _begins_section(after) else f"[{section}]\n".encode()) + after)
        return True
    if text.endswith(b"\n" + block[:-1]):
        _replace(path, text, text.removesuffix(b"\n" + block[:-1]))
        return True
    return False


def _block(section: str, key: str, value: str) -> bytes:
    return f"{_COMMENT}[{section}]\n\t{key} = {value}\n".encode()


def _begins_section(text: bytes) -> bool:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and line[:1] not in (b"#", b";")), b"[")
    return first.startswith(b"[")


def _path(repo: Repo) -> Path:
    return (repo.common_dir / "config").resolve()


def _replace(path: Path, old: bytes, new: bytes) -> None:
    """Put the new content in place under git's own lock, unless somebody else changed it meanwhile."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        hint = "try again; if no git runs here: agentroom doctor"
        raise ConfigurationError(f"{lock} is held by git", hint=hint) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new)
        if path.read_bytes() != old:
            raise ConfigurationError(f"{path} was changed meanwhile", hint="try again")
        shutil.copymode(path, lock)
        lock.replace(path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
