"""Watching the room, as lines and as a screen."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import IO

import pytest

from agentroom_git.cli.watch import _screen
from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination, following, logs, messages
from agentroom_git.room.following import Follower
from agentroom_git.system.clock import SystemClock
from rooms import Bed, edited, numbered

PATIENCE_SECONDS = 30.0


@contextmanager
def watching(
    bed: Bed, *arguments: str, output: int | None = None, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "agentroom_git", "watch", *arguments]
    environment = {**os.environ, "TERM": "xterm", "PYTHONUNBUFFERED": "1", **variables}
    child = subprocess.Popen(
        command, cwd=bed.repository, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE if output is None else output,
        # Whoever starts the tests in the background has interrupts ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def lines_of(stream: IO[bytes] | None, count: int) -> list[str]:
    assert stream is not None
    return [stream.readline().decode() for _ in range(count)]


def test_lines_come_as_they_are_said_and_an_interrupt_ends_it_well(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice = bed.as_agent("alice")
    messages.broadcast(alice, "before")
    with watching(bed, "-n", "1") as child:
        assert lines_of(child.stdout, 1)[0].endswith("alice said: before\n")
        messages.broadcast(alice, "one \x1b[31m\nand more")
        coordination.claim(alice, ["src"])
        said, claimed = lines_of(child.stdout, 2)
        assert said.endswith("alice said: one \\x1b[31m\\nand more\n")
        assert "alice claimed src" in claimed
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE_SECONDS) == 0
        assert child.stderr is not None
        assert child.stderr.read() == b""


def test_programs_get_one_record_a_line(bed: Bed) -> None:
    bed.join("alice")
    with watching(bed, "--json", "-n", "1") as child:
        assert json.loads(lines_of(child.stdout, 1)[0])["kind"] == "joined"
        messages.broadcast(bed.as_agent("alice"), "hello")
        record = json.loads(lines_of(child.stdout, 1)[0])
    assert (record["who"], record["text"], record["kind"]) == ("alice", "said: hello", "broadcast")


def test_the_screen_shows_who_holds_what_and_what_is_said(bed: Bed) -> None:
    bed.join("alice")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with watching(bed, output=theirs) as child:
        os.close(theirs)
        assert "alice idle" in shown(ours, "Ctrl-C ends")
        coordination.claim(bed.as_agent("alice"), ["src"], reason="posting \x1b[2Jrules")
        screen = shown(ours, "alice holds src")
        assert '"posting \\x1b[2Jrules"' in screen
        child.send_signal(signal.SIGINT)
        shown(ours, "\x1b[?1049l")  # the screen as it was before
        assert child.wait(PATIENCE_SECONDS) == 0
    os.close(ours)


def test_the_screen_begins_with_what_is_asked_for_and_goes_on_where_the_configuration_breaks(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    messages.broadcast(alice, "an old tale")
    ours, theirs = pty.openpty()
    # What tests are run by may have said how wide it is.
    with watching(bed, "--limit", "0", output=theirs, COLUMNS="600", LINES="24"):
        os.close(theirs)
        assert "an old tale" not in shown(ours, "Ctrl-C ends")
        (bed.repository / ".agentroom.yaml").write_text("no-such-setting: 1\n")
        messages.broadcast(alice, "news")
        screen = shown(ours, "no-such-setting")
        assert "an old tale" not in screen
    os.close(ours)


def shown(terminal: int, wanted: str) -> str:
    """Return what the terminal is sent until the text is in it."""
    found = ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while wanted not in found:
        if not select.select([terminal], [], [], max(deadline - time.monotonic(), 0))[0]:
            pytest.fail(f"{wanted!r} did not come: {found!r}")
        found += os.read(terminal, 65536).decode("utf-8", "replace")
    return found


def test_a_screen_is_never_longer_than_the_terminal_and_ends_with_the_newest_line() -> None:
    state, story = [f"state {number}" for number in range(40)], [f"line {number}" for number in range(40)]
    for height in range(3, 60):
        for some in (state, state[:3]):
            lines = list(_screen(some, story, height))
            assert len(lines) <= height
            assert height < 6 or "line 39" in lines


def test_where_nothing_moved_nothing_is_read(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    follower = Follower(bed.room())
    assert [line.text for line in follower.begin(10)] == ["opened the room on main", "joined"]
    with monkeypatch.context() as patch:
        patch.setattr(logs, "read_log", lambda *_: pytest.fail("read"))
        patch.setattr(following, "read_folds", lambda *_: pytest.fail("read"))
        assert follower.news() == []
    messages.broadcast(bed.as_agent("alice"), "hello")
    assert [line.text for line in follower.news()] == ["said: hello"]


def test_what_is_new_is_told_whatever_the_clocks_of_agents_say_and_however_much_it_is(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered()}, "a start")
    bed.settle()
    follower = Follower(bed.room())
    follower.begin(0)
    slow = replace(bed.as_agent("bob"), clock=_Behind())
    for number in range(30):
        messages.broadcast(bed.as_agent("alice"), f"alice {number}")
    messages.broadcast(slow, "bob, an hour late")
    coordination.claim(slow, ["src"])
    bed.commit("alice", {"f.txt": edited(numbered(), 3, "new")}, "more")
    bed.settle()

    told = [line.text for line in follower.news()]

    assert {"said: bob, an hour late", *(f"said: alice {number}" for number in range(30))} <= set(told)
    assert sum("claimed src" in text for text in told) == 1
    assert sum(text.startswith("folded alice") for text in told) == 1
    assert follower.news() == []


def test_a_log_that_was_put_back_has_nothing_new(bed: Bed) -> None:
    bed.join("alice")
    log = bed.room().names.log(AgentName("alice"))
    before = bed.git("rev-parse", log, cwd=bed.repository).strip()
    messages.broadcast(bed.as_agent("alice"), "hello")
    follower = Follower(bed.room())
    follower.begin(0)
    bed.git("update-ref", log, before, cwd=bed.repository)
    assert follower.news() == []


class _Behind(SystemClock):
    """A clock that is an hour slow."""

    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


def test_it_ends_when_nobody_reads_it_any_more(bed: Bed) -> None:
    bed.join("alice")
    with watching(bed, "-n", "1") as child:
        assert lines_of(child.stdout, 1)
        assert child.stdout is not None
        child.stdout.close()
        assert child.wait(PATIENCE_SECONDS) == 0


def test_without_a_screen_or_an_output_it_does_not_fail(bed: Bed) -> None:
    bed.join("alice")
    ours, theirs = pty.openpty()
    with watching(bed, "-n", "1", output=theirs, TERM="dumb"):
        os.close(theirs)
        assert "alice joined" in shown(ours, "joined")
    os.close(ours)
    for command in ("watch", "diff"):
        line = f"exec {sys.executable} -m agentroom_git {command} >&-"
        done = subprocess.run(["sh", "-c", line], cwd=bed.repository, capture_output=True, timeout=PATIENCE_SECONDS)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
