"""The machine: the git command, the program that agents will call, the disk, the sidecar."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from agentroom_git.git import configuration
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.opening import OLDEST_GIT
from agentroom_git.room.room import Room
from agentroom_git.room.status import sidecar_lock_held
from agentroom_git.room.unwatched import read_unwatched
from agentroom_git.system.exchange import is_supported
from agentroom_git.system.process import environment

# The first releases of each line with the fixes of CVE-2025-48384 and CVE-2025-48385.
FIXED_GIT = ((2, 43, 7), (2, 44, 4), (2, 45, 4), (2, 46, 4), (2, 47, 3), (2, 48, 2), (2, 49, 1), (2, 50, 1))
PROGRAM = "agentroom"
_WATCHES = "raise fs.inotify.max_user_watches, or let .gitignore name the folders that hold most others"
_LITTLE, _VERY_LITTLE = 1024**3, 128 * 1024**2


def examine_git(_: Room) -> Iterator[Finding]:
    version = configuration.git_version()
    text = "git " + ".".join(map(str, version))
    if version < OLDEST_GIT:
        yield Finding("problem", f"{text} is too old", f"install git {'.'.join(map(str, OLDEST_GIT))} or later")
    elif not has_fixes(version):
        about = "has no fix of CVE-2025-48384 by its number; distributions often add it to older versions"
        yield Finding("notice", f"{text} {about}", "ask your distribution, or install git 2.50.1 or later")
    else:
        yield Finding("ok", text)


def has_fixes(version: tuple[int, ...]) -> bool:
    """Return whether this release of git, by its number, has the fixes."""
    line = next((fixed for fixed in FIXED_GIT if fixed[:2] == version[:2]), None)
    return version >= line if line is not None else version > FIXED_GIT[-1]


def examine_path(_: Room) -> Iterator[Finding]:
    """Tell which program agents get when they call `agentroom`: it may be another one of that name."""
    own = Path(sys.executable).parent / PROGRAM
    found = shutil.which(PROGRAM, path=environment().get("PATH"))
    folder = own.parent if own.exists() else "the folder of the program"
    if found is None:
        yield Finding(
            "notice", f"{PROGRAM} is not on PATH: agents cannot call it by name", f"put {folder} on PATH for agents"
        )
    elif own.exists() and Path(found).resolve() == own.resolve():
        yield Finding("ok", f"{PROGRAM} on PATH is this program")
    elif _is_ours(Path(found)):
        yield Finding(
            "notice", f"{found} is another installation of this program", f"if it is older, put {folder} first on PATH"
        )
    else:
        yield Finding("problem", f"{found} is another program of the same name", f"put {folder} first on PATH")


def _is_ours(script: Path) -> bool:
    try:
        with script.open("rb") as file:
            return b"agentroom_git" in file.read(64 * 1024)
    except OSError:
        return False


def nearest_folder(path: Path) -> Path:
    """Return the folder itself or the nearest one above it that exists."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path("/"))


def examine_disk(room: Room) -> Iterator[Finding]:
    folders = {nearest_folder(room.worktrees_dir), room.repo.common_dir}
    for folder in sorted(folders):
        free = shutil.disk_usage(folder).free
        text = f"{free // 1024**2:,} MiB are free for {folder}"
        if free < _VERY_LITTLE:
            yield Finding("problem", f"only {text}", "free some space: a fold or a checkout may stop half way")
        else:
            yield Finding("notice" if free < _LITTLE else "ok", text, "free some space" if free < _LITTLE else "")
    place = nearest_folder(room.worktrees_dir)
    if is_supported(place):
        yield Finding("ok", f"files can be exchanged in {place}")
    else:
        yield Finding(
            "problem",
            f"the file system of {place} cannot exchange files, so that nothing can be synced there without a risk",
            "set worktrees: in .agentroom.yaml to a folder on a local disk",
        )


def examine_sidecar(room: Room) -> Iterator[Finding]:
    if sidecar_lock_held(room):
        yield Finding("ok", "the sidecar is running")
        for one in read_unwatched(room):
            yield Finding("notice", f"the sidecar gets no events of {one}; it looks there now and then", _WATCHES)
    elif room.worktrees():
        yield Finding("notice", "the sidecar is not running: nothing is folded by itself", "agentroom sidecar start")
    else:
        yield Finding("ok", "the sidecar is not running, and no agent has a worktree")
