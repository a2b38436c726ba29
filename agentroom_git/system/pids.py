"""Which process a pid is: pids are reused, so a process is named by its pid and the moment it started.

A container or sandbox counts its own pids, so the name also says in which pid namespace it is one.
"""

import os
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")
_READERS = frozenset(
    b"annotate archive blame cat-file config credential-cache--daemon daemon describe diff fetch for-each-ref"
    b" fsmonitor--daemon gc grep help log ls-files ls-remote ls-tree maintenance name-rev rev-list rev-parse shortlog"
    b" show show-ref status whatchanged".split()
)
_INITIAL_NAMESPACE = "effffffc"  # a constant of the kernel's; every process can be seen from there
_FIELDS_BEFORE_START = 19  # of /proc/PID/stat, counted after the name in brackets; the start is field 22 of proc(5)


def own_name() -> str:
    """Name this process so that `is_alive` can tell later, in any process of this machine, whether it still runs."""
    return _name_of(os.getpid())


@lru_cache(maxsize=1)
def _name_of(pid: int) -> str:
    start, namespace = _start_of(pid), _own_namespace()
    return f"{pid} {start}.{namespace}" if start and namespace else f"{pid} {start}"


def own_brief_name() -> str:
    """Name this process like `own_name`, in at most 31 characters where pids and ticks are of the usual size."""
    pid, _, start = own_name().partition(" ")
    ticks, _, boot = start.partition("@")
    boot, _, namespace = boot.partition(".")
    return f"{pid} {ticks}@{boot[:6]}.{namespace[-4:]}".rstrip(".") if boot else pid


def is_alive(name: str) -> bool:
    """Whether the process that `own_name` named still runs. A bare pid is alive when any process has it.

    One that has ended and whose parent has not asked for its exit code does not run: a sidecar's parent may never ask.
    One of another pid namespace runs unless it can be told that it does not.
    """
    pid, _, start = name.partition(" ")
    start, _, namespace = start.partition(".")
    if namespace and _own_namespace() and not _own_namespace().endswith(namespace):
        return _may_run_elsewhere(pid, start)
    if not pid.isascii() or not pid.isdigit() or not _exists(int(pid)) or _has_ended(int(pid)):
        return False
    now = _start_of(int(pid))
    return not start or not now or now.startswith(start)


def _may_run_elsewhere(pid: str, start: str) -> bool:
    if not _boot_id().startswith(start.partition("@")[2]):
        return False
    if _own_namespace() != _INITIAL_NAMESPACE:
        return True
    found = (int(name) for name in os.listdir(_PROC) if name.isdigit())
    return any(_inner_pid_of(one) == pid and _start_of(one).startswith(start) for one in found)


def _inner_pid_of(pid: int) -> str:
    """Return the process's pid in its own namespace, "" where that is not below this one."""
    try:
        status = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    pids = status.partition("\nNSpid:")[2].partition("\n")[0].split()
    return pids[-1] if len(pids) > 1 else ""


def _own_namespace() -> str:
    try:
        return f"{(_PROC / 'self/ns/pid').stat().st_ino:08x}"
    except OSError:
        return ""


def descends_from_any_with(variables: Collection[str]) -> bool:
    """Whether a process that this one descends from was started with one of the variables in its environment.

    A process can drop its own variables, hardly those of its ancestors. False where there is no /proc.
    """
    wanted = tuple(f"{name}=".encode() for name in variables)
    pid = os.getppid()
    while pid > 1:
        try:
            entries = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            # Somebody else's, like the terminal's: nothing that we started.
            entries = []
        if any(entry.startswith(wanted) for entry in entries):
            return True
        pid = _parent_of(pid)
    return False


def _parent_of(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def is_git_at_work_in(folder: Path) -> bool:
    """Whether a git command that may change something runs in the folder; false where there is no /proc.

    Commands that only read, or serve, may run for hours (a log in a pager, a file-system monitor) and do not count.
    """
    return any(_is_git(process) for process in _processes_in(folder))


def is_anybody_in(folder: Path) -> bool:
    """Whether a process has its working directory in the folder; false where there is no /proc."""
    return next(_processes_in(folder), None) is not None


def _processes_in(folder: Path) -> Iterator[str]:
    """Yield the folder in /proc of every process whose working directory is in this one.

    They are hundreds, each looked at with each sync, so Python's path objects are left out, and context managers.
    """
    inside = f"{os.path.realpath(folder)}/"
    proc = str(_PROC)
    for name in os.listdir(proc) if os.path.isdir(proc) else ():
        if name.isdigit():
            try:
                place = os.readlink(f"{proc}/{name}/cwd")
            except OSError:  # a thread of the kernel's, or one of which we may not know
                continue
            if f"{place}/".startswith(inside):
                yield f"{proc}/{name}"


def _is_git(process: str) -> bool:
    try:
        with open(f"{process}/comm", "rb") as file:
            if file.read() != b"git\n":
                return False
        with open(f"{process}/cmdline", "rb") as file:
            words = file.read(65536).split(b"\0")
    except OSError:
        return False
    # A process without any words is on its way out: the kernel takes its memory before its working directory.
    return words != [b""] and _verb(words[1:]) not in _READERS


def _verb(words: list[bytes]) -> bytes:
    """Return git's subcommand, which follows options of git itself."""
    while words and words[0].startswith(b"-"):
        words = words[2:] if words[0] in (b"-C", b"-c", b"--git-dir", b"--work-tree") else words[1:]
    return words[0] if words else b""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0


def _has_ended(pid: int) -> bool:
    fields = _stat_of(pid)
    return bool(fields) and fields[0] in ("Z", "X")


def _start_of(pid: int) -> str:
    """Ticks from boot to the start of the process, with the boot's id; "" where the system has no /proc."""
    fields, boot = _stat_of(pid), _boot_id()
    return f"{fields[_FIELDS_BEFORE_START]}@{boot}" if fields and boot else ""


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, none where there is no such process or no /proc."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()
