"""The merge without a room: of three files, as a merge driver for git, and over a repository's past merges."""

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentroom_git.cli.opened import Json
from agentroom_git.cli.output import plain, print_json, say
from agentroom_git.core.escape import one_line
from agentroom_git.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from agentroom_git.room.merging import Merged
    from agentroom_git.room.replay import Outcome
    from agentroom_git.room.replay_report import Report

CONTESTED = 3
SIDES = ("ours", "theirs")
File = Annotated[Path, typer.Argument(show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("merge-file")(merge_file)
    app.command("replay-merges")(replay_merges)


def merge_file(  # noqa: PLR0913 - one parameter an option
    base: File,
    ours: File,
    theirs: File,
    path: Annotated[str, typer.Option("--path", "-P", metavar="PATH", help="Where the file is in its project.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the result there.")] = None,
    as_driver: Annotated[
        bool,
        typer.Option("--driver", help="As git's merge driver (%O %A %B): into OURS, with markers; exit code 1 for 3."),
    ] = False,
    claim: Annotated[str, typer.Option("--claim", metavar="SIDE", help="ours or theirs: whose claim decides.")] = "",
    prefer: Annotated[str, typer.Option("--prefer", metavar="SIDE", help="Who stands where no rule decides.")] = (
        "ours"
    ),
    marker_size: Annotated[int, typer.Option("--marker-size", "-L", hidden=True, help="Git's %L.", min=1)] = 7,
    as_json: Json = False,
) -> None:
    """Print the merge of three files as a fold would make it. Exit code 3: something was contested."""
    from agentroom_git.room.merging import mark_conflicts, merge_files, shows_base

    for name, value in (("--claim", claim), ("--prefer", prefer)):
        if value not in (*SIDES, ""):
            raise UsageError(f"{name} {ascii(value[:40])} names no side", hint="give ours or theirs")
    texts = [_read(file) for file in (base, ours, theirs)]
    # The names that git gives a driver's files end in no suffix that a language could be told from.
    where = path or ("" if as_driver else str(ours))
    merged = merge_files(*texts, path=where, claim=claim, prefer=prefer, explain=as_json)
    target = ours if as_driver else output
    if target is not None:
        is_marked = as_driver and merged.is_contested
        before = texts[0] if is_marked and shows_base(Path.cwd()) else None
        _write(target, mark_conflicts(merged, marker_size, before) if is_marked else merged.text)
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


def _write(file: Path, text: bytes) -> None:
    try:
        file.write_bytes(text)
    except OSError as error:
        raise UsageError(
            f"{ascii(str(file)[:200])} cannot be written: {error.strerror}",
            hint="name a file in a folder that is there",
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


def replay_merges(
    repo: Annotated[Path, typer.Argument(metavar="REPO", show_default=False, help="A repository; it is only read.")],
    every_ref: Annotated[
        bool, typer.Option("--all", help="Every ref's merges, not only those of HEAD; folds are merges, too.")
    ] = False,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Only merges since then: 30m, 2h, 52w, or a date.")
    ] = "",
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="The newest N merges.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=0, help="Processes; 0: one a core.")] = 0,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="FILE", help="Keep records; go on from it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON record a file.")] = False,
) -> None:
    """Merge again what a repository's history merged, and compare with git and with its developers.

    Exit code 1: a file that git merges cleanly came out different.
    """
    from agentroom_git.core.moments import parse_moment
    from agentroom_git.room.replay_report import Tally
    from agentroom_git.system.clock import SystemClock

    moment = parse_moment(since, SystemClock().now()) if since else None
    tally = Tally()
    try:
        for outcome in _progress(repo, every_ref, moment, limit, jobs or os.cpu_count() or 1, resume):
            tally.add(outcome)
            if as_json:
                for record in outcome.records:
                    typer.echo(json.dumps(plain(record), ensure_ascii=True))
    except KeyboardInterrupt:
        kept = f"what was done is in {resume}: the same command goes on" if resume else "--resume FILE would keep it"
        _warn(f"interrupted after {tally.merges} merges; {kept}")
        raise
    report = tally.report()
    if not as_json:
        say_report(report)
    if report.different:
        raise typer.Exit(1)


def _progress(
    repo: Path, every_ref: bool, since: "datetime | None", limit: int | None, jobs: int, resume: Path | None
) -> "Iterator[Outcome]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from agentroom_git.room.replay import replay

    console = Console(stderr=True)
    columns = (TextColumn("merges"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("merges", total=None)

        def started(total: int, known: int) -> None:
            progress.update(task, total=total)

        for outcome in replay(
            repo, every_ref=every_ref, since=since, limit=limit, jobs=jobs, resume=resume, started=started
        ):
            yield outcome
            progress.advance(task)


def say_report(report: "Report") -> None:
    """Print the figures of a replay, line by line."""
    left_out = f", {report.skipped} of them left out (several merge bases, or not all of it is here)"
    merges = f"{report.merges} merges" + (left_out if report.skipped else "")
    say(f"{merges}; {report.files} files changed on both sides")
    if not report.files:
        return
    say(f"clean in git: {report.agree} the same bytes")
    say("conflicting in git, against the developer's text up to trailing white space:")
    say(f"  first parent preferred: {report.equal} equal; second: {report.equal_second}")
    say(f"  parse, where both versions do: {report.parse}; Python: {report.compile}")
    say(f"contested: {report.contested} files")
    say(
        f"a file took {report.median_bare_ms:.2f} ms in the median, {report.median_ms:.2f} ms with the guard "
        f"({report.longest_ms:.0f} ms at most); git merge-file as a process {report.median_git_ms:.2f} ms"
    )
    for title, shares in (("by class of all its regions", report.shapes), ("by steps", report.steps)):
        say(f"{title}, equal to the developer's:")
        for name, share in list(shares.items())[:12]:
            say(f"  {share}  {name}")
    for merge, path in report.different:
        say(f"different from git: {merge} {path}")
