"""An agent saves files without a pause while its worktree is brought forward and back: no save is lost.

RACING_WRITES in the environment says how many saves; `make races` does 35,000. Where single saves are aimed at single
steps is tests/git/test_checkout_race.py; here it is the number that counts.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from agentroom_git.git.checkout import Advanced, sweep
from agentroom_git.system.clock import SystemClock
from worktree_pair import Pair, advance, program

WRITES = int(os.environ.get("RACING_WRITES", "400"))
STYLES = ("rename", "truncate")
pytestmark = pytest.mark.timeout(900)  # ten seconds, but for a busy machine
FILES = 6
SYNCS = 10
"""Syncs of one batch, after which the worktree is synced once more in peace, looked at and cleaned."""

# Saves lines into files until a file appears. An order is: seed, style, that file, a log of what was saved (+) or
# removed (-), the number of files, and the longest pause in seconds.
WRITER = r"""
import os, random, sys, time
for order in sys.stdin:
    seed, style, stop, log, files, pace = order.rstrip("\n").split("\t")
    rng, count = random.Random(seed), 0
    with open(log, "a", buffering=1) as saved:
        while not os.path.exists(stop):
            path, token = f"{rng.randrange(int(files))}.txt", f"<{seed}.{count}>"
            count += 1
            with open(path) as file:
                lines = file.read().splitlines(keepends=True)
            own = [line for line in lines if line.startswith("<")]
            for line in own[:-8]:
                lines.remove(line)
                saved.write("-" + line)
            text = "".join([*lines, token + "\n"])
            if style == "rename":
                with open(path + ".part", "w") as file:
                    file.write(text)
                os.rename(path + ".part", path)
            else:
                with open(path, "w") as file:
                    file.write(text)
            saved.write(f"+{token}\n")
            time.sleep(rng.uniform(0, float(pace)))
    print(count, flush=True)
"""


def lines(side: str, number: int) -> bytes:
    """A file of thirty lines, of which the tenth differs between the sides; what is saved goes to the end."""
    return b"".join(f"{side if n == 10 else 'line'} {n} of {number}\n".encode() for n in range(30))


@pytest.mark.parametrize("style", STYLES)
def test_no_save_is_lost_while_syncs_go_on(tmp_path: Path, style: str) -> None:
    pair = Pair(tmp_path)
    ends = [pair.commit({f"{n}.txt": lines(side, n) for n in range(FILES)}) for side in ("one", "two")]
    pair.add_worktree()
    outcomes: Counter[str] = Counter()
    rng = random.Random(style)
    started = time.perf_counter()
    sync(pair, ends, outcomes)
    usual = time.perf_counter() - started
    with program(WRITER, pair.agent) as (orders, answers):
        for batch in range(10**6):
            stop, log = tmp_path / "stop", tmp_path / "log"
            stop.unlink(missing_ok=True)
            log.write_text("")
            # Some batches leave syncs room, some hardly any, on a fast machine and on a slow one.
            pace = usual * 2 ** rng.uniform(-4, 3)
            print(f"{style}-{batch}\t{style}\t{stop}\t{log}\t{FILES}\t{pace}", file=orders, flush=True)
            late = {path for _ in range(SYNCS) for path in sync(pair, ends, outcomes)}
            stop.touch()
            outcomes["saves"] += int(answers.readline())
            late |= set(sync(pair, ends, outcomes))
            late |= set(sweep(pair.stage, -60.0, SystemClock()))
            check_saves(pair, log.read_text(), late, outcomes)
            pair.git("reset", "--quiet", "--hard", cwd=pair.agent)
            if outcomes["saves"] >= WRITES // len(STYLES):
                break
        orders.close()
    print(style, dict(outcomes))
    assert outcomes["advanced"] > 0


def sync(pair: Pair, ends: list[str], outcomes: Counter[str]) -> tuple[bytes, ...]:
    """Bring the worktree to the other end; return the paths written late."""
    new = ends[0] if pair.tip() == ends[1] else ends[1]
    outcome = advance(pair.agent, "agent", pair.tip(), new, stage=pair.stage, clock=SystemClock())
    outcomes["advanced" if isinstance(outcome, Advanced) else outcome.reason] += 1
    return outcome.late


def check_saves(pair: Pair, log: str, late: set[bytes], outcomes: Counter[str]) -> None:
    """Every line that was saved is in its file, or was removed by its writer, or is kept and told of."""
    records = log.splitlines()
    wanted = {line[1:] for line in records if line[0] == "+"} - {line[1:] for line in records if line[0] == "-"}
    present = {line for n in range(FILES) for line in (pair.agent / f"{n}.txt").read_text().splitlines()}
    kept = {line for path in pair.stage.rglob("*") if path.is_file() for line in _lines_of(path)} if late else set()
    assert wanted <= present | kept, sorted(wanted - present - kept)
    outcomes["kept aside and told of"] += len(wanted - present)


def _lines_of(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()
