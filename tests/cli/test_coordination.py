"""Claims on the command line: what a person names, reads, and gets as exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.room import coordination
from rooms import Bed


@pytest.fixture(autouse=True)
def _joined(bed: Bed) -> None:
    bed.join("alice", "bob")


def run(*arguments: str, cwd: Path) -> tuple[int, list[str], list[str]]:
    command = [sys.executable, "-m", "agentroom_git", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_what_is_named_is_meant_in_the_current_folder(bed: Bed) -> None:
    named = ["util.py", "*.md", "sub/*.c", "port:5432", "./port:1", "x.d/", "."]
    assert run("claim", *named, cwd=bed.path("alice") / "src")[0] == 0
    assert [held.claim.path for held in coordination.live_claims(bed.room())] == [
        "src/util.py", "src/**/*.md", "src/sub/*.c", "port:5432", "src/port:1", "src/x.d/", "src",
    ]  # fmt: skip


def test_a_refusal_names_holder_reason_since_and_what_is_free(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["src"], reason="totals")
    code, out, err = run("claim", "src/app.py", "README.md", "--wait", "0.3", cwd=bed.path("bob"))
    assert (code, err) == (3, [])
    assert out[0].startswith('refused: alice holds src: "totals", since 20')
    assert out[0].endswith(" left")
    assert out[1:] == ["free: README.md"]


def test_a_claim_is_handed_over_and_what_is_not_held_is_not(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["src"])
    assert run("handoff", "src", "--to", "bob", cwd=bed.path("alice")) == (0, ["bob holds src now (token 2)"], [])
    code, out, _ = run("handoff", "src", "docs", "--to", "bob", cwd=bed.path("alice"))
    assert (code, out) == (3, ["not handed over: bob holds src", "not held by anybody: docs"])
    code, out, _ = run("handoff", "src", "--to", "alice", "--json", cwd=bed.path("bob"))
    assert [claim["token"] for claim in json.loads("\n".join(out))["claims"]] == [3]


def test_a_release_of_what_another_holds_is_refused_unless_something_was_given_back(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["src"])
    coordination.claim(bed.as_agent("bob"), ["docs"])
    assert run("release", "src", cwd=bed.path("bob")) == (3, ["not released: alice holds src now"], [])
    assert run("release", "src", "--json", cwd=bed.path("bob"))[0] == 3
    assert run("release", "src", "docs", cwd=bed.path("bob"))[0] == 0
    assert run("release", "docs", cwd=bed.path("bob")) == (0, ["not held by anybody: docs"], [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("handoff src --to bob", ["you are 'bob' yourself", "name another agent of agentroom status"]),
        ("handoff src --to zoe", ["no agent 'zoe' has joined this room", "agentroom status lists who is here"]),
        ("broadcast hi --to bob", ["you are 'bob' yourself", "name another agent of agentroom status, or none"]),
        ("claim src --wait -1", ["a wait of -1 s is not between 0 s and 3600 s", "0 does not wait"]),
        ("claim src --wait 3601", ["a wait of 3601 s is not between 0 s and 3600 s", "ask again after it"]),
    ],
)
def test_what_makes_no_sense_for_oneself_is_refused(bed: Bed, arguments: str, said: list[str]) -> None:
    problem, hint = said
    expected = (2, [], [f"agentroom: {problem}", f"  hint: {hint}"])
    assert run(*arguments.split(), cwd=bed.path("bob")) == expected


def test_who_lost_a_claim_is_told_once(bed: Bed) -> None:
    coordination.auto_claim(bed.as_agent("alice"), "src/app.py")
    coordination.claim(bed.as_agent("bob"), ["src/app.py"])
    told = ["lost: bob took over src/app.py (token 1)"]
    assert run("claim", "docs", cwd=bed.path("alice")) == (0, ["claimed docs (token 3)"], told)
    assert run("claim", "docs", cwd=bed.path("alice")) == (0, ["claimed docs (token 3)"], [])
