"""An agent saves and commits while its worktree is brought forward, as fast as both can."""

import random
import threading
from collections import Counter
from pathlib import Path
from typing import IO

import pygit2
import pytest

from agentroom_git.git.checkout import Waits, sweep
from agentroom_git.git.displacement import list_displaced
from agentroom_git.system.clock import SystemClock
from worktree_pair import Pair, advance, program

TRIALS = 70
FILES = 40
SECONDS = 8.0

# Saves one line into a file when it is told to: path, style, delay in milliseconds, line.
WRITER = r"""
import os, sys, time
for order in sys.stdin:
    path, style, delay, line = order.rstrip("\n").split("\t")
    time.sleep(float(delay) / 1000)
    with open(path, "rb") as file:
        text = file.read() + line.encode() + b"\n"
    if style == "rename":
        with open(path + ".part", "wb") as file:
            file.write(text)
        os.rename(path + ".part", path)
    elif style == "append":
        with open(path, "ab") as file:
            file.write(line.encode() + b"\n")
    else:
        with open(path, "wb") as file:
            file.write(text)
    print(flush=True)
"""

# Commits to a file of its own, in the ways that agents do, until its input ends.
COMMITTER = r"""
import itertools, random, subprocess, sys, threading, time
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
failed = 0
for number in itertools.count():
    if over.is_set():
        break
    time.sleep(random.uniform(0, PAUSE))
    with open("agent.txt", "a") as file:
        file.write(f"{number}\n")
    ways = [[["add", "agent.txt"], ["commit", "-qm", "mine"]], [["commit", "-qam", "mine"]],
            [["commit", "-qm", "mine", "--", "agent.txt"]]]
    for command in ways[number % 3]:
        failed += subprocess.run(["git", *command], capture_output=True).returncode != 0
print(number, failed)
"""


class Moment:
    """A failpoint that sends an order at the nth step, so that saves meet every part of a sync."""

    def __init__(self, number: int, order: str, orders: IO[str]) -> None:
        self._left = number
        self._order = order
        self._orders = orders

    def __call__(self, step: str) -> None:
        if self._left == 0:
            print(self._order, file=self._orders, flush=True)
        self._left -= 1


@pytest.mark.parametrize("style", ["rename", "truncate", "append"])
def test_a_line_saved_during_a_sync_is_in_the_file_or_kept_and_reported(tmp_path: Path, style: str) -> None:
    pair = Pair(tmp_path)
    ends = [pair.commit({f"{n}.txt": f"{side} {n}\n".encode() * 50 for n in range(FILES)}) for side in ("one", "two")]
    pair.add_worktree()
    rng = random.Random(7)
    outcomes: Counter[str] = Counter()
    with program(WRITER, pair.agent) as (orders, answers):
        for trial in range(TRIALS):
            target, line = pair.agent / f"{rng.randrange(FILES)}.txt", f"line of trial {trial}"
            order = f"{target}\t{style}\t{rng.uniform(0, 3):.2f}\t{line}"
            save = Moment(rng.randrange(2 * FILES), order, orders)
            new = ends[0] if pair.tip() == ends[1] else ends[1]
            outcome = advance(
                pair.agent, "agent", pair.tip(), new, stage=pair.stage, clock=SystemClock(), failpoint=save
            )
            answers.readline()
            outcomes[outcome.reason if isinstance(outcome, Waits) else "advanced"] += 1
            if line.encode() not in target.read_bytes():
                late = (*outcome.late, *sweep(pair.stage, -60.0, SystemClock()))
                assert target.name.encode() in late, (trial, outcome)
                kept = [path.read_bytes() for path in pair.stage.rglob("*") if path.is_file()]
                assert any(line.encode() in text for text in kept), (trial, outcome)
                outcomes["kept"] += 1
            pair.git("reset", "--quiet", "--hard", cwd=pair.agent)
        orders.close()
    assert outcomes["advanced"] > 0, outcomes
    print(style, dict(outcomes))


@pytest.mark.parametrize("style", ["rename", "truncate", "append"])
def test_a_line_saved_into_an_edited_file_during_a_sync_is_in_the_file_or_kept_and_reported(
    tmp_path: Path, style: str
) -> None:
    pair = Pair(tmp_path)
    text = b"".join(b"line %d\n" % number for number in range(40))
    ends = [
        pair.commit({f"{n}.txt": text.replace(b"line 20\n", line) for n in range(FILES)})
        for line in (b"one\n", b"two\n")
    ]
    pair.add_worktree()
    rng = random.Random(5)
    outcomes: Counter[str] = Counter()
    with program(WRITER, pair.agent) as (orders, answers):
        for trial in range(TRIALS // 6):
            target, line = pair.agent / f"{rng.randrange(FILES)}.txt", f"line of trial {trial}"
            target.write_bytes(target.read_bytes().replace(b"line 2\n", b"edited before\n"))
            order = f"{target}\t{style}\t{rng.uniform(0, 3):.2f}\t{line}"
            save = Moment(rng.randrange(2 * FILES), order, orders)
            new = ends[0] if pair.tip() == ends[1] else ends[1]
            outcome = advance(
                pair.agent, "agent", pair.tip(), new, stage=pair.stage, clock=SystemClock(), failpoint=save
            )
            answers.readline()
            outcomes[outcome.reason if isinstance(outcome, Waits) else "advanced"] += 1
            found = target.read_bytes()
            if b"edited before\n" not in found or line.encode() not in found:
                late = (*outcome.late, *sweep(pair.stage, -60.0, SystemClock()))
                assert target.name.encode() in late, (trial, outcome)
                kept = [path.read_bytes() for path in pair.stage.rglob("*") if path.is_file()]
                assert any(line.encode() in text and b"edited before\n" in text for text in kept), (trial, outcome)
                outcomes["kept"] += 1
            pair.git("reset", "--quiet", "--hard", cwd=pair.agent)
        orders.close()
    assert outcomes["advanced"] > 0, outcomes
    print(style, dict(outcomes))


def test_an_agent_that_commits_all_the_time_never_carries_or_reverts_what_others_did(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    start = pair.commit({f"{n}.txt": b"0\n" for n in range(FILES)} | {"agent.txt": b""})
    pair.add_worktree()
    handle = pygit2.Repository(str(pair.main))
    outcomes: Counter[str] = Counter()
    stop = threading.Event()
    timer = threading.Timer(SECONDS, stop.set)
    timer.start()
    with program(COMMITTER.replace("PAUSE", "0.2"), pair.agent) as (orders, answers):
        for number in range(1, 10**6):
            if stop.is_set():
                break
            stop.wait(random.uniform(0, 0.2))
            old = str(handle.lookup_reference("refs/heads/agent").target)
            new = fold(handle, old, number)
            outcome = advance(pair.agent, "agent", old, new, stage=pair.stage, clock=pair.clock)
            outcomes[outcome.reason if isinstance(outcome, Waits) else "advanced"] += 1
        orders.close()
        commands = answers.read()
    print(dict(outcomes), "commits and failed commands:", commands)
    assert outcomes["advanced"] > 0, outcomes
    for commit in pair.git("rev-list", "--first-parent", "--author=Test User", f"{start}..agent").split():
        changed = pair.git("diff-tree", "--no-commit-id", "--name-only", "-r", commit).split()
        assert changed in ([], ["agent.txt"]), commit
    assert pair.git("diff", "--name-only", "HEAD", cwd=pair.agent) in ("", "agent.txt\n")


def fold(handle: pygit2.Repository, old: str, number: int) -> str:
    """A commit on top of the agent's own that changes every file but the agent's."""
    index = pygit2.Index()
    index.read_tree(handle[old].peel(pygit2.Tree))
    blob = handle.create_blob(f"{number}\n".encode())
    for n in range(FILES):
        index.add(pygit2.IndexEntry(f"{n}.txt", blob, pygit2.enums.FileMode.BLOB))
    others = pygit2.Signature("Others", "others@example.invalid", number, 0)
    return str(handle.create_commit(None, others, others, "fold", index.write_tree(handle), [pygit2.Oid(hex=old)]))


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_save_that_was_out_for_a_moment_and_is_overwritten_by_who_read_then_is_kept_and_told_of(
    tmp_path: Path, is_lost: bool
) -> None:
    pair = Pair(tmp_path)
    pair.commit({"a.txt": b"one\n"})
    pair.add_worktree()
    new = pair.commit({"a.txt": b"two\n"})
    file = pair.agent / "a.txt"
    read: list[bytes] = []

    def act(step: str) -> None:
        if step == "swap 0":
            file.write_bytes(b"one\nsaved just now\n")
        elif step == "undo files":
            read.append(file.read_bytes())
        elif step == "undo index" and is_lost:
            file.write_bytes(read[0] + b"and more\n")

    outcome = pair.advance(new, failpoint=act)

    assert isinstance(outcome, Waits)
    assert outcome.late == ((b"a.txt",) if is_lost else ())
    assert file.read_bytes() == (b"two\nand more\n" if is_lost else b"one\nsaved just now\n")
    kept = [path.file.read_bytes() for path in list_displaced(pair.stage, 9)]
    assert b"one\nsaved just now\n" in kept
    assert sweep(pair.stage, -60.0, pair.clock) == outcome.late
