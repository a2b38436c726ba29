"""The `agentroom` command: its groups, and the one place where errors become messages and exit codes."""

import errno
import sys
from importlib import import_module
from typing import Annotated

import typer

from agentroom_git import __version__
from agentroom_git.cli.output import complain
from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError, UsageError

GROUPS = {
    "repository": ("init", "uninstall", "doctor"),
    "presence": ("join", "leave"),
    "sidecar": ("sidecar",),
    "folding": ("fold", "sync", "notes", "verify"),
    "gate": ("gate", "trust"),
    "landing": ("land", "undo", "gc"),
    "coordination": ("claim", "release", "handoff", "claims", "broadcast", "read"),
    "tasks": ("note", "wait", "task"),
    "inspect": ("status", "log", "contested", "resolve"),
    "diff": ("diff",),
    "watch": ("watch",),
    "stats": ("stats",),
    "mcp": ("mcp",),
    "demo": ("demo",),
    "merging": ("merge-file", "replay-merges"),
    "run": ("run",),
    "crew": ("up", "down"),
}
"""Which commands each module registers, in the order in which the help shows them."""

_FREE = "free some space: agentroom doctor says on which disk"
_WRITABLE = "the repository, its .git and the agents' worktrees must be writable for you"
_REMEDIES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EMFILE: "raise the number of open files: ulimit -n",
}

app = typer.Typer(
    name="agentroom",
    help="A room for several coding agents on one repository: worktrees that merge by themselves, claims, broadcasts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def register(command: str = "") -> typer.Typer:
    """Register the commands and return the application: the module of `command` alone where that is one of ours."""
    modules = [module for module, commands in GROUPS.items() if command in commands] or list(GROUPS)
    for module in modules:
        import_module(f"agentroom_git.cli.{module}").register(app)
    app.command()(hook)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agentroom {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of every command."""


def hook(
    client: Annotated[
        str, typer.Argument(metavar="CLIENT", help="Whose events these are: claude, codex, gemini, opencode, qwen.")
    ],
) -> None:
    """Answer an event of an agent's command line: JSON on standard input, JSON on standard output."""
    # Only the help comes this way: `entry` answers events before this module is imported.
    from agentroom_git.cli import hook as hooks

    raise typer.Exit(hooks.main([client]))


def main() -> None:
    """Run the command line; every error that a user can act on becomes one line, a hint and its exit code."""
    try:
        sys.exit(register(*sys.argv[1:2])(prog_name="agentroom", standalone_mode=False))
    except AgentroomError as error:
        complain(error)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        _explain(error)
        sys.exit(UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away: nobody is left to tell.
        sys.stdout = None
        sys.exit(141)
    except OSError as error:
        complain(_of_the_system(error))
        sys.exit(1)


def _of_the_system(error: OSError) -> AgentroomError:
    """Return what the system refused, with the path where it names one, and what helps."""
    where = error.filename.decode("utf-8", "replace") if isinstance(error.filename, bytes) else error.filename
    text = f"{error.strerror or error}: {where}" if where else f"{error.strerror or error}"
    return AgentroomError(one_line(text), hint=_REMEDIES.get(error.errno or 0, "agentroom doctor looks for the cause"))


def _explain(error: typer.TyperException) -> None:
    """Print what was wrong with the command line as one of our own errors, or the help where nothing was asked for."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "agentroom"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if message.startswith("Usage:"):
        typer.echo(message, err=True)
    else:
        complain(UsageError(message.rstrip("."), hint=f"{command} -h"))
