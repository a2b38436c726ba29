"""The repository's own git configuration, changed with the git command, which keeps comments and order."""

import re
from functools import cache
from pathlib import Path

import pygit2

from agentroom_git.errors import AgentroomError
from agentroom_git.git.repo import Repo
from agentroom_git.system.process import git

Settings = pygit2.Config


class ConfigurationError(AgentroomError):
    """git's configuration could not be read or changed."""


@cache
def git_version() -> tuple[int, ...]:
    """Return the version of the git command, as (major, minor)."""
    text = git("version", cwd=Path("/")).out.decode("utf-8", "replace")
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def values(repo: Repo, key: str) -> list[str]:
    """Return the values that the repository itself gives the key."""
    done = git("config", "--local", "--null", "--get-all", key, cwd=repo.common_dir)
    return [value for value in done.out.decode("utf-8", "surrogateescape").split("\0") if value]


def add(repo: Repo, key: str, value: str) -> None:
    _change(repo, "--add", key, value)


def remove(repo: Repo, key: str, value: str) -> None:
    """Remove this one value of the key."""
    _change(repo, "--unset-all", key, f"^{re.escape(value)}$")


def _change(repo: Repo, *arguments: str) -> None:
    done = git("config", "--local", *arguments, cwd=repo.common_dir)
    if done.code != 0:
        raise ConfigurationError(f"git config {' '.join(arguments[:2])} failed: {done.message}")
