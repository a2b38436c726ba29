"""The user's check on the combined work: gate, trust."""

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import Json, here, warn_untrusted
from agentroom_git.cli.output import print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.trust import Standing

NOT_PASSED = 3


def register(app: typer.Typer) -> None:
    app.command()(gate)
    app.command()(trust)


def gate(
    again: Annotated[bool, typer.Option("--again", help="Also where the result is known.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show what is done, and what the check prints.")] = False,
    as_json: Json = False,
    parent: Annotated[int, typer.Option("--parent", hidden=True, help="End when this process is gone.")] = 0,
) -> None:
    """Check what was folded last, now; where it fails, find out who broke it. Exit code 3: it did not pass."""
    from agentroom_git.room import notes
    from agentroom_git.room.gate.bench import Attention
    from agentroom_git.room.gate.reading import last_blame, read_green
    from agentroom_git.room.gate.work import Gate

    stopped = _Stopped(parent)
    follow = watch and not as_json
    attention = Attention(_Lines().show if follow else lambda chunk: None, stopped)
    room = here()
    room.integration()
    warn_untrusted(room)
    check = Gate(room, attention, say if follow or parent else lambda text: None).settle(again=again)
    notes.project(room)
    blamed = None if check.has_passed else last_blame(room, read_green(room))
    if as_json:
        print_json({"check": check, "blamed": blamed})
    else:
        say(f"{check.commit[:10]} {check.result} after {check.seconds} s")
        if not check.has_passed:
            for line in check.tail.splitlines():
                say(f"  {line}")
        if blamed is not None:
            say(blamed.subject())
    if not check.has_passed:
        raise typer.Exit(NOT_PASSED)


class _Stopped:
    """Whether to end the check: this process was asked to, or the one that started it is gone."""

    def __init__(self, parent: int) -> None:
        self._parent, self._asked = parent, False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def __call__(self) -> bool:
        return self._asked or (self._parent != 0 and os.getppid() != self._parent)


class _Lines:
    """Output as it comes, line by line and safe for a terminal."""

    def __init__(self) -> None:
        self._rest = b""

    def show(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            say(f"  {line.decode('utf-8', 'backslashreplace')}")
        if len(self._rest) > 64 * 1024:
            self._rest = b""


def trust(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take what is shown without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Show which commands of .agentroom.yaml have changed, and let the room run them from now on. The user's alone."""
    from agentroom_git.errors import UsageError
    from agentroom_git.room import trust as trusting

    room = here()
    room.integration()
    before = trusting.standing(room)
    if as_json:
        if yes:
            trusting.trust(room)
        print_json(before)
        return
    _say_differences(before)
    if before.pinned is not None and not before.differences:
        say(f"nothing has changed since {before.since}")
        return
    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes", hint="agentroom trust --yes, once you have read them")
    if yes or typer.confirm("Let the room run them?"):
        trusting.trust(room)
        say("trusted")


def _say_differences(before: "Standing") -> None:
    for one in before.differences:
        say(f"{one.key}:")
        for line in one.old:
            if line not in one.new:
                say(f"  - {line}")
        for line in one.new:
            say(f"  {' ' if line in one.old else '+'} {line}")
