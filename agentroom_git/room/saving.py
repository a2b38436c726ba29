"""Saving an agent's edits as a commit of its own.

The git command reads the files, so that line ends and the user's own filters apply as in the agent's own commits, but
through a private git directory: nothing runs that the repository's configuration names. What waits for the agent stays
with it: staged changes, an operation of git's under way, paths whose filter only the repository defines, untracked
files that are large, binary, or look like secrets.
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
from agentroom_git.git.commit import commit_tree
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.private_git import PrivateGit, private_git
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room.room import Room
from agentroom_git.system.process import Finished

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
    """Commit the worktree's edits under the agent's name; raise `SaveError` with git's words.

    A kill between the index and the branch leaves the edits staged: the agent's own commit takes them.
    """
    if worktree.head is None:
        raise SaveError(f"HEAD of {worktree.path} names no commit", hint="commit there by hand")
    with private_git(worktree, worktree.head) as git:
        return _save(room, agent, worktree, worktree.head, git, message)


def _save(room: Room, agent: AgentName, worktree: Worktree, head: Oid, git: PrivateGit, message: str) -> Saved:
    staged, changed, new = _status(room, git)
    blocked = "staged changes wait: commit them yourself" if staged else operation_under_way(worktree.git_dir)
    if blocked:
        return Saved(None, (), tuple((path, blocked) for path in (*staged, *changed, *new)))
    refused = {path: reason for path in new if (reason := _refuse_new(worktree.path, path))}
    foreign = git.unfiltered([path for path in (*changed, *new) if path not in refused])
    refused |= {path: f"only the repository defines its filter {name!r}: commit it" for path, name in foreign.items()}
    paths = tuple(path for path in (*changed, *new) if path not in refused)
    left = tuple(sorted(refused.items()))
    if not paths:
        return Saved(None, (), left)
    text = trailers.compose(message or f"{agent}: save {_listed(paths)}", "", _trailers(room, agent, paths))
    tree = _write_tree(room, git, paths)
    made = commit_tree(room.refs, worktree, tree, head, agent, text)
    if made is None:
        raise SaveError(f"the branch of {worktree.path} moved meanwhile", hint="the edits are staged there: try again")
    return Saved(made, paths, left)


def _write_tree(room: Room, git: PrivateGit, paths: Sequence[str]) -> Oid:
    """Put the paths into the index; return its tree. No `git add`: that runs another git inside submodules."""
    listed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    done = _git(room, git, "update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listed)
    if done.code == 0:
        done = _git(room, git, "write-tree")
    if done.code != 0:
        raise SaveError(f"git could not commit in {git.worktree}: {done.message}", hint="commit there by hand")
    return Oid(done.out.decode().strip())


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


def _status(room: Room, git: PrivateGit) -> tuple[list[str], list[str], list[str]]:
    """Return the staged, the changed and the untracked paths."""
    done = _git(room, git, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", *_SUBMODULES)
    if done.code != 0:
        raise SaveError(f"git status failed in {git.worktree}: {done.message}", hint="run it there by hand")
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


def _git(room: Room, git: PrivateGit, *arguments: str, stdin: bytes = b"") -> Finished:
    """Run git in the worktree, again while another git holds the index."""
    for _ in range(_LOCK_ATTEMPTS):
        done = git.run(*arguments, stdin=stdin)
        if done.code == 0 or b"index.lock" not in done.err:
            return done
        room.clock.sleep(_LOCK_SECONDS)
    return done
