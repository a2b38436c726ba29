"""The shared task list, in a real room."""

import pytest

from agentroom_git.core.tasks import DONE, DROPPED
from agentroom_git.errors import UsageError
from agentroom_git.room import contests, coordination, digest, markers, scratchpad, status, tasks
from agentroom_git.room.coordination import Grant, Refusal
from rooms import Bed, edited, numbered


def test_a_task_goes_from_the_list_through_a_claim_to_done(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    added = tasks.add(alice, "post the ledger", acceptance="totals agree")

    assert isinstance(tasks.claim(bob, added.id[:4]), Grant)
    (listed,) = tasks.list_tasks(alice)
    assert (listed.task, listed.holder) == (added, "bob")
    assert isinstance(tasks.claim(alice, added.id), Refusal)
    with pytest.raises(UsageError, match="bob holds"):
        tasks.finish(alice, added.id)

    done = tasks.finish(bob, added.id, "in ledger.py")
    assert (done.task.state, done.task.closed_by, done.task.said, done.left) == (DONE, "bob", "in ledger.py", ())
    assert coordination.live_claims(alice) == []
    assert tasks.list_tasks(alice) == []
    assert [one.task for one in tasks.list_tasks(alice, everything=True)] == [done.task]
    with pytest.raises(UsageError, match="done by bob"):
        tasks.claim(alice, added.id)


def test_a_task_that_needs_another_cannot_be_begun_before_it(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    first = tasks.add(alice, "first")
    second = tasks.add(alice, "second", needs=[first.id[:5]])

    assert tasks.claim(alice, second.id) == tasks.NotYet(second, (first,))
    tasks.drop(alice, first.id, "not needed")
    assert isinstance(tasks.claim(alice, second.id), Grant)
    assert [one.task.state for one in tasks.list_tasks(alice, everything=True)] == [DROPPED, "open"]


def test_a_person_can_add_and_close_tasks_from_the_users_checkout(bed: Bed) -> None:
    room = bed.room()
    task = tasks.add(room, "by hand")
    assert tasks.finish(room, task.id).task.closed_by == "human"


@pytest.mark.parametrize(
    ("title", "more"),
    [("", {}), ("  \n", {}), ("x" * 201, {}), ("t", {"acceptance": "y" * 501}), ("t", {"needs": ["nowhere"]})],
)
def test_what_cannot_be_a_task_is_refused_before_anything_is_written(bed: Bed, title: str, more: dict) -> None:
    before = bed.git("for-each-ref", cwd=bed.repository)
    with pytest.raises(UsageError):
        tasks.add(bed.room(), title, **more)
    assert bed.git("for-each-ref", cwd=bed.repository) == before


def test_markers_are_found_made_into_tasks_and_missed_when_the_task_is_done(bed: Bed) -> None:
    bed.join("alice")
    text = "def post():\n    raise NotImplementedError\n\n\n# TODO round half up\n# TODOS is no marker\n"
    bed.commit("alice", {"src/post.py": text, "binary": "TODO\0\n"})
    bed.settle()
    alice = bed.as_agent("alice")

    found = tasks.found_work(alice)
    assert [(one.path, one.line, one.text) for one in found] == [
        ("src/post.py", 2, "raise NotImplementedError"),
        ("src/post.py", 5, "# TODO round half up"),
    ]
    task = tasks.add_found(alice, "src/post.py:5", acceptance="0.5 becomes 1")
    assert (task.title, task.origin) == ("# TODO round half up", "src/post.py: # TODO round half up")
    assert tasks.found_work(alice) == found[:1]
    with pytest.raises(UsageError, match="no marker at"):
        tasks.add_found(alice, "src/post.py:1")

    assert tasks.finish(alice, task.id).left == (found[1],)
    (listed,) = tasks.list_tasks(alice)
    assert (listed.task.state, listed.left) == (DONE, (found[1],))

    bed.commit("alice", {"src/post.py": text.replace("# TODO round half up\n", "")})
    bed.settle()
    assert tasks.list_tasks(alice) == []


def test_the_words_to_look_for_can_be_configured(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.py": "# XXX look\n# TODO not this\n"})
    bed.settle()
    bed.git("config", "--add", markers.SETTING, "XXX", cwd=bed.repository)
    assert [one.text for one in tasks.found_work(bed.room())] == ["# XXX look"]
    assert [one.text for one in tasks.found_work(bed.room(), markers=["not"])] == ["# TODO not this"]


def test_a_contested_region_is_a_task_of_the_agent_whose_version_does_not_stand(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"shared": numbered()})
    bed.settle()
    bed.commit("alice", {"shared": edited(numbered(), 5, "alice")})
    bed.commit("bob", {"shared": edited(numbered(), 5, "bob")})
    bed.fold()
    room = bed.room()
    (contest,) = contests.open_records(room)
    assert contest.winner is not None
    winner, loser = contest.agents[contest.winner][0], contest.agents[1 - contest.winner][0]

    (listed,) = tasks.list_tasks(room)
    assert (listed.task.id, listed.task.agents) == (contest.id, (loser,))
    assert f"{winner}'s version stands" in listed.task.title
    with pytest.raises(UsageError, match="contested region"):
        tasks.finish(bed.as_agent(loser), contest.id)

    contests.resolve(bed.as_agent(loser), contest.id, loser)
    assert tasks.list_tasks(room) == []
    (closed,) = tasks.list_tasks(room, everything=True)
    assert (closed.task.state, closed.task.closed_by) == (DONE, loser)


def test_the_list_is_the_same_with_a_warm_a_cold_and_a_damaged_digest(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    for number in range(30):
        task = tasks.add(alice, f"task {number}")
        if number % 3 == 0:
            tasks.finish(alice, task.id)
    warm = tasks.list_tasks(alice, everything=True)
    file = alice.private / "digest" / "alice.json"
    for damage in ("", "{", '{"v":1,"tip":"x"}', '{"v":99}', file.read_text().replace("task-done", "task-gone")):
        file.write_text(damage)
        assert tasks.list_tasks(alice, everything=True) == warm
    file.unlink()
    assert tasks.list_tasks(alice, everything=True) == warm


def test_a_log_that_was_put_back_is_read_anew(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    tasks.add(alice, "stays")
    before = bed.git("rev-parse", "refs/agentroom/main/log/alice", cwd=bed.repository).strip()
    tasks.add(alice, "goes")
    assert len(tasks.list_tasks(alice)) == 2

    bed.git("update-ref", "refs/agentroom/main/log/alice", before, cwd=bed.repository)

    assert [one.task.title for one in tasks.list_tasks(bed.as_agent("alice"))] == ["stays"]
    assert digest.read_digest(alice, alice.agent()).tip == before


def test_status_shows_open_tasks_and_the_topics_of_the_scratchpad(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    task = tasks.add(alice, "round half up")
    tasks.drop(alice, tasks.add(alice, "gone").id)
    tasks.claim(alice, task.id)
    scratchpad.add_note(alice, "ids are text", "schema")

    found = status.read_status(bed.room())

    assert [one.summary for one in found.tasks] == [f"{task.id} round half up (held by alice)"]
    assert found.topics == (("schema", 1),)
