"""Tests choose: where the check fails on a contested region, a candidate is taken with which it passes."""

import pytest

from agentroom_git.core.checks import Chosen
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import SIDECAR
from agentroom_git.room import contests, logs, messages, notes, verifying
from agentroom_git.room.gate import choosing
from agentroom_git.room.gate.reading import last_blame, read_green
from agentroom_git.room.gate.work import Gate
from rooms import Bed, edited, numbered

ALICE, BOB = "idea(1) of alice", "bob had another"


@pytest.fixture
def contested(bed: Bed) -> Bed:
    """Alice and bob have edited line 5 differently, and one of them stands."""
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.configure("check: make\n")
    bed.commit("alice", {"n.txt": edited(numbered(), 5, ALICE), "a": "a\n"})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, BOB), "b": "b\n"})
    bed.settle()
    return bed


def loser(bed: Bed) -> tuple[str, str]:
    """The name and the line of who does not stand."""
    return ("bob", BOB) if ALICE in (bed.integrated("n.txt") or "") else ("alice", ALICE)


def runs(bed: Bed) -> int:
    return len((bed.repository.parent / "runs").read_text().splitlines())


def chosen(bed: Bed) -> list[Chosen]:
    found = logs.read_log(bed.room(), SIDECAR)
    return [one.event.body for one in found if isinstance(one, Recorded) and isinstance(one.event.body, Chosen)]


def prepare(bed: Bed, *lines: str, more: str = "") -> None:
    """Configure a check that wants exactly these of the two lines once the work of both is there; before, it passes."""
    wanted = " && ".join(f"{'' if line in lines else '! '}grep -qxF '{line}' n.txt" for line in (ALICE, BOB))
    wanted = wanted if lines else "false"
    bed.configure(f'check: "echo run >> ../../../runs; test ! -e a -o ! -e b || {{ {wanted}; }}"\n{more}')


def test_the_version_with_which_the_check_passes_is_taken_and_said(contested: Bed) -> None:
    bed = contested
    name, line = loser(bed)
    prepare(bed, line)

    assert Gate(bed.room()).settle().result == "passed"

    assert bed.integrated("n.txt") == edited(numbered(), 5, line)
    assert read_green(bed.room()) == bed.room().integration()
    (event,) = chosen(bed)
    assert event.commit == bed.room().integration()
    assert event.tried[-1].endswith("passed")
    assert last_blame(bed.room()) is None
    (contest,) = contests.read_contests(bed.room())
    assert (contest.closed_by, contest.how) == ("agentroom", f"the check passes with the version of {name}")
    assert messages.read(bed.as_agent(name)).messages[-1].kind == "chosen"


def test_what_keeps_the_work_of_both_is_tried_before_either_alone(contested: Bed) -> None:
    prepare(contested, ALICE, BOB)

    assert Gate(contested.room()).settle().result == "passed"
    assert {ALICE, BOB} <= set((contested.integrated("n.txt") or "").splitlines())


def test_the_choice_is_a_commit_of_the_rooms_own_that_verify_reproduces_and_a_note_explains(contested: Bed) -> None:
    bed = contested
    prepare(bed, loser(bed)[1])
    Gate(bed.room()).settle()

    form = "--format=%an|%s|%(trailers:key=Agentroom-Agent,valueonly)"
    commit = bed.git("log", "-1", form, "agentroom/main/integration^2", cwd=bed.repository).strip()
    assert commit.startswith("agentroom|take what passes the check: n.txt (")
    assert commit.endswith("|agentroom")
    assert all(verdict.is_sound for verdict in verifying.verify(bed.room()))
    notes.project(bed.room())
    shown = bed.git(
        "notes", "--ref", "refs/notes/agentroom/main", "show", "agentroom/main/integration", cwd=bed.repository
    )
    assert "chose by the check for" in shown
    assert ": passed" in shown
    bed.settle()
    assert bed.fold().made == ()
    assert (bed.path("alice") / "n.txt").read_text() == bed.integrated("n.txt")


def test_where_no_candidate_passes_at_most_eight_are_tried_and_the_author_is_told(contested: Bed) -> None:
    bed = contested
    prepare(bed)
    before = bed.integrated("n.txt")

    assert Gate(bed.room()).settle().result == "failed"

    assert bed.integrated("n.txt") == before
    assert chosen(bed) == []
    assert last_blame(bed.room()) is not None
    assert runs(bed) <= 8 + 10


def test_a_check_that_takes_longer_than_the_limit_is_not_tried_again(contested: Bed) -> None:
    bed = contested
    prepare(bed, loser(bed)[1], more="choose_seconds: 0\n")
    text = (bed.repository / ".agentroom.yaml").read_text()
    # A run counts in whole seconds.
    bed.configure(text.replace("echo run", "sleep 0.6; echo run"))

    assert Gate(bed.room()).settle().result == "failed"
    assert chosen(bed) == []


def test_a_contest_that_somebody_has_resolved_is_left_alone(contested: Bed) -> None:
    bed = contested
    prepare(bed, loser(bed)[1])
    (record,) = contests.open_records(bed.room())
    fold = bed.room().integration()
    assert choosing.find_combinations(bed.room(), fold)

    contests.resolve(bed.room(), record.id, "alice")

    assert choosing.find_combinations(bed.room(), fold) == []


def test_several_regions_are_tried_together_and_never_more_than_eight_combinations(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered(40)})
    bed.settle()
    for name in ("alice", "bob"):
        text = numbered(40)
        for number in (5, 20, 35):
            text = edited(text, number, f"{name}({number}) had this idea")
        bed.commit(name, {"n.txt": text})
    bed.settle()

    found = choosing.find_combinations(bed.room(), bed.room().integration())

    assert len(found) == 8
    assert len({one.tree for one in found}) == 8
    assert [len(one.choices) for one in found[:3]] == [1, 1, 1]
