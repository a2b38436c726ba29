"""Locks that were left behind. Only our own are ever removed, and only when their process is dead.

Neither its age nor open files tell a dead lock of git's from a live one: while a slow hook runs, `index.lock` has an
old date and nobody has it open.
"""

from collections.abc import Iterator
from pathlib import Path

from agentroom_git.git.worktree_lock import clear_own_stale_lock, is_left
from agentroom_git.git.worktrees import list_worktrees
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.left_locks import take_all_back
from agentroom_git.room.room import Room
from agentroom_git.system.git_processes import git_processes
from agentroom_git.system.pids import is_alive

_SIGN = "agentroom "
_IN_WORKTREE = ("index.lock", "HEAD.lock")
_IN_COMMON = ("packed-refs.lock", "config.lock", "shallow.lock", "objects/maintenance.lock")
_REFS = ("refs/agentroom", "refs/heads/agentroom", "refs/notes/agentroom")


def examine_locks(room: Room, *, fix: bool) -> Iterator[Finding]:
    folders = [room.repo.common_dir, *(found.git_dir for found in list_worktrees(room.repo))]
    if fix:
        left = [folder for folder in folders if is_left(folder)]
        take_all_back(room)
        for folder in left:
            if clear_own_stale_lock(folder) or not is_left(folder):
                yield Finding("ok", f"removed a lock in {folder} that a killed sync had left")
    found = list(_locks(room.repo.common_dir, folders))
    if not found:
        yield Finding("ok", "no lock is held in the repository")
        return
    tops = [room.repo.common_dir, room.checkout, *(one.path for one in list_worktrees(room.repo))]
    at_work = git_processes(tops)
    for lock in found:
        yield _judge(room, lock, at_work)


def _locks(common: Path, folders: list[Path]) -> Iterator[Path]:
    named = [folder / name for folder in folders for name in _IN_WORKTREE]
    named += [common / name for name in _IN_COMMON]
    yield from (path for path in named if path.exists())
    for prefix in _REFS:
        yield from sorted((common / prefix).rglob("*.lock"))


def _judge(room: Room, lock: Path, at_work: list[int] | None) -> Finding:
    try:
        age = max(0, int(room.clock.now().timestamp() - lock.stat().st_mtime))
        sign = lock.read_bytes()[:200].decode("utf-8", "replace")
    except FileNotFoundError:
        return Finding("ok", f"{lock} was free again a moment later")
    text = f"{lock} is {age} s old"
    if sign.startswith(_SIGN):
        if is_alive(sign.removeprefix(_SIGN).strip()):
            return Finding("notice", f"{text}: a sync of ours is at work", "wait for it to end")
        return Finding("problem", f"{text}: a killed sync of ours left it", "agentroom doctor --fix")
    if at_work:
        pids = ", ".join(map(str, at_work[:3]))
        return Finding("notice", f"{text}, and git is at work here (pid {pids})", "wait for it to end")
    alone = "no git process is at work here" if at_work is not None else "this system does not tell whether git runs"
    return Finding(
        "problem", f"{text}, and {alone}", f"if no other machine or container uses this repository: rm {lock}"
    )
