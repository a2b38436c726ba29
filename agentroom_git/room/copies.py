"""A room that was opened in another clone and fetched into this one: it is read here, and nobody acts in it.

Two clones that granted claims in one room would grant the same one twice. So what may move the room's refs, or make
worktrees, is refused wherever `init` did not open it; readers find the branches where a fetch puts them.
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from agentroom_git.core.escape import one_line
from agentroom_git.core.refnames import RefNames
from agentroom_git.errors import UsageError
from agentroom_git.git import reflog
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import Repo, remote_names

FOLDER = ".copies"
"""Folder of the private one for what readers keep of copies: no room may have this name."""
OPENING_LOCK = "init.lock"
"""The lock under which `init` opens a room: it stays behind in the room's private folder."""
ELSEWHERE = "another clone"
_REFSPECS = ("refs/agentroom/*:refs/agentroom/*", "refs/notes/agentroom/*:refs/notes/agentroom/*")
_MOVES = b"agentroom"
"""How the message of every move of ours in a reflog begins."""


class CopiedRoomError(UsageError):
    """An act in a room that is only read here."""


@dataclass(frozen=True, slots=True)
class Copy:
    """`remote` is whose branches are read, or empty where they were fetched as branches of this clone."""

    room: str
    remote: str
    remotes: tuple[str, ...]

    @property
    def source(self) -> str:
        return self.remote or ELSEWHERE

    @property
    def fetch(self) -> str:
        """The command that brings everything of the room as it is at the remote now."""
        return fetch_command(self.remote or preferred(self.remotes) or "REMOTE")


def fetch_command(remote: str) -> str:
    """Return the git command that fetches rooms from the remote, to be read."""
    specs = (f"+refs/heads/agentroom/*:refs/remotes/{remote}/agentroom/*", *_REFSPECS)
    return " ".join(["git fetch", shlex.quote(remote), *map(shlex.quote, specs)])


def preferred(remotes: tuple[str, ...]) -> str:
    """Return the remote to name where any would do."""
    return "origin" if "origin" in remotes else min(remotes, default="")


def find_copy(repo: Repo, refs: Refs, names: RefNames) -> Copy | None:
    """Return the copy that the room is here, or None where it was opened in this clone or there is none at all."""
    if (repo.private_dir / names.room / OPENING_LOCK).exists():
        return None
    if not refs.listed(names.own) and refs.get(names.integration) is None:
        return None
    # Whoever removed the private folder has the room all the same.
    if reflog.is_moved_by(repo.common_dir, names.integration, _MOVES):
        return None
    remotes = remote_names(repo)
    return Copy(names.room, tracked_at(refs, names, remotes), remotes)


def tracked_at(refs: Refs, names: RefNames, remotes: tuple[str, ...]) -> str:
    """Return the remote from which the room's integration was fetched, or an empty text."""
    found = tuple(one for one in remotes if refs.get(names_at(names, one).integration) is not None)
    return preferred(found)


def names_at(names: RefNames, remote: str) -> RefNames:
    """Return the names with the branches where a fetch from the remote puts them."""
    return replace(names, heads=f"refs/remotes/{remote}/") if remote else names


def private_folder(repo: Repo, names: RefNames, copy: Copy | None) -> Path:
    """Return where this clone keeps what can be rebuilt of the room."""
    return repo.private_dir / FOLDER / names.room if copy else repo.private_dir / names.room


def refuse_to_act(copy: Copy) -> CopiedRoomError:
    """Return the refusal of what is no mere reading."""
    return CopiedRoomError(
        f"the room {copy.room!r} is {one_line(copy.source, 80)}'s, fetched to be read: nobody acts in it here",
        hint="act in the clone that opened it; for a room of this clone's own: `room: NAME` in .agentroom.yaml",
    )


def how_to_read(repo: Repo, refs: Refs, names: RefNames, copy: Copy | None) -> str:
    """Return the hint where integration is not there: what to fetch, or what else to do."""
    if copy is not None:
        return f"fetch its branches: {copy.fetch}"
    remote = tracked_at(refs, names, remote_names(repo))
    if remote:
        return f"to read the one of {one_line(remote, 80)}: {fetch_command(remote)}; to open your own: agentroom init"
    others = sorted({name.split("/")[2] for name in refs.listed("refs/agentroom/") if name.count("/") > 2})
    if others:
        return f"run: agentroom init; or say which is meant, `room: {one_line(others[0], 80)}` in .agentroom.yaml"
    return "run: agentroom init"
