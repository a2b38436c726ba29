"""The task list is a function of the set of its events."""

import itertools
import random

import pytest

from agentroom_git.core.event_line import decode, encode
from agentroom_git.core.events import Event, Recorded, TaskAdded, TaskDone, TaskDropped
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.tasks import DONE, DROPPED, OPEN, Task, find_task, replay, task_id, waits_for
from agentroom_git.errors import UsageError


def _recorded(agent: str, lamport: int, body: TaskAdded | TaskDone | TaskDropped, key: str = "") -> Recorded:
    event = Event(AgentName(agent), lamport, "2026-01-01T00:00:00.000Z", "", key or f"{agent}{lamport}", body)
    return Recorded(Oid(f"{abs(hash((agent, lamport, key))):040x}"[:40]), event)


def _added(agent: str, lamport: int, title: str = "a task", **more: object) -> Recorded:
    values = {"acceptance": "", "needs": (), "origin": ""} | more
    return _recorded(agent, lamport, TaskAdded(title, **values))  # type: ignore[arg-type]


def _only(events: list[Recorded]) -> Task:
    (task,) = replay(events).values()
    return task


def test_every_order_of_arrival_gives_the_same_list() -> None:
    first, second = _added("alice", 1), _added("bob", 1, "another")
    id = task_id(first.event)
    events = [
        first,
        second,
        _recorded("alice", 3, TaskDropped(id, "", "not needed")),
        _recorded("bob", 3, TaskDone(id, "", "did it")),
        _recorded("carol", 5, TaskDropped(task_id(second.event), "", "")),
    ]
    lists = [list(replay(order).values()) for order in itertools.permutations(events)]

    assert all(one == lists[0] for one in lists)
    assert [(task.state, task.closed_by, task.said) for task in lists[0]] == [
        (DONE, "bob", "did it"),
        (DROPPED, "carol", ""),
    ]


def test_random_histories_of_three_agents_converge() -> None:
    chance = random.Random(11)
    for _ in range(200):
        added = [_added(agent, number, f"{agent} {number}") for agent in "abc" for number in range(1, 4)]
        ids = [task_id(one.event) for one in added]
        moves = [
            _recorded(
                chance.choice("abc"), chance.randrange(1, 9), chance.choice([TaskDone, TaskDropped])(id, "", ""), k
            )
            for id, k in zip(chance.choices(ids, k=12), map(str, range(12)), strict=True)
        ]
        events = added + moves
        before = replay(events)
        chance.shuffle(events)
        assert list(replay(events).items()) == list(before.items())


def test_ids_differ_between_agents_and_between_tasks_of_one_agent() -> None:
    events = [_added(agent, number) for agent in ("alice", "bob", "carol") for number in range(300)]
    assert len(replay(events)) == 900


def test_two_agents_who_add_the_same_marker_have_one_task() -> None:
    events = [
        _added("alice", 1, "fill in", origin="src/a.py: TODO x"),
        _added("bob", 1, "me", origin="src/a.py: TODO x"),
    ]
    assert (_only(events).title, _only(events).path) == ("fill in", "src/a.py")


def test_what_was_done_stays_done_and_what_was_dropped_can_still_be_done() -> None:
    added = _added("alice", 1)
    done = TaskDone(task_id(added.event), "", "")
    dropped = TaskDropped(task_id(added.event), "", "")
    assert _only([added, _recorded("bob", 2, done), _recorded("bob", 3, dropped)]).state == DONE
    assert _only([added, _recorded("bob", 2, dropped), _recorded("bob", 3, done)]).state == DONE


def test_adding_a_closed_task_again_opens_it() -> None:
    added = _added("alice", 1, origin="a: TODO")
    done = _recorded("bob", 2, TaskDone(task_id(added.event), "", ""))
    assert _only([added, done, _added("bob", 3, origin="a: TODO")]).state == OPEN


def test_an_event_about_a_task_that_nobody_added_changes_nothing() -> None:
    assert replay([_recorded("mallory", 9, TaskDone("unknown", "", ""))]) == {}


def test_a_task_waits_for_those_that_it_needs_until_they_are_closed() -> None:
    first = _added("alice", 1)
    needs = task_id(first.event)
    second = _added("alice", 2, needs=(needs, "elsewhere"))
    tasks = replay([first, second])
    assert waits_for(tasks[task_id(second.event)], tasks) == (needs,)
    tasks = replay([first, second, _recorded("bob", 3, TaskDone(needs, "", ""))])
    assert waits_for(tasks[task_id(second.event)], tasks) == ()


def test_a_task_is_found_by_its_id_a_beginning_of_it_or_its_resource() -> None:
    added = _added("alice", 1)
    tasks = replay([added])
    (task,) = tasks.values()
    assert [find_task(tasks, name) for name in (task.id, task.id[:3], f"task:{task.id}", task.id.upper())] == [task] * 4
    for name in ("", "task:", "nothing", "zzzzzzzzz"):
        with pytest.raises(UsageError):
            find_task(tasks, name)


@pytest.mark.parametrize(
    "body", [TaskAdded("t", "a", ("x", "y"), "o"), TaskDone("i", "t", "s"), TaskDropped("i", "t", "s")]
)
def test_task_events_survive_encoding(body: TaskAdded | TaskDone | TaskDropped) -> None:
    event = _recorded("alice", 1, body).event
    assert decode(encode(event)) == event
