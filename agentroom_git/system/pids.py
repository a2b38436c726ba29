"""Which process a pid is: pids are reused, so a process is named by its pid and the moment it started."""

import os
from contextlib import nullcontext
from pathlib import Path

_PROC = Path("/proc")
_FIELDS_BEFORE_START = 19  # of /proc/PID/stat, counted after the name in brackets; the start is field 22 of proc(5)


def own_name() -> str:
    """Name this process so that `is_alive` can tell later, in any process of this machine, whether it still runs."""
    return f"{os.getpid()} {_start_of(os.getpid())}"


def is_alive(name: str) -> bool:
    """Whether the process that `own_name` named still runs. A bare pid is alive when any process has it."""
    pid, _, start = name.partition(" ")
    if not pid.isascii() or not pid.isdigit() or not _exists(int(pid)):
        return False
    now = _start_of(int(pid))
    return not start or not now or start == now


def is_program_in(name: str, folder: Path) -> bool:
    """Whether a program of this name runs with its working directory in the folder; false where there is no /proc."""
    inside = f"{folder.resolve()}{os.sep}"
    with os.scandir(_PROC) if _PROC.is_dir() else nullcontext(()) as processes:
        return any(_is_in(process.path, name, inside) for process in processes if process.name.isdigit())


def _is_in(process: str, name: str, inside: str) -> bool:
    try:
        with open(f"{process}/comm", "rb") as file:
            if file.read().rstrip(b"\n") != name.encode():
                return False
        return f"{os.readlink(f'{process}/cwd')}{os.sep}".startswith(inside)
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0


def _start_of(pid: int) -> str:
    """Ticks from boot to the start of the process, with the boot's id; "" where the system has no /proc."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return f"{fields[_FIELDS_BEFORE_START]}@{boot}"
