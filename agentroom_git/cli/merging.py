"""The merge without a room: of three files, as a merge driver for git, and over a repository's past merges."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentroom_git.cli.opened import Json
from agentroom_git.cli.output import plain, print_json
from agentroom_git.core.escape import one_line
from agentroom_git.errors import UsageError

if TYPE_CHECKING:
    from agentroom_git.room.merging import Merged

CONTESTED = 3
SIDES = ("ours", "theirs")
File = Annotated[Path, typer.Argument(show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("merge-file")(merge_file)


def merge_file(  # noqa: PLR0913 - one parameter an option
    base: File,
    ours: File,
    theirs: File,
    path: Annotated[str, typer.Option("--path", "-P", metavar="PATH", help="Where the file is in its project.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the result there.")] = None,
    as_driver: Annotated[
        bool, typer.Option("--driver", help="As git's merge driver (%O %A %B): write into OURS, exit code 1 for 3.")
    ] = False,
    claim: Annotated[str, typer.Option("--claim", metavar="SIDE", help="ours or theirs: whose claim decides.")] = "",
    prefer: Annotated[str, typer.Option("--prefer", metavar="SIDE", help="Who stands where no rule decides.")] = (
        "ours"
    ),
    marker_size: Annotated[int, typer.Option("--marker-size", "-L", hidden=True, help="Git's %L; not used.")] = 7,
    as_json: Json = False,
) -> None:
    """Print the merge of three files as a fold would make it. Exit code 3: something was contested."""
    from agentroom_git.room.merging import merge_files

    del marker_size  # a contested region never becomes conflict markers
    for name, value in (("--claim", claim), ("--prefer", prefer)):
        if value not in (*SIDES, ""):
            raise UsageError(f"{name} {ascii(value[:40])} names no side", hint="give ours or theirs")
    texts = [_read(file) for file in (base, ours, theirs)]
    # The names that git gives a driver's files end in no suffix that a language could be told from.
    where = path or ("" if as_driver else str(ours))
    merged = merge_files(*texts, path=where, claim=claim, prefer=prefer)
    target = ours if as_driver else output
    if target is not None:
        target.write_bytes(merged.text)
    elif not as_json:
        typer.get_binary_stream("stdout").write(merged.text)
    if as_json:
        print_json(_record(where, merged))
    else:
        _report(where or str(ours), merged)
    if merged.is_contested:
        raise typer.Exit(1 if as_driver else CONTESTED)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{ascii(str(file)[:200])} cannot be read: {error.strerror}", hint="give three files: BASE OURS THEIRS"
        ) from error


def _report(where: str, merged: "Merged") -> None:
    if merged.winner:
        _warn(f"{where} ({merged.kind}): not merged as text, {merged.winner} stands")
    for place in merged.places:
        span = f"{where}:{place.start}-{max(place.start, place.start + place.lines - 1)}"
        if place.lost:
            _warn(f"{span}: contested ({place.step}), not in the result: {', '.join(place.lost)}")
        elif place.needs_look:
            _warn(f"{span}: combined ({place.step}), look whether it fits")
    if merged.is_broken:
        _warn(f"{where}: merges cleanly, but the result does not parse")


def _warn(text: str) -> None:
    typer.echo(one_line(text), err=True)


def _record(where: str, merged: "Merged") -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": where,
        "contested": merged.is_contested,
        "kind": merged.kind,
        "winner": merged.winner,
        "parses": merged.parses,
        "broken": merged.is_broken,
        "regions": plain(merged.places),
    }
    try:
        return {**found, "text": merged.text.decode("utf-8")}
    except UnicodeDecodeError:
        return {**found, "base64": base64.b64encode(merged.text).decode("ascii")}
