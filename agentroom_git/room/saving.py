"""Saving an agent's edits as a commit of its own: asked for, or by itself (autosave).

The git command reads the files, so that line ends and the user's own filters apply as in the agent's own commits, but
through a private git directory: nothing runs that the repository's configuration names. What waits for the agent stays
with it: staged changes, an operation of git's under way, and single files for the reasons in `room/savable.py`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from agentroom_git.core import trailers
from agentroom_git.core.claims import ClaimsError, named_in_commit
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.claims_ref import read_table
from agentroom_git.git.commit import Draft, Kept, Seen, commit_draft, hindrance
from agentroom_git.git.private_git import PrivateGit, private_git
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import left_locks, running, savable, stale
from agentroom_git.room.room import Room

# What is uncommitted inside a submodule is not this repository's to save.
_SUBMODULES = ("--ignore-submodules=dirty",)
_ATTEMPTS = 40
_PAUSE_SECONDS = 0.05


class SaveError(AgentroomError):
    """git could not commit an agent's edits."""


@dataclass(frozen=True, slots=True)
class Saved:
    """`commit` is None where there was nothing to save; `left` are the paths that were not saved, and why.

    `is_passing` says that what kept everything from being saved goes by itself: an own git command of the agent's.
    """

    commit: Oid | None
    paths: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    is_passing: bool = False


NOTHING = Saved(None, (), ())


def save_edits(room: Room, agent: AgentName, worktree: Worktree, message: str = "") -> Saved:
    """Commit the worktree's edits under the agent's name, as it asked for; raise `SaveError` with git's words.

    Waits for a moment in which no git command of the agent's runs there, for some two seconds.
    """
    for _ in range(_ATTEMPTS):
        saved = _save(room, agent, worktree, message, "", savable.prepared_at(worktree))
        if not saved.is_passing:
            return saved
        room.clock.sleep(_PAUSE_SECONDS)
        worktree = room.worktrees().get(agent, worktree)
    return saved


def autosave(room: Room, agent: AgentName, worktree: Worktree, why: str) -> Saved:
    """Commit the agent's edits at the end of its turn or task, or before it gives back a claim, if the room wants so.

    `why` is shown in the commit. New files are saved where they were written since the agent's command began. Where a
    git command of the agent's is at work it comes first: nothing is saved, and the answer is passing.
    """
    if not room.config.autosave.at_turns:
        return NOTHING
    return _save(room, agent, worktree, "", why, savable.began_at(room, agent, worktree))


def save_own(room: Room, why: str) -> None:
    """Let `autosave` commit the acting agent's edits, if its worktree is sound; what fails keeps nobody waiting."""
    worktree = room.worktrees().get(room.me) if room.me else None
    if room.me is not None and worktree is not None and not worktree.problem:
        with suppress(AgentroomError):
            autosave(room, room.me, worktree, why)


def save_quiet(room: Room, agent: AgentName, worktree: Worktree) -> Saved:
    """Commit what the agent left alone for the quiet time: of new files only those that its command wrote."""
    if not room.config.autosave.quiet:
        return NOTHING
    since = savable.began_at(room, agent, worktree) if running.is_running(room, agent) else None
    return _save(room, agent, worktree, "", f"after {room.config.autosave.quiet} s of quiet", since)


def save_in_the_way(room: Room, agent: AgentName, worktree: Worktree) -> Saved:
    """Commit the agent's edits because they contest what is new, if the room saves edits by itself at all."""
    if not room.config.autosave.is_on:
        return NOTHING
    return _save(room, agent, worktree, "", "for the others' work to come in", savable.began_at(room, agent, worktree))


def _save(room: Room, agent: AgentName, worktree: Worktree, message: str, why: str, since: float | None) -> Saved:
    if worktree.head is None:
        raise SaveError(f"HEAD of {worktree.path} names no commit", hint="commit there by hand")
    left_locks.take_back(room, agent, worktree)
    kept = hindrance(worktree)
    if kept is not None and kept.is_passing:
        return Saved(None, (), (), is_passing=True)
    seen = Seen.look(worktree)
    with private_git(worktree, worktree.head) as git:
        staged, changed, new = _status(git)
        blocked = kept.reason if kept else "staged changes wait: commit them yourself" if staged else ""
        if blocked:
            return Saved(None, (), tuple((path, blocked) for path in (*staged, *changed, *new)))
        refused = savable.refuse(room, worktree, worktree.head, changed, new, since)
        foreign = git.unfiltered([path for path in (*changed, *new) if path not in refused])
        refused |= {
            path: f"only the repository defines its filter {name!r}: commit it" for path, name in foreign.items()
        }
        paths = tuple(path for path in (*changed, *new) if path not in refused)
        left = tuple(sorted(refused.items()))
        if not paths:
            return Saved(None, (), left)
        stale.look_at_edits(room, agent, worktree, list(paths))
        draft = Draft(worktree.head, _write_tree(git, paths), git.index, seen)
        text = _message(room, agent, paths, message, why)
        made = commit_draft(room.refs, worktree, draft, agent, text)
        if isinstance(made, Kept):
            return Saved(None, (), tuple((path, made.reason) for path in paths), made.is_passing)
        return Saved(made, paths, left)


def _message(room: Room, agent: AgentName, paths: Sequence[str], message: str, why: str) -> str:
    subject = message or f"{agent}: save {_listed(paths)}"
    body = f"Saved by itself {why}." if why else ""
    return trailers.compose(subject, body, _trailers(room, agent, paths))


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


def _status(git: PrivateGit) -> tuple[list[str], list[str], list[str]]:
    """Return the staged, the changed and the untracked paths."""
    done = git.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", *_SUBMODULES)
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


def _write_tree(git: PrivateGit, paths: Sequence[str]) -> Oid:
    """Put the paths into the index; return its tree. No `git add`: that runs another git inside submodules."""
    listed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    done = git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listed)
    if done.code == 0:
        done = git.run("write-tree")
    if done.code != 0:
        raise SaveError(f"git could not commit in {git.worktree}: {done.message}", hint="commit there by hand")
    return Oid(done.out.decode().strip())
