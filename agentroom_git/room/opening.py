"""Opening a room in a repository, and taking everything back but the history."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import agentroom_git.git.repo as repositories
from agentroom_git.core.events import Opened
from agentroom_git.core.ids import HUMAN, Oid
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git import configuration
from agentroom_git.git.folds import write_opening
from agentroom_git.git.repo import UnsupportedRepositoryError
from agentroom_git.resources import templates_dir
from agentroom_git.room import logs
from agentroom_git.room.base import opening
from agentroom_git.room.config import FILE_NAME
from agentroom_git.room.room import Room

OLDEST_GIT = (2, 34)
DISPLAY_REF = "refs/notes/agentroom/*"
TEMPLATE = "agentroom.yaml"


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
    _check_index(room)
    _check_refs(room)


def _check_git() -> None:
    version = configuration.git_version()
    if version < OLDEST_GIT:
        found, needed = (".".join(map(str, number)) for number in (version, OLDEST_GIT))
        raise UnsupportedRepositoryError(f"git {found} is too old", hint=f"install git {needed} or later")


def _check_index(room: Room) -> None:
    settings = room.repo.handle.config
    if _is_on(settings, "core.sparsecheckout"):
        raise UnsupportedRepositoryError("this checkout is sparse", hint="git sparse-checkout disable")
    index = room.repo.git_dir / "index"
    # `link` and `sdir` are the index extensions that libgit2 refuses: a split and a sparse index.
    if _is_on(settings, "core.splitindex") or _has_extension(index, b"link"):
        raise UnsupportedRepositoryError("this checkout has a split index", hint="git update-index --no-split-index")
    if _is_on(settings, "index.sparse") and _has_extension(index, b"sdir"):
        raise UnsupportedRepositoryError("this checkout has a sparse index", hint="git sparse-checkout disable")


def _is_on(settings: configuration.Settings, key: str) -> bool:
    return key in settings and settings.get_bool(key)


def _has_extension(index: Path, name: bytes) -> bool:
    """Tell whether the index has the extension, by its tag: a file name that contains it is a false alarm at worst."""
    try:
        return re.search(rb"\0" + name + rb"\0", index.read_bytes()) is not None
    except OSError:
        return False


def _check_refs(room: Room) -> None:
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
    """Open the room, or complete one that was opened before; raise before anything is changed."""
    check_repository(room)
    return [_open_integration(room), _record_opening(room), _write_config(room), _show_notes(room)]


def _open_integration(room: Room) -> Change:
    name = room.names.integration
    if room.refs.get(name) is not None:
        return Change(f"branch {name.removeprefix('refs/heads/')} is there", False)
    head = repositories.head_commit(room.repo.handle)
    if head is None:
        raise UnsupportedRepositoryError("this repository has no commit yet", hint="git commit --allow-empty -m start")
    commit = write_opening(room.history, room.names.room, head, room.clock.now())
    if not room.refs.swap(name, commit, None, message="agentroom: init"):
        return Change(f"branch {name.removeprefix('refs/heads/')} is there", False)
    return Change(f"made branch {name.removeprefix('refs/heads/')}, with an empty commit on yours", True)


def _record_opening(room: Room) -> Change:
    ref = room.names.log(HUMAN)
    if opening(room) is not None:
        return Change(f"log {ref} is there", False)
    branch = repositories.head_branch(room.repo.handle) or ""
    commit: Oid = room.integration()
    logs.record(room, Opened(room.config.base or branch.removeprefix("refs/heads/"), commit), writer=HUMAN)
    return Change(f"made log {ref}", True)


def _write_config(room: Room) -> Change:
    path = room.checkout / FILE_NAME
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_template())
    except FileExistsError:
        return Change(f"{FILE_NAME} is there", False)
    return Change(f"wrote {FILE_NAME}, all of it comments: commit it if you like", True)


def _template() -> str:
    return (templates_dir() / TEMPLATE).read_text("utf-8")


def _show_notes(room: Room) -> Change:
    if DISPLAY_REF in configuration.values(room.repo, "notes.displayRef"):
        return Change("git log shows the room's notes", False)
    configuration.add(room.repo, "notes.displayRef", DISPLAY_REF)
    return Change(f"set notes.displayRef to {DISPLAY_REF}, so that git log shows the room's notes", True)


def check_closable(room: Room) -> None:
    """Raise `UsageError` while agents have worktrees, or inside one."""
    if room.repo.is_linked:
        raise UsageError(f"{room.repo.worktree} is a linked worktree", hint=f"run it in {room.checkout}")
    present = sorted(room.worktrees())
    if present:
        raise UsageError(f"agents have worktrees: {', '.join(present)}", hint="agentroom leave NAME for each")


def close(room: Room) -> list[Change]:
    """Take back what `open_new` changed, except the history; agents must have left."""
    check_closable(room)
    changes = []
    if DISPLAY_REF in configuration.values(room.repo, "notes.displayRef"):
        configuration.remove(room.repo, "notes.displayRef", DISPLAY_REF)
        changes.append(Change("removed notes.displayRef", True))
    changes.append(_remove_config(room))
    if room.repo.private_dir.is_dir():
        shutil.rmtree(room.repo.private_dir)
        changes.append(Change(f"removed {room.repo.private_dir}", True))
    changes.append(_remove_folder(room))
    kept = f"kept the history: branches agentroom/{room.names.room}/*, refs/agentroom/*, refs/notes/agentroom/*"
    return [*changes, Change(kept, False)]


def _remove_config(room: Room) -> Change:
    path = room.checkout / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Change(f"{FILE_NAME} is gone", False)
    except (OSError, UnicodeDecodeError) as error:
        raise AgentroomError(f"{path} cannot be read: {error}") from error
    if text != _template():
        return Change(f"kept {FILE_NAME}: you changed it", False)
    path.unlink()
    return Change(f"removed {FILE_NAME}", True)


def _remove_folder(room: Room) -> Change:
    """Remove the folder of the worktrees; it goes only where nothing but our own stage is left in it."""
    folder = room.worktrees_dir
    shutil.rmtree(folder / ".stage", ignore_errors=True)
    try:
        folder.rmdir()
    except OSError:
        return Change(f"kept {folder}", False) if folder.exists() else Change(f"{folder} is gone", False)
    return Change(f"removed {folder}", True)
