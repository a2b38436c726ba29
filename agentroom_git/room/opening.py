"""Opening a room in a repository, and taking everything back but the history."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import agentroom_git.git.repo as repositories
from agentroom_git.core.events import Opened
from agentroom_git.core.ids import HUMAN
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git import configuration, detached, worktrees
from agentroom_git.git.folds import write_opening
from agentroom_git.git.repo import UnsupportedRepositoryError
from agentroom_git.resources import templates_dir
from agentroom_git.room import logs, trust
from agentroom_git.room.base import opening
from agentroom_git.room.config import FILE_NAME
from agentroom_git.room.copies import OPENING_LOCK
from agentroom_git.room.room import Room
from agentroom_git.system.locks import held
from agentroom_git.system.process import git

OLDEST_GIT = (2, 34)
DISPLAY_REF = "refs/notes/agentroom/*"
TEMPLATE = "agentroom.yaml"
LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to the repository, or found done; `what` is a sentence for the user."""

    what: str
    is_new: bool


def check_repository(room: Room) -> None:
    """Raise with the remedy for a repository that a room cannot be opened in."""
    repo = room.repo
    if repo.is_linked:
        raise UsageError(f"{repo.worktree} is a linked worktree", hint=f"run it in {room.checkout}")
    _check_git()
    if repo.handle.head_is_unborn:
        raise UnsupportedRepositoryError("this repository has no commit yet", hint="git commit --allow-empty -m start")
    if repo.handle.is_shallow:
        raise UnsupportedRepositoryError(
            "this clone is shallow, and a fold needs the history", hint="git fetch --unshallow"
        )
    _check_history(room)
    _check_index(room)
    _check_refs(room)


def _check_history(room: Room) -> None:
    """Refuse a history that git shows differently from how it is stored: folds are recomputed from what is stored."""
    replaced = room.refs.listed("refs/replace/")
    if replaced:
        raise UnsupportedRepositoryError(
            f"{len(replaced)} objects of this repository are replaced by others",
            hint="git replace --delete NAME, or rewrite the history with git filter-repo",
        )
    if (room.repo.common_dir / "info" / "grafts").exists():
        raise UnsupportedRepositoryError(
            "this repository has grafts", hint="rewrite the history, or remove .git/info/grafts"
        )


def _check_git() -> None:
    version = configuration.git_version()
    if version < OLDEST_GIT:
        found, needed = (".".join(map(str, number)) for number in (version, OLDEST_GIT))
        raise UnsupportedRepositoryError(f"git {found} is too old", hint=f"install git {needed} or later")


def _check_index(room: Room) -> None:
    if configuration.is_on(room.repo, "core.sparseCheckout"):
        raise UnsupportedRepositoryError("this checkout is sparse", hint="git sparse-checkout disable")
    problem = worktrees.index_problem(room.checkout)
    if configuration.is_on(room.repo, "core.splitIndex") or "'link'" in problem:
        raise UnsupportedRepositoryError(
            "this checkout has a split index",
            hint="git config --unset core.splitIndex; git update-index --no-split-index",
        )
    if "'sdir'" in problem:
        raise UnsupportedRepositoryError("this checkout has a sparse index", hint="git sparse-checkout disable")
    if problem:
        raise UnsupportedRepositoryError(f"this checkout's index cannot be read: {problem}", hint="run: git status")


def _check_refs(room: Room) -> None:
    branch = repositories.head_branch(room.repo.handle) or ""
    if not branch.isprintable():
        raise UsageError(f"your branch has a name that is not text: {ascii(branch)}", hint="git branch -m NEW-NAME")
    for blocker in ("agentroom", f"agentroom/{room.names.room}"):
        if room.refs.get(f"refs/heads/{blocker}") is not None:
            raise UsageError(
                f"a branch named {blocker!r} is in the way of the room's branches",
                hint=f"git branch -m {blocker} {blocker.replace('/', '-')}-old",
            )
    for blocker in ("refs/agentroom", f"refs/agentroom/{room.names.room}", "refs/notes/agentroom"):
        if room.refs.get(blocker) is not None:
            raise UsageError(
                f"a ref named {blocker!r} is in the way", hint=f"git update-ref -d {blocker}, if not needed"
            )


def open_new(room: Room) -> list[Change]:
    """Open the room, or complete one that was opened before; raise before anything is changed.

    Each step looks whether it was done, so that a run after a crash between any two does the rest.
    """
    check_repository(room)
    private = room.repo.private_dir
    made = Change(f"made {private} for locks and caches", True)
    first = Change(f"{private} is there", False) if private.is_dir() else made
    with held(room.private / OPENING_LOCK, seconds=LOCK_SECONDS, what="the lock on the room's opening"):
        return [
            first,
            _open_integration(room),
            _record_opening(room),
            _write_config(room),
            _show_notes(room),
            *_pin(room),
        ]


def _open_integration(room: Room) -> Change:
    name = room.names.integration
    short = name.removeprefix("refs/heads/")
    if room.refs.get(name) is None:
        head = repositories.head_commit(room.repo.handle)
        if head is None:
            raise UnsupportedRepositoryError(
                "this repository has no commit yet", hint="git commit --allow-empty -m start"
            )
        commit = write_opening(room.history, room.names.room, head, room.clock.now())
        if room.refs.swap(name, commit, None, message="agentroom: init"):
            return Change(f"made branch {short}, with an empty commit on yours{_beside(room, short)}", True)
    return Change(f"branch {short} is there", False)


def _beside(room: Room, short: str) -> str:
    """Return a remark where another clone's room of this name was fetched: it is looked at, not joined."""
    tracking = "refs/remotes/"
    for name in room.refs.listed(tracking):
        if name.endswith(f"/{short}"):
            return f"; {name.removeprefix(tracking)} is another clone's room, which this one has no part in"
    return ""


def _record_opening(room: Room) -> Change:
    """Record over which branch the room is opened; a room that was opened on no branch takes the present one."""
    ref = room.names.log(HUMAN)
    branch = (repositories.head_branch(room.repo.handle) or "").removeprefix("refs/heads/")
    base = room.config.base or ("" if branch.startswith("agentroom/") else branch)
    known = opening(room)
    if known is not None and (known.base or not base):
        return Change(f"log {ref} is there", False)
    logs.record(room, Opened(base, room.integration()), writer=HUMAN)
    whose = f"your branch {base}" if base else "no branch of yours: HEAD is detached, so set base: in .agentroom.yaml"
    return Change(f"made log {ref}, over {whose}", True)


def _write_config(room: Room) -> Change:
    path = room.checkout / FILE_NAME
    if _is_unfinished(path):
        path.write_text(_template(), "utf-8")
    else:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(_template())
        except FileExistsError:
            return Change(f"{FILE_NAME} is there", False)
    return Change(f"wrote {FILE_NAME}, all of it comments: commit it if you like", True)


def _pin(room: Room) -> list[Change]:
    """Pin the commands of a file that has some; of one without, the user has still to decide."""
    if trust.of_config(room.config) == trust.Commands():
        return []
    is_new = trust.standing(room).pinned is None
    if trust.pin_first(room) is None:
        return []
    return [Change(f"pinned the commands of {FILE_NAME}: a change counts after agentroom trust", is_new)]


def _is_unfinished(path: Path) -> bool:
    """Return whether the file is what a crash left of the template, which says nothing yet."""
    text = _read_text(path)
    return text is not None and text != _template() and _template().startswith(text)


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AgentroomError(f"{path} cannot be read: {error}", hint="move it away") from error


def _template() -> str:
    return (templates_dir() / TEMPLATE).read_text("utf-8")


def _show_notes(room: Room) -> Change:
    if DISPLAY_REF in configuration.values(room.repo, "notes.displayRef"):
        return Change("git log shows the room's notes", False)
    configuration.add_section(room.repo, "notes", "displayRef", DISPLAY_REF)
    return Change(f"set notes.displayRef to {DISPLAY_REF}, so that git log shows the room's notes", True)


def check_closable(room: Room) -> None:
    """Raise `UsageError` while agents of any room have worktrees, or inside one."""
    if room.repo.is_linked:
        raise UsageError(f"{room.repo.worktree} is a linked worktree", hint=f"run it in {room.checkout}")
    present = sorted(found.identity.agent for found in worktrees.list_worktrees(room.repo) if found.identity)
    if present:
        raise UsageError(f"agents have worktrees: {', '.join(present)}", hint="agentroom leave NAME for each")


def close(room: Room) -> list[Change]:
    """Take back what `open_new` changed, except the history; agents must have left."""
    check_closable(room)
    changes = [_hide_notes(room), _remove_config(room), _remove_folder(room), _remove_private(room)]
    kept = f"kept the history: branches agentroom/{room.names.room}/*, refs/agentroom/*, refs/notes/agentroom/*"
    return [*changes, Change(kept, False)]


def _hide_notes(room: Room) -> Change:
    if configuration.remove_section(room.repo, "notes", "displayRef", DISPLAY_REF):
        return Change("removed notes.displayRef", True)
    if DISPLAY_REF in configuration.values(room.repo, "notes.displayRef"):
        return Change("kept notes.displayRef: init did not set it", False)
    return Change("notes.displayRef is gone", False)


def _remove_config(room: Room) -> Change:
    path = room.checkout / FILE_NAME
    text = _read_text(path)
    if text is None:
        return Change(f"{FILE_NAME} is gone", False)
    if not _template().startswith(text):
        return Change(f"kept {FILE_NAME}: you changed it", False)
    if git("ls-files", "--error-unmatch", "--", FILE_NAME, cwd=room.checkout).code == 0:
        return Change(f"kept {FILE_NAME}: git tracks it", False)
    path.unlink()
    return Change(f"removed {FILE_NAME}", True)


def _remove_private(room: Room) -> Change:
    if not room.repo.private_dir.is_dir():
        return Change(f"{room.repo.private_dir} is gone", False)
    shutil.rmtree(room.repo.private_dir)
    return Change(f"removed {room.repo.private_dir}", True)


def _remove_folder(room: Room) -> Change:
    """Remove the folder of the worktrees; it goes only where nothing but our own is left in it."""
    folder = room.worktrees_dir
    stage = folder / ".stage"
    if not stage.is_symlink():
        # By the agents' names: the folder may be one that the user has for other things, too.
        for agent in logs.writers(room):
            shutil.rmtree(stage / agent, ignore_errors=True)
        with suppress(OSError):
            stage.rmdir()
    detached.remove(room.repo, room.gate_dir)
    with suppress(OSError):
        room.gate_dir.parent.rmdir()
    try:
        folder.rmdir()
    except OSError:
        return Change(f"kept {folder}: it is not empty", False) if os.path.lexists(folder) else _gone(folder)
    return Change(f"removed {folder}", True)


def _gone(folder: Path) -> Change:
    return Change(f"{folder} is gone", False)
