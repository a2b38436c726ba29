"""What is not yet where it is to go: `diff`."""

import sys
from base64 import b64encode
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, from_here, here
from agentroom_git.cli.output import plain, print_json, say
from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import parse_agent

if TYPE_CHECKING:
    from agentroom_git.git.compare import ChangedFile
    from agentroom_git.room.comparing import Comparison

_COLOURS = {"diff ": "yellow", "@@": "cyan", "+": "green", "-": "red"}


def register(app: typer.Typer) -> None:
    app.command()(diff)


def diff(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Only these files, folders.")] = None,
    of: Annotated[
        str,
        typer.Option("--of", metavar="NAME", help="What this agent has, committed or not, and nobody else has."),
    ] = "",
    stat: Annotated[bool, typer.Option("--stat", help="Only which files, and how many lines.")] = False,
    as_json: Json = False,
) -> None:
    """Show what `land` would bring to your branch; in an agent's worktree, or with --of, what only that agent has."""
    from agentroom_git.room.comparing import compare

    room = here(to_read=True)
    whose = parse_agent(of) if of else room.me
    shown = compare(room, whose, [from_here(room, path) for path in paths or ()], patch=not stat)
    if as_json:
        print_json(_for_programs(shown))
        return
    _say_patch(shown.found.patch)
    for file in shown.found.files if stat else ():
        say(_line_of(file))
    count = len(shown.found.files)
    files = f"{count} file{'' if count == 1 else 's'}" if count else "nothing"
    typer.echo(f"{shown.title}: {files}", err=True)
    for path, reason in shown.found.left:
        typer.echo(one_line(f"not shown: {path} ({reason})"), err=True)


def _for_programs(shown: "Comparison") -> dict[str, object]:
    """Return what JSON says; a patch that is no UTF-8 is in it a second time, so that it can be applied."""
    patch = shown.found.patch
    try:
        patch.decode()
        exact = None
    except UnicodeDecodeError:
        exact = b64encode(patch).decode()
    return {**plain(shown), "patch_base64": exact}


def _line_of(file: "ChangedFile") -> str:
    return f"{file.path} | binary" if file.added is None else f"{file.path} | +{file.added} -{file.removed}"


def _say_patch(patch: bytes) -> None:
    """Write the patch as it is for a program, and escaped line by line, in colours, for a terminal."""
    if not patch or sys.stdout is None:
        return
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(patch)
        sys.stdout.flush()
        return
    for line in patch.decode("utf-8", "backslashreplace").split("\n")[:-1]:
        colour = next((name for start, name in _COLOURS.items() if line.startswith(start)), None)
        typer.secho(one_line(line.expandtabs()), fg=colour)
