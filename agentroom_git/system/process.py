"""Starting other programs; the only place that does.

Git children get an environment without the caller's `GIT_*` variables, so that a command run inside a hook or a rebase
does not act on the wrong repository, and without prompts or optional locks. They run none of the programs that a
repository's configuration can name, unless the user asked for the command: see `git_as_the_user`.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from agentroom_git.errors import AgentroomError
from agentroom_git.resources import hooks_dir

GIT_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": ":",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C.UTF-8",
}
# An agent can write the repository's configuration. Settings from the environment win over every file, so nothing that
# a file names is run. Filters, whose names are not known here, are kept out by `git/private_git.py`.
_SEAL = {
    "commit.gpgSign": "false",
    "core.alternateRefsCommand": ":",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.sshCommand": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "gpg.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}
# No transport at all: a partial clone would fetch what it lacks by whatever program its configuration names.
_SEALED_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_ASKPASS": "false"}
DEFAULT_SECONDS = 120.0


class ProcessError(AgentroomError):
    """A program could not be started or did not end in time."""


@dataclass(frozen=True, slots=True)
class Finished:
    code: int
    out: bytes
    err: bytes

    @property
    def message(self) -> str:
        """The last line that the program wrote on standard error, or else on standard output."""
        text = (self.err or self.out).decode("utf-8", "replace").strip()
        return text.splitlines()[-1] if text else f"exit {self.code}"


def environment() -> dict[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)


def _git_environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # The user's choice of where their own configuration lives stays in force.
    for key in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSH_COMMAND"):
        if key in os.environ:
            kept[key] = os.environ[key]
    return kept | GIT_ENVIRONMENT | dict(extra)


def run(
    arguments: Sequence[str | bytes | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    seconds: float = DEFAULT_SECONDS,
) -> Finished:
    """Run a program to its end without a terminal; raise `ProcessError` when it cannot start or takes too long."""
    try:
        done = subprocess.run(
            arguments, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=seconds, check=False
        )
    except FileNotFoundError as error:
        raise ProcessError(f"{error.filename!r} was not found", hint="install it or correct PATH") from error
    except subprocess.TimeoutExpired as error:
        raise ProcessError(f"{shlex.join(map(str, arguments))} did not end within {seconds:g} s") from error
    return Finished(done.returncode, done.stdout, done.stderr)


def git(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Finished:
    """Run the git command in a clean environment, without hooks, monitors, transports or signing programs.

    What reads or writes files of a worktree may still run their filters: use `git/private_git.py` for those.
    """
    return run(("git", *arguments), cwd=cwd, env=sealed_environment(env or {}), stdin=stdin)


def sealed_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment, with `env` on top, in which git runs none of the programs that a repository names."""
    sealed = _SEALED_ENVIRONMENT | dict(env)
    return _git_environment(sealed | git_settings(sealed, _SEAL))


def git_as_the_user(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Finished:
    """Run the git command as the user's own hand would, with whatever hooks and filters the repository has.

    For commands that only do what the user has just asked for, and for reading settings as they are.
    """
    return run(("git", *arguments), cwd=cwd, env=_git_environment(env or {}), stdin=stdin)


def git_settings(env: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that add git settings to those that the environment has already."""
    count = env.get("GIT_CONFIG_COUNT", "0")
    first = int(count) if count.isdigit() else 0
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(sorted(settings.items()), first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = os.fspath(value)
    return found


def users_git(*arguments: str, cwd: Path, stdin: bytes = b"", seconds: float) -> Finished:
    """Run the git command as the user would: their identity, signing and hooks, with their own environment.

    Only what binds it to another repository is left out, and it cannot ask anything.
    """
    bound = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
    env = {key: value for key, value in os.environ.items() if key not in bound}
    asking = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":", "GIT_PAGER": "cat"}
    return run(("git", *arguments), cwd=cwd, env=env | asking, stdin=stdin, seconds=seconds)


def shell(command: str, *, cwd: Path, env: Mapping[str, str], seconds: float) -> Finished:
    """Run a command line of the user's own configuration through the shell."""
    return run(("/bin/sh", "-c", command), cwd=cwd, env=env, seconds=seconds)


def attend(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], has_input: bool = True) -> int:
    """Run a program on this terminal and return its exit code (128 + signal when it was killed).

    An interrupt from the terminal reaches the program by itself; a termination of this process is passed on, and a
    second one kills the program. Without input it finds standard input at its end.
    """
    try:
        stdin = None if has_input else subprocess.DEVNULL
        child = subprocess.Popen(arguments, cwd=cwd, env=dict(env), stdin=stdin)
    except FileNotFoundError as error:
        raise ProcessError(f"{arguments[0]!r} was not found", hint="check the command after --") from error
    except PermissionError as error:
        raise ProcessError(f"{arguments[0]!r} is not executable", hint="check the command after --") from error
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _passing_on(child)),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
    }
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _passing_on(child: "subprocess.Popen[bytes]") -> "signal._HANDLER":
    asked = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            child.kill()
        else:
            child.terminate()
        asked = True

    return end


def start_detached(arguments: Sequence[str], *, cwd: Path, log: Path) -> int:
    """Start a program that outlives this one, its output appended to `log`; return its pid."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            arguments,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    # The child is never waited for: it belongs to init once this process has ended.
    child.returncode = 0
    return child.pid


def has_ended(pid: int) -> bool:
    """Return whether a program that this process has started has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def own_command() -> list[str]:
    """Return the command line that starts this very program again, whatever is on PATH."""
    return [sys.executable, "-m", "agentroom_git"]


def own_hook_command() -> list[str]:
    """Return the command line that answers agents' hooks, without the client's name: it starts Python bare."""
    return [sys.executable, "-S", str(hooks_dir() / "agent.py")]


def own_program() -> list[str]:
    """Return how other programs start this very one, from whatever folder: its script where it is installed."""
    script = Path(sys.executable).parent / "agentroom"
    return [str(script)] if script.exists() else own_command()


def terminate(pid: int) -> bool:
    """Ask a process to end; return False when there is none."""
    try:
        os.kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return False
    return True
