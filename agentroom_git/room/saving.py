"""Saving an agent's edits as a commit of its own, with the git command, so that filters apply as the agent's own git
would.

What waits for the agent stays with it: staged changes, an operation of git's under way, untracked files that are large,
binary, or look like secrets.
"""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core import trailers
from agentroom_git.core.claims import ClaimsError, named_in_commit
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.text import is_binary
from agentroom_git.errors import AgentroomError
from agentroom_git.git.claims_ref import read_table
from agentroom_git.git.log import author_environment
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room.room import Room
from agentroom_git.system.process import Finished, git

MAX_NEW_FILE = 1024 * 1024
LOOKS_SECRET = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    ".netrc", ".npmrc", ".pypirc", "credentials", "credentials.*", "secrets.*", "*.keystore",
)  # fmt: skip
# What is uncommitted inside a submodule is not this repository's to save.
_SUBMODULES = ("--ignore-submodules=dirty",)
_LOCK_ATTEMPTS = 40
_LOCK_SECONDS = 0.05


class SaveError(AgentroomError):
    """git refused to commit an agent's edits."""


@dataclass(frozen=True, slots=True)
class Saved:
    """`commit` is None where there was nothing to save; `left` are the paths that were not saved, and why."""

    commit: Oid | None
    paths: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def save_edits(room: Room, agent: AgentName, worktree: Worktree, message: str = "") -> Saved:
    """Commit the worktree's edits under the agent's name; raise `SaveError` with git's words."""
    staged, changed, new = _status(room, worktree)
    blocked = "staged changes wait: commit them yourself" if staged else operation_under_way(worktree.git_dir)
    if blocked:
        return Saved(None, (), tuple((path, blocked) for path in (*staged, *changed, *new)))
    refused = {path: reason for path in new if (reason := _refuse_new(worktree.path, path))}
    paths = (*changed, *(path for path in new if path not in refused))
    left = tuple(sorted(refused.items()))
    if not paths:
        return Saved(None, (), left)
    text = trailers.compose(message or f"{agent}: save {_listed(paths)}", "", _trailers(room, agent, paths))
    listed = "\0".join(paths).encode("utf-8", "surrogateescape")
    _git(room, worktree, "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed)
    done = _git(room, worktree, "commit", "--quiet", "--no-verify", "-m", text, env=author_environment(agent))
    if done.code != 0:
        raise SaveError(f"git could not commit in {worktree.path}: {done.message}", hint="commit there by hand")
    head = _git(room, worktree, "rev-parse", "HEAD").out.decode().strip()
    return Saved(Oid(head), paths, left)


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _trailers(room: Room, agent: AgentName, paths: Sequence[str]) -> list[tuple[str, str]]:
    try:
        claims = read_table(room.refs, room.names.claims).table.of(agent)
    except ClaimsError:
        # The commit is worth more than the tokens in its message.
        claims = ()
    named = named_in_commit(claims, paths)
    return [(trailers.AGENT, agent), *((trailers.CLAIM, f"{token} {path}") for token, path in named)]


def _status(room: Room, worktree: Worktree) -> tuple[list[str], list[str], list[str]]:
    """Return the staged, the changed and the untracked paths."""
    done = _git(room, worktree, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", *_SUBMODULES)
    if done.code != 0:
        raise SaveError(f"git status failed in {worktree.path}: {done.message}", hint="run it there by hand")
    staged, changed, new = [], [], []
    for record in done.out.decode("utf-8", "surrogateescape").split("\0"):
        if not record:
            continue
        code, path = record[:2], record[3:]
        if code == "??":
            new.append(path)
        elif code[0] != " ":
            staged.append(path)
        else:
            changed.append(path)
    return staged, changed, new


def _refuse_new(top: Path, path: str) -> str:
    """Return why a new file is not saved, or an empty text."""
    if any(fnmatch.fnmatch(Path(path).name.lower(), pattern) for pattern in LOOKS_SECRET):
        return "it looks like a secret"
    file = top / path
    try:
        if file.is_symlink():
            return ""
        if not file.is_file():
            return "it is not a file"
        if file.stat().st_size > MAX_NEW_FILE:
            return f"it is larger than {MAX_NEW_FILE // 1024} KiB"
        with file.open("rb") as opened:
            return "it is binary" if is_binary(opened.read(8000)) else ""
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _git(
    room: Room, worktree: Worktree, *arguments: str, env: dict[str, str] | None = None, stdin: bytes = b""
) -> Finished:
    """Run git in the worktree, again while another git holds the index."""
    for _ in range(_LOCK_ATTEMPTS):
        done = git(*arguments, cwd=worktree.path, env=env, stdin=stdin)
        if done.code == 0 or b"index.lock" not in done.err:
            return done
        room.clock.sleep(_LOCK_SECONDS)
    return done
