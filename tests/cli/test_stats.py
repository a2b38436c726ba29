"""`agentroom stats`, `status --json` and `log --abandoned`, as a person or a program reads them."""

import json
import subprocess
import sys

from agentroom_git.room import abandonment
from agentroom_git.room.assignment import assign
from rooms import Bed


def run(bed: Bed, *arguments: str) -> str:
    command = [sys.executable, "-m", "agentroom_git", *arguments]
    done = subprocess.run(command, cwd=bed.repository, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_each_agent_has_a_row_and_the_story_of_who_gave_up_has_its_reason(bed: Bed) -> None:
    assert run(bed, "log", "--abandoned") == "no agent ended with work left\n"
    bed.join("alice", "bob")
    task = assign(bed.as_agent("alice"), "posting rules")
    for _ in range(3):
        abandonment.at_stop(bed.as_agent("alice"), "s", is_again=False)

    head, alice, bob = run(bed, "stats").splitlines()
    assert head.split()[:4] == ["agent", "runs", "time", "exit"]
    assert alice.split()[-2:] == ["2", "1"]
    assert bob.split()[-2:] == ["0", "0"]
    assert [one["agent"] for one in json.loads(run(bed, "status", "--json"))["stats"]] == ["alice", "bob"]
    told = run(bed, "log", "--abandoned").splitlines()
    assert [line.split(" ", 2)[2].split(":")[0] for line in told] == [
        "was asked to go on",
        "was asked to go on",
        "ended with work left (it was asked 2 times to go on and changed nothing)",
    ]
    assert f'task {task} "posting rules" is open' in told[2]
