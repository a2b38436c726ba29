"""The `agentroom` command: its groups, and the one place where errors become messages and exit codes."""

import sys
from typing import Annotated

import typer

from agentroom_git import __version__
from agentroom_git.cli import coordination, demo, folding, inspect, mcp, presence, repository, sidecar
from agentroom_git.cli.output import complain
from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError

app = typer.Typer(
    name="agentroom",
    help="A room for several coding agents on one repository: worktrees that merge by themselves, claims, broadcasts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for group in (repository, presence, sidecar, folding, coordination, inspect, mcp, demo):
    group.register(app)


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


def main() -> None:
    """Run the command line; every error that a user can act on becomes one line, a hint and its exit code."""
    try:
        app()
    except AgentroomError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away: nobody is left to tell.
        sys.stdout = None
        sys.exit(141)
    except OSError as error:
        complain(AgentroomError(one_line(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))))
        sys.exit(1)
