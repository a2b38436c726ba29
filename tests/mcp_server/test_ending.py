"""The server ends when its client is gone, whichever way that shows.

LIMIT is twice the promised two seconds, as tests run beside each other.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from agentroom_git.room import messages
from agentroom_git.system.locks import held
from agentroom_git.system.process import own_command
from rooms import Bed

LIMIT = 4.0

Start = Callable[..., Any]

# Starts a server on its own pipes, says so, and waits to be killed.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:])
child.wait()
"""


def _closes_output(process: subprocess.Popen[bytes]) -> bool:
    """Whether the last process that holds the server's output ends within the limit."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], LIMIT)
    return bool(ready) and process.stdout.read() == b""


def test_it_ends_with_success_when_standard_input_closes(bed: Bed, wire: Start) -> None:
    alice = wire(bed.path("alice"))
    alice.process.stdin.close()
    assert alice.process.wait(LIMIT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_on_a_signal_while_standard_input_is_open(number: signal.Signals, bed: Bed, wire: Start) -> None:
    alice = wire(bed.path("alice"))
    alice.process.send_signal(number)
    assert alice.process.wait(LIMIT) == 128 + number


def test_it_ends_when_its_client_was_killed_and_the_pipe_is_held_open(bed: Bed, wire: Start) -> None:
    alice = wire(bed.path("alice"), (sys.executable, "-c", PARENT, *own_command(), "mcp"))
    alice.call("status")
    os.kill(alice.process.pid, signal.SIGKILL)
    assert _closes_output(alice.process)


def test_it_ends_when_standard_input_closes_while_a_call_waits_for_a_lock(bed: Bed, wire: Start) -> None:
    alice = wire(bed.path("alice"))
    with held(bed.room().private / "fold.lock", seconds=5, what="the fold lock"):
        alice.request("tools/call", name="sync", arguments={})
        alice.answer(alice.request("tools/list"))
        alice.process.stdin.close()
        assert alice.process.wait(LIMIT) == 0


def test_a_call_under_way_is_finished_before_it_ends_on_a_signal(bed: Bed, wire: Start) -> None:
    alice = wire(bed.path("alice"))
    with held(bed.room().refs.lock, seconds=5, what="the lock on refs"):
        alice.request("tools/call", name="broadcast", arguments={"text": "last words"})
        alice.answer(alice.request("tools/list"))
        alice.process.send_signal(signal.SIGTERM)
    assert alice.process.wait(LIMIT) == 128 + signal.SIGTERM
    assert [one.text for one in messages.unread(bed.as_agent("bob")).messages] == ["last words"]
