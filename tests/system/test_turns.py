"""Threads that take turns: one at a time, but while it sleeps."""

import threading
from concurrent.futures import ThreadPoolExecutor

from agentroom_git.system.clock import SystemClock
from agentroom_git.system.turns import Turns, away

SECONDS = 30.0


class _Alarm(SystemClock):
    """A clock whose sleepers wait to be woken."""

    def __init__(self) -> None:
        self.asleep, self.woken = threading.Event(), threading.Event()

    def sleep(self, seconds: float) -> None:
        self.asleep.set()
        assert self.woken.wait(SECONDS)


def test_whoever_sleeps_lets_another_go_on() -> None:
    clock = _Alarm()
    turns = Turns(clock)

    def wait() -> None:
        with turns.taken():
            turns.sleep(1.0)

    def wake() -> None:
        assert clock.asleep.wait(SECONDS)
        with turns.taken():
            clock.woken.set()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(wait), pool.submit(wake)]:
            done.result(SECONDS)


def test_whoever_waits_for_a_slow_disk_lets_another_go_on() -> None:
    turns = Turns(SystemClock())
    waiting, written = threading.Event(), threading.Event()

    def write() -> None:
        # However long it took before, it is longer than that.
        with turns.taken(), away(-1.0):
            waiting.set()
            assert written.wait(SECONDS)

    def go_on() -> None:
        assert waiting.wait(SECONDS)
        with turns.taken():
            written.set()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(write), pool.submit(go_on)]:
            done.result(SECONDS)


def test_who_waits_for_a_fast_disk_keeps_its_turn() -> None:
    turns = Turns(SystemClock())
    inside = []

    def write(name: str) -> None:
        with turns.taken():
            inside.append(name)
            with away(SECONDS):
                pass
            inside.append(name)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, str(number)) for number in range(64)]:
            done.result(SECONDS)
    assert inside[::2] == inside[1::2]


def test_a_thread_without_a_turn_may_be_away_too() -> None:
    with away(-1.0):
        pass


def test_of_those_awake_only_one_has_its_turn() -> None:
    turns = Turns(SystemClock())
    inside = 0
    seen = set()

    def count() -> None:
        nonlocal inside
        for _ in range(200):
            with turns.taken():
                inside += 1
                turns.monotonic()
                seen.add(inside)
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(count) for _ in range(4)]:
            done.result(SECONDS)
    assert seen == {1}
