"""Undoing folds of a real room."""

from datetime import UTC, datetime

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.core.moments import parse_moment
from agentroom_git.errors import UsageError
from agentroom_git.git import contested_refs
from agentroom_git.room import messages, undo
from agentroom_git.room.undo import Undoing
from agentroom_git.room.verifying import verify
from rooms import Bed, edited, numbered


def undone(bed: Bed, name: str, **choices: bool) -> Undoing:
    room = bed.room()
    return undo.undo(room, [undo.find_fold(room, name)], **choices)


def test_what_a_fold_brought_goes_and_what_others_did_stays(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bad = bed.commit("alice", {"n.txt": edited(numbered(), 4, "bad"), "bad.txt": "bad\n"}, "Break it")
    bed.commit("bob", {"n.txt": edited(numbered(), 15, "good")})
    bed.settle()

    done = undone(bed, bad)
    bed.settle()

    assert done.made is not None
    assert [(step.agent, step.subject) for step in done.steps] == [("alice", "Break it")]
    assert bed.integrated("n.txt") == edited(numbered(), 15, "good")
    assert bed.integrated("bad.txt") is None
    assert not (bed.path("alice") / "bad.txt").exists()
    (told,) = messages.read(bed.as_agent("alice")).messages
    assert (told.kind, told.text) == (
        "undone",
        f'human undid {done.steps[0].fold[:10]} "Break it"; committing it again does not bring it back,'
        f" agentroom undo {done.made[:10]} does",
    )
    assert all(verdict.is_sound for verdict in verify(bed.room()))


def test_folding_the_same_commit_again_does_not_bring_it_back_and_undoing_the_undo_does(bed: Bed) -> None:
    bed.join("alice", "bob")
    bad = bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    first = undone(bed, bad)
    bed.git("merge", "--quiet", "--no-edit", "-s", "ours", bad, cwd=bed.path("bob"), check=False)
    bed.settle()
    assert bed.integrated("a.txt") is None
    again = undone(bed, bad)
    assert (again.made, again.is_refused) == (None, False)

    assert first.made is not None
    undone(bed, first.made)

    assert bed.integrated("a.txt") == "alice\n"


def test_later_folds_that_build_on_it_are_named_and_nothing_is_done(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bad = bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")})
    bed.settle()
    bed.commit("bob", {"n.txt": edited(edited(numbered(), 4, "alice"), 15, "elsewhere")}, "Elsewhere")
    bed.settle()
    bed.commit("bob", {"n.txt": edited(edited(numbered(), 4, "bob"), 15, "elsewhere")}, "Upon it")
    bed.settle()
    before = bed.room().integration()

    done = undone(bed, bad)

    assert done.is_refused
    assert [(step.agent, step.subject) for step in done.blocked_by] == [("bob", "Upon it")]
    assert done.paths == ("n.txt",)
    assert bed.room().integration() == before

    undone(bed, bad, later=True)
    assert bed.integrated("n.txt") == edited(numbered(), 15, "elsewhere")


def test_an_undo_that_is_contested_keeps_every_version(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bad = bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")})
    bed.settle()
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "bob")})
    bed.settle()

    done = undone(bed, bad, contested=True)

    assert done.made is not None
    room = bed.room()
    (record,) = contested_refs.read_all(room.refs, room.names.contested)
    assert {b"bob\n", b"line 4\n"} == set(record.sides)
    assert all(verdict.is_sound for verdict in verify(room))


def test_all_of_an_agents_folds_since_a_moment_are_undone_at_once(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("bob", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "one")})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "two"), "a.txt": "x\n"})
    bed.settle()
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.settle()
    room = bed.room()
    everything = undo.folds_of(room, parse_agent("alice"), datetime(2020, 1, 1, tzinfo=UTC))

    done = undo.undo(room, everything)

    assert len(done.steps) == 2
    assert bed.integrated("n.txt") == numbered()
    assert (bed.integrated("a.txt"), bed.integrated("b.txt")) == (None, "bob\n")
    assert undo.folds_of(room, parse_agent("alice"), datetime(2999, 1, 1, tzinfo=UTC)) == []


def test_an_agent_undoes_its_own_folds_only(bed: Bed) -> None:
    bed.join("alice", "bob")
    mine = bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    room = bed.as_agent("bob")

    done = undo.undo(room, [undo.find_fold(room, mine)])

    assert (done.is_refused, [step.agent for step in done.foreign]) == (True, ["alice"])
    assert undo.undo(bed.as_agent("alice"), [undo.find_fold(room, mine)]).made is not None


def test_what_names_no_fold_is_refused(bed: Bed) -> None:
    bed.join("alice")
    aside = bed.commit("alice", {"a.txt": "not folded\n"})
    for name in ("nothing", "main", aside, "--all"):
        with pytest.raises(UsageError):
            undo.find_fold(bed.room(), name)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2h", "2026-01-31T12:00:00+00:00"),
        ("30 min ago", "2026-01-31T13:30:00+00:00"),
        ("2026-01-30", "2026-01-30T00:00:00+00:00"),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, wanted: str) -> None:
    assert parse_moment(text, datetime(2026, 1, 31, 14, tzinfo=UTC)).isoformat() == wanted


@pytest.mark.parametrize("text", ["yesterday", "", "-1h", "999999999999d"])
def test_a_moment_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_moment(text, datetime(2026, 1, 31, 14, tzinfo=UTC))


def test_what_is_undone_already_is_said_to_be_and_nobody_elses_work_is_in_its_way(bed: Bed) -> None:
    bed.join("alice")
    lines = numbered()
    commits = []
    for word in ("one", "two", "three"):
        lines += f"{word}\n"
        commits.append(bed.commit("alice", {"z.txt": lines}))
        bed.settle()
    first = undone(bed, commits[1])
    before = bed.room().integration()

    again = undone(bed, commits[1])

    assert (again.made, again.is_refused, again.blocked_by) == (None, False, ())
    assert first.made is not None
    (said,) = undo.describe(again)
    assert said.endswith(f"is undone already; to take it up again: agentroom undo {first.made[:10]}")
    assert bed.room().integration() == before
    undone(bed, first.made)
    assert bed.integrated("z.txt") == lines
    assert undone(bed, commits[1]).made is not None
