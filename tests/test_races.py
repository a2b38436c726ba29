"""Races between real processes: one winner of every claim, and no broadcast lost."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentroom_git.room import coordination, messages
from rooms import Bed, Git

PROCESSES = 8
ROUNDS = 20
BROADCASTS = 25

# Both answer each line of their input with one line, so that all of them start a round together.
CLAIM = """
import sys
from pathlib import Path
from agentroom_git.room import coordination
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

for line in sys.stdin:
    answer = coordination.claim(open_room(Path.cwd(), SystemClock()), [line.strip()], reason="a race")
    print("won" if isinstance(answer, coordination.Grant) else answer.conflicts[0].claim.agent, flush=True)
"""
SAY = """
import sys
from pathlib import Path
from agentroom_git.room import messages
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

for line in sys.stdin:
    first, count = map(int, line.split())
    for number in range(first, first + count):
        messages.broadcast(open_room(Path.cwd(), SystemClock()), f"message {number}")
    print("said", flush=True)
"""

Racer = subprocess.Popen[str]


@pytest.fixture
def bed(git: Git, repository: Path) -> Bed:
    return Bed(git, repository).open()


@contextmanager
def _racers(script: str, folders: Sequence[Path]) -> Iterator[list[Racer]]:
    command = [sys.executable, "-c", script]
    started = [
        subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for folder in folders
    ]
    try:
        yield started
    finally:
        for racer in started:
            racer.kill()
            racer.communicate()


def _race(racers: Sequence[Racer], lines: Sequence[str]) -> list[str]:
    """Give each racer its line, all at once, and return their answers."""
    for racer, line in zip(racers, lines, strict=True):
        assert racer.stdin is not None
        racer.stdin.write(f"{line}\n")
        racer.stdin.flush()
    return [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]


def test_of_eight_processes_that_claim_one_path_exactly_one_wins_each_round(bed: Bed) -> None:
    names = [f"agent-{number}" for number in range(PROCESSES)]
    winners = []
    with _racers(CLAIM, bed.join(*names)) as racers:
        for number in range(ROUNDS):
            answers = _race(racers, [f"src/round-{number}.py"] * PROCESSES)
            won = [name for name, answer in zip(names, answers, strict=True) if answer == "won"]
            assert len(won) == 1, answers
            assert set(answers) == {"won", won[0]}
            winners += won
    held = [(held.claim.token, held.claim.path, held.claim.agent) for held in coordination.live_claims(bed.room())]
    assert held == [(number + 1, f"src/round-{number}.py", winner) for number, winner in enumerate(winners)]


@pytest.mark.parametrize("writers", [PROCESSES, 1], ids=["a log each", "one log"])
def test_no_broadcast_of_eight_processes_is_lost(writers: int, bed: Bed) -> None:
    folders = bed.join(*(f"agent-{number}" for number in range(writers))) * (PROCESSES // writers)
    bed.join("reader")
    starts = range(0, PROCESSES * BROADCASTS, BROADCASTS)
    with _racers(SAY, folders) as racers:
        assert _race(racers, [f"{start} {BROADCASTS}" for start in starts]) == ["said"] * PROCESSES
    found = _read_all(bed, "reader")
    assert sorted(found) == sorted(f"message {number}" for number in range(PROCESSES * BROADCASTS))


def _read_all(bed: Bed, name: str) -> list[str]:
    found: list[str] = []
    while unread := messages.read(bed.as_agent(name), limit=50).messages:
        found += [message.text for message in unread]
    return found
