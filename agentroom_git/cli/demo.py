"""`agentroom demo`: two scripted agents finish a small project in one repository, without any account."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json
from agentroom_git.cli.output import print_json, say

if TYPE_CHECKING:
    from agentroom_git.agents.demo import Outcome

Keep = Annotated[bool, typer.Option("--keep", help="Keep the folder, to look around in it.")]


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(keep: Keep = False, as_json: Json = False) -> None:
    """Watch two scripted agents share one repository. Exit code 0: what they made passes its tests."""
    from agentroom_git.agents.demo import Stage, close, play
    from agentroom_git.system.clock import SystemClock

    clock = SystemClock()
    began = clock.monotonic()
    with _folder(keep) as folder:
        stage = Stage(folder, clock)
        try:
            outcome = play(stage, _keep_silent if as_json else _tell)
        finally:
            close(stage)
    seconds = clock.monotonic() - began
    if as_json:
        print_json({"outcome": outcome, "seconds": round(seconds, 1), "folder": folder if keep else None})
    else:
        _conclude(outcome, seconds)
    if not outcome.is_good:
        raise typer.Exit(1)


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """Make a temporary folder, and remove it however the block ends, unless it is to be kept."""
    # A termination unwinds like an interrupt: agents and sidecar are stopped, the folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = Path(tempfile.mkdtemp(prefix="agentroom-demo-"))
    try:
        yield folder
    finally:
        if keep:
            typer.echo(f"kept {folder}; look around with: git -C {folder / 'ledger'} log --graph --all", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _tell(who: str, what: str) -> None:
    say(f"{who + ':':7}{what}" if who else what)


def _keep_silent(who: str, what: str) -> None:
    return


def _conclude(outcome: "Outcome", seconds: float) -> None:
    say()
    for line in outcome.graph.splitlines():
        say(line.rstrip())
    say()
    say(f"tests before: {outcome.tests_before}")
    say(f"tests on integration: {outcome.tests}")
    say(f"both worktrees equal integration: {'yes' if outcome.worktrees_equal else 'no'}")
    for name, code in outcome.agents.items():
        if code:
            say(f"{name} exited {code}")
    say(f"{seconds:.1f} s")
