"""Notes are a view: the same however they came about, and on the commits that they concern."""

import re

from agentroom_git.room import coordination, messages, notes
from rooms import Bed


def _notes_tree(bed: Bed) -> str:
    return bed.tree("refs/notes/agentroom/main")


def _busy_room(bed: Bed, *, project: bool) -> None:
    bed.join("alice", "bob")
    for number in range(3):
        alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
        coordination.claim(alice, [f"src/{number}"], reason="mine")
        coordination.claim(bob, [f"src/{number}"], reason="mine, too")
        messages.broadcast(bob, f"round {number}")
        bed.commit("alice", {f"a{number}": "x\n"})
        bed.commit("bob", {"shared": f"bob {number}\n"})
        bed.commit("alice", {"shared": f"alice {number}\n"})
        bed.fold()
        messages.read(alice)
        if project:
            notes.project(bed.room())
        bed.sync()


def test_notes_made_step_by_step_equal_notes_made_anew(bed: Bed) -> None:
    _busy_room(bed, project=True)
    notes.project(bed.room())
    stepwise = _notes_tree(bed)

    notes.project(bed.room(), rebuild=True)

    assert _notes_tree(bed) == stepwise


def test_a_lost_notes_ref_is_made_again_the_same(bed: Bed, git) -> None:
    _busy_room(bed, project=True)
    notes.project(bed.room())
    before = _notes_tree(bed)
    git("update-ref", "-d", "refs/notes/agentroom/main", cwd=bed.repository)

    notes.project(bed.room())

    assert _notes_tree(bed) == before


def test_notes_whose_commit_a_prune_took_are_made_again_the_same(bed: Bed) -> None:
    _busy_room(bed, project=True)
    notes.project(bed.room())
    before = _notes_tree(bed)
    (bed.repository / ".git/refs/notes/agentroom/main").write_text(f"{'e' * 40}\n")

    notes.project(bed.room())

    assert _notes_tree(bed) == before


def test_foreign_notes_on_the_ref_do_not_survive_a_rebuild_and_do_not_stop_it(bed: Bed, git) -> None:
    _busy_room(bed, project=True)
    notes.project(bed.room())
    before = _notes_tree(bed)
    git("notes", "--ref", "agentroom/main", "add", "-f", "-m", "forged", "HEAD", cwd=bed.repository)

    notes.project(bed.room(), rebuild=True)

    assert _notes_tree(bed) == before


def test_with_nothing_new_nothing_is_written(bed: Bed) -> None:
    _busy_room(bed, project=False)
    notes.project(bed.room())
    tip = bed.git("rev-parse", "refs/notes/agentroom/main", cwd=bed.repository)

    assert notes.project(bed.room()).commits == 0
    assert bed.git("rev-parse", "refs/notes/agentroom/main", cwd=bed.repository) == tip


def test_git_log_shows_the_story_on_integration_and_nothing_new_on_the_users_branch(bed: Bed) -> None:
    before = bed.git("log", "--notes", "main", cwd=bed.repository)
    _busy_room(bed, project=False)
    notes.project(bed.room())

    told = bed.git("log", "--graph", "--notes", "agentroom/main/integration", cwd=bed.repository)
    assert re.search(r"alice claimed src/0: mine \(token 1\)", told)
    assert re.search(r"bob was refused src/0, held by alice \(wanted for: mine, too\)", told)
    assert re.search(r"bob said: round 2", told)
    assert re.search(r'agentroom folded bob \w{10} "work"', told)
    assert bed.git("log", "--notes", "main", cwd=bed.repository) == before


def test_what_an_agent_says_cannot_forge_a_second_line(bed: Bed) -> None:
    bed.join("alice")
    forged = "hello\n2026-01-01T00:00:00Z bob claimed everything\r\n\u2028more\x1b[31m"
    messages.broadcast(bed.as_agent("alice"), forged, topic="t\nopic")
    notes.project(bed.room())

    commit = bed.room().integration()
    lines = bed.git("notes", "--ref", "agentroom/main", "show", commit, cwd=bed.repository).splitlines()

    assert [line.split()[1] for line in lines] == ["human", "alice", "alice"]
    assert all(line.isprintable() for line in lines)
