"""Races between real processes: one winner of every claim, a queue in order of arrival, and no broadcast lost."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentroom_git.core.events import Recorded
from agentroom_git.git.claims_ref import read_history
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

# A line is: shared or exclusive.
SHARE = """
import sys
from pathlib import Path
from agentroom_git.room import coordination
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

for line in sys.stdin:
    mode, path = line.split()
    answer = coordination.claim(open_room(Path.cwd(), SystemClock()), [path], shared=mode == "shared")
    print("won" if isinstance(answer, coordination.Grant) else "refused", flush=True)
"""
# A line is: the path and who gets it.
HAND = """
import sys
from pathlib import Path
from agentroom_git.core.claims import Handed
from agentroom_git.room import coordination
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

for line in sys.stdin:
    path, to = line.split()
    room = open_room(Path.cwd(), SystemClock())
    if to == "release":
        print("released" if coordination.release(room, [path]).claims else "nothing", flush=True)
    else:
        print("handed" if isinstance(coordination.handoff(room, [path], to), Handed) else "nothing", flush=True)
"""
# Waits for each path that it is given, says so, and gives it back at once.
WAIT = """
import sys
from pathlib import Path
from agentroom_git.room import coordination
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

for line in sys.stdin:
    room = open_room(Path.cwd(), SystemClock())
    answer = coordination.claim(room, [line.strip()], wait=60)
    print("won" if isinstance(answer, coordination.Grant) else "refused", flush=True)
    coordination.release(room, [line.strip()])
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


def test_of_shared_and_exclusive_claims_of_one_path_either_one_or_all_shared_win(bed: Bed) -> None:
    names = [f"agent-{number}" for number in range(PROCESSES)]
    modes = ["exclusive"] * 2 + ["shared"] * (PROCESSES - 2)
    with _racers(SHARE, bed.join(*names)) as racers:
        for number in range(ROUNDS // 2):
            turned = modes[number % PROCESSES :] + modes[: number % PROCESSES]
            answers = _race(racers, [f"{mode} src/round-{number}.py" for mode in turned])
            winners = [mode for mode, answer in zip(turned, answers, strict=True) if answer == "won"]
            assert winners in (["exclusive"], ["shared"] * (PROCESSES - 2)), answers


def test_a_claim_that_is_handed_over_and_given_back_at_once_is_moved_exactly_once(bed: Bed) -> None:
    alice, _, _ = bed.join("alice", "bob", "carol")
    with _racers(HAND, [alice] * 6) as racers:
        for number in range(ROUNDS // 2):
            path = f"src/round-{number}.py"
            coordination.claim(bed.as_agent("alice"), [path])
            to = ["bob", "carol", "release", "bob", "carol", "release"]
            answers = _race(racers, [f"{path} {name}" for name in to])
            moved = [(name, answer) for name, answer in zip(to, answers, strict=True) if answer != "nothing"]
            assert len(moved) == 1, answers
            holders = [held.claim.agent for held in coordination.live_claims(bed.room()) if held.claim.path == path]
            assert holders == ([] if moved[0][0] == "release" else [moved[0][0]])
    tokens = [held.claim.token for held in coordination.live_claims(bed.room())]
    assert tokens == sorted(set(tokens))


def test_waiters_are_served_in_order_of_arrival_and_not_held_up_by_a_dead_one(bed: Bed) -> None:
    names = [f"agent-{number}" for number in range(5)]
    folders = bed.join("holder", *names)[1:]
    holder = bed.as_agent("holder")
    coordination.claim(holder, ["src"])
    with _racers(WAIT, folders) as racers:
        for number, racer in enumerate(racers):
            assert racer.stdin is not None
            racer.stdin.write("src\n")
            racer.stdin.flush()
            _await(lambda count=number + 1: len(list((holder.private / "queue").glob("*.json"))) == count)
        racers[1].kill()
        racers[1].wait()
        before = _events(bed)
        coordination.release(holder, ["src"])
        alive = [racer for number, racer in enumerate(racers) if number != 1]
        assert [racer.stdout.readline().strip() for racer in alive if racer.stdout is not None] == ["won"] * 4
        _await(lambda: not coordination.live_claims(bed.room()))
        served = [event for event in _events(bed)[len(before) :] if event[1] == "claimed"]
        assert [agent for agent, _ in served] == [names[0], *names[2:]]
        # A grant and a release for each, and the holder's release: waiting itself writes nothing.
        assert len(_events(bed)) == len(before) + 9


def _await(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _events(bed: Bed) -> list[tuple[str, str]]:
    """Who did what to the claims, oldest first."""
    room = bed.room()
    found = [item for item in read_history(room.refs, room.names.claims) if isinstance(item, Recorded)]
    return [(item.event.agent, item.event.body.type) for item in reversed(found)]


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
