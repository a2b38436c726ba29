"""Which git processes are at work in the repository, told by the kernel; git itself leaves no open file to see."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_NAMING = (b"GIT_DIR=", b"GIT_WORK_TREE=", b"GIT_INDEX_FILE=", b"GIT_COMMON_DIR=")


def git_processes(folders: Iterable[Path]) -> list[int] | None:
    """Return the pids of git processes that work below one of the folders; None where the system does not tell."""
    if not (_PROC / "self" / "cwd").exists():
        return None
    tops = [os.fsencode(folder) for folder in folders]
    return [pid for pid in _pids() if _is_git(pid) and _is_below(pid, tops)]


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _is_git(pid: int) -> bool:
    name = _read(pid, "comm").strip()
    return name == b"git" or name.startswith(b"git-")


def _is_below(pid: int, tops: list[bytes]) -> bool:
    try:
        cwd = os.fsencode(os.readlink(_PROC / str(pid) / "cwd"))
    except PermissionError:
        # Another user's process may be at work anywhere.
        return True
    except OSError:
        # It has ended.
        return False
    named = [part for part in _read(pid, "environ").split(b"\0") if part.startswith(_NAMING)]
    told = [cwd, *(part.partition(b"=")[2] for part in named), *_read(pid, "cmdline").split(b"\0")]
    return any(path == top or path.startswith(top + b"/") or (b"=" + top) in path for path in told for top in tops)


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""
