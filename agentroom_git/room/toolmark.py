"""The mark that says that a tool of an agent's runs in its worktree, so that sync comes between two tools.

A hook writes it before a tool and takes it away afterwards. It only ever delays: a mark whose process has ended, or
that has become too old, counts for nothing, whatever became of the hook that should have taken it away.

Imports next to nothing on purpose: it is on the way of every tool of an agent.
"""

import os
import time

NAME = "agentroom-tool"
"""File in the worktree's git directory: whose tool runs, as `system.pids` names a process, and until when it counts."""

LONGEST_SECONDS = {"Bash": 600.0}
"""By tool. Other tools change a file or two; that they take longer means that somebody is asked for permission."""
OTHERS_SECONDS = 30.0
TOOLS = frozenset({"Bash", "Write", "Edit", "MultiEdit", "NotebookEdit"})

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# What a client may put between itself and its hooks; it ends with the hook.
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash", "busybox", "env", "timeout"})
_FIELDS_BEFORE_START = 19
_WIDTH = 128


def follow(git_dir: str, event: str, tool: object) -> None:
    """Set the mark when a tool is about to run that may write files; any other event of the agent's takes it away."""
    if event != "PreToolUse":
        clear(git_dir)
    elif tool in TOOLS:
        _write(git_dir, f"{_owner()} {now() + LONGEST_SECONDS.get(str(tool), OTHERS_SECONDS):.3f}")


def clear(git_dir: str) -> None:
    if os.path.exists(f"{git_dir}/{NAME}"):
        _write(git_dir, "")


def is_running(git_dir: str) -> bool:
    """Return whether a tool runs in the worktree of this git directory, as far as its agent's hooks have told."""
    # Only whoever asks needs more than a hook may import.
    from agentroom_git.system.pids import is_alive  # noqa: PLC0415

    owner, _, until = _read(f"{git_dir}/{NAME}").strip().rpartition(" ")
    try:
        left = float(until) - now()
        # A mark that claims more time than any tool has is damaged.
        return bool(owner) and 0 < left <= max(LONGEST_SECONDS.values()) + 1 and is_alive(owner)
    except ValueError:
        return False


def now() -> float:
    return time.clock_gettime(_SINCE_BOOT)


def _write(git_dir: str, text: str) -> None:
    """Overwrite the mark in place: ext4 takes up to 100 times as long to make and remove a file, or to truncate one."""
    handle = os.open(f"{git_dir}/{NAME}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, text.encode().ljust(_WIDTH))
    finally:
        os.close(handle)


def _owner() -> str:
    """Return the name of the process that runs the tools: the nearest above this hook that is no shell."""
    pid = os.getppid()
    while True:
        before, _, after = _read(f"/proc/{pid}/stat").rpartition(")")
        fields = after.split()
        if len(fields) <= _FIELDS_BEFORE_START:
            return str(pid)  # no /proc here
        if before.partition("(")[2] not in _SHELLS or int(fields[1]) <= 1:
            return f"{pid} {fields[_FIELDS_BEFORE_START]}@{_read('/proc/sys/kernel/random/boot_id').strip()}"
        pid = int(fields[1])


def _read(path: str) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(handle, 4096).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
