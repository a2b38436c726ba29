from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agentroom_git.core.events import Abandoned, Recorded, Urged
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.room import abandonment, coordination, logs, messages, running, scratchpad, tasks
from agentroom_git.room.assignment import assign
from agentroom_git.system.locks import try_hold
from rooms import Bed

STUB = "def post():\n    raise NotImplementedError\n"


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    return bed


def stop(bed: Bed, name: str = "alice", *, session: str = "s", is_again: bool = False) -> str:
    return abandonment.at_stop(bed.as_agent(name), session, is_again=is_again)


def endings(bed: Bed, name: str = "alice") -> list[Urged | Abandoned]:
    """Return what the agent's log says of its ends, oldest first."""
    found = [item.event.body for item in logs.read_log(bed.room(), parse_agent(name)) if isinstance(item, Recorded)]
    return [body for body in reversed(found) if isinstance(body, Urged | Abandoned)]


@contextmanager
def working(bed: Bed, name: str = "alice") -> Iterator[None]:
    """Hold what `agentroom run` holds."""
    lock = try_hold(running.run_lock(bed.room(), parse_agent(name)))
    assert lock is not None
    yield
    lock.release()


def test_an_agent_with_nothing_left_may_stop(room: Bed) -> None:
    room.commit("alice", {"src/a.py": "a = 1\n"})

    assert stop(room) == ""
    assert endings(room) == []


def test_an_agent_that_stops_with_its_task_open_is_told_what_is_left(room: Bed) -> None:
    task = assign(room.as_agent("alice"), "posting rules")
    coordination.claim(room.as_agent("alice"), ["src"])

    said = stop(room)

    assert f'- task {task} "posting rules" is open' in said
    assert "- you still hold src" in said
    assert f"(tasks, action done, id {task})" in said
    assert len(said.encode()) <= 1500
    (urged,) = endings(room)
    assert isinstance(urged, Urged)
    assert (urged.how, urged.session) == ("stop", "s")


def test_one_that_changes_nothing_is_asked_twice_and_then_let_go_with_a_record(room: Bed) -> None:
    task = assign(room.as_agent("alice"), "posting rules")

    assert [bool(stop(room, is_again=again)) for again in (False, True, True, True)] == [True, True, False, False]
    *urged, abandoned = endings(room)
    assert [type(body) for body in urged] == [Urged, Urged]
    assert isinstance(abandoned, Abandoned)
    assert (abandoned.reason, abandoned.tasks) == ("it was asked 2 times to go on and changed nothing", (task,))


@pytest.mark.parametrize("progress", ["edit", "commit", "event"])
def test_progress_is_an_edit_a_commit_or_something_said(room: Bed, progress: str) -> None:
    assign(room.as_agent("alice"), "posting rules")
    assert [bool(stop(room)) for _ in range(2)] == [True, True]

    if progress == "edit":
        room.write("alice", {"src/a.py": "a = 1\n"})
    elif progress == "commit":
        room.commit("alice", {"src/a.py": "a = 1\n"})
    else:
        messages.broadcast(room.as_agent("alice"), "rounding is done")

    assert [bool(stop(room)) for _ in range(3)] == [True, True, False]


def test_reading_messages_is_no_progress(room: Bed) -> None:
    assign(room.as_agent("alice"), "posting rules")
    assert [bool(stop(room)) for _ in range(2)] == [True, True]
    messages.broadcast(room.as_agent("bob"), "hello")
    messages.read(room.as_agent("alice"))

    assert stop(room) == ""


def test_one_that_goes_on_each_time_is_asked_eight_times_in_all(room: Bed) -> None:
    assign(room.as_agent("alice"), "posting rules")
    asked = 0
    for number in range(12):
        room.write("alice", {"src/a.py": f"a = {number}\n" * (number + 1)})
        asked += bool(stop(room))

    assert asked == 8


def test_under_run_other_sessions_count_and_otherwise_each_counts_for_itself(room: Bed) -> None:
    assign(room.as_agent("alice"), "posting rules")
    assert [bool(stop(room, session="one")) for _ in range(3)] == [True, True, False]

    assert stop(room, session="two")
    with working(room):
        assert stop(room, session="three") == ""


def test_a_task_that_was_closed_or_passed_on_is_not_left(room: Bed) -> None:
    alice = room.as_agent("alice")
    done, passed = assign(alice, "posting rules"), assign(alice, "statements")

    tasks.finish(alice, done)
    coordination.handoff(alice, [f"task:{passed}"], "bob")

    assert stop(room) == ""


def test_a_task_that_was_only_given_back_is_left(room: Bed) -> None:
    task = assign(room.as_agent("alice"), "posting rules")
    coordination.release(room.as_agent("alice"), None)

    assert f"task {task}" in stop(room)


def test_a_marker_that_the_agent_added_itself_is_left_until_it_is_gone(room: Bed) -> None:
    room.commit("alice", {"src/post.py": STUB})

    assert "src/post.py:2 (NotImplementedError)" in stop(room)
    room.settle()
    assert "src/post.py:2 (NotImplementedError)" in stop(room)
    room.write("alice", {"src/post.py": "def post():\n    return 1\n"})
    assert stop(room) == ""


def test_a_marker_that_is_not_committed_yet_counts_too(room: Bed) -> None:
    room.write("alice", {"src/post.py": STUB})

    assert "you left unimplemented src/post.py" in stop(room)


def test_a_marker_that_somebody_else_added_is_not_the_agents(room: Bed) -> None:
    room.commit("bob", {"src/post.py": STUB})
    room.settle()
    room.commit("alice", {"src/post.py": STUB + "\n\nx = 1\n"})
    room.settle()

    assert stop(room, "alice") == ""
    assert "src/post.py" in stop(room, "bob")


def test_a_marker_that_was_only_moved_to_another_file_is_not_added(room: Bed) -> None:
    room.commit("bob", {"src/post.py": STUB})
    room.settle()
    room.commit("alice", {"src/post.py": None, "src/posting.py": STUB})

    assert stop(room) == ""


def test_a_task_of_many_files_done_in_one_is_a_stub(room: Bed) -> None:
    alice = room.as_agent("alice")
    task = assign(alice, "write the ledger\nsrc/ledger.py, src/posting.py, src/statement.py, tests/test_ledger.py")
    room.commit("alice", {"src/ledger.py": "x = 1\n"})
    tasks.finish(alice, task)

    assert "the task names src/posting.py, src/statement.py, tests/test_ledger.py as well" in stop(room)


def test_where_the_configuration_says_so_nobody_is_asked(room: Bed) -> None:
    assign(room.as_agent("alice"), "posting rules")
    (room.repository / ".agentroom.yaml").write_text("urge: false\n")

    assert stop(room) == ""
    assert abandonment.after_exit(room.as_agent("alice"), 0, restarts_left=3) == ""
    assert [type(body) for body in endings(room)] == [Abandoned]


def test_an_agent_whose_command_ended_too_early_is_started_again_with_what_is_left(room: Bed) -> None:
    task = assign(room.as_agent("alice"), "posting rules")

    said = abandonment.after_exit(room.as_agent("alice"), 1, restarts_left=1)

    assert said.startswith("You began this before")
    assert f"task {task}" in said
    assert abandonment.after_exit(room.as_agent("alice"), 0, restarts_left=0) == ""
    restart, abandoned = endings(room)
    assert isinstance(restart, Urged)
    assert isinstance(abandoned, Abandoned)
    assert (restart.how, abandoned.reason) == ("restart", "its command ended, exit 0")


def test_what_a_command_left_uncommitted_is_saved_at_its_end(room: Bed) -> None:
    room.write("alice", {"README.md": "edited\n"})

    abandonment.after_exit(room.as_agent("alice"), 0, restarts_left=0)

    assert room.git("show", "HEAD:README.md", cwd=room.path("alice")) == "edited\n"


def test_one_that_its_hook_asked_in_vain_or_that_did_not_start_is_not_started_again(room: Bed) -> None:
    assign(room.as_agent("alice"), "posting rules")
    assign(room.as_agent("bob"), "statements")
    for _ in range(3):
        stop(room)

    assert abandonment.after_exit(room.as_agent("alice"), 0, restarts_left=1) == ""
    assert abandonment.after_exit(room.as_agent("bob"), 127, restarts_left=1) == ""
    assert len([body for body in endings(room) if isinstance(body, Abandoned)]) == 1


def test_an_agent_that_finished_is_not_started_again(room: Bed) -> None:
    alice = room.as_agent("alice")
    tasks.finish(alice, assign(alice, "posting rules"))

    assert abandonment.after_exit(alice, 1, restarts_left=1) == ""
    assert endings(room) == []


def test_at_the_end_of_its_session_an_agent_gives_back_what_it_holds(room: Bed) -> None:
    alice = room.as_agent("alice")
    assign(alice, "posting rules")
    coordination.claim(alice, ["src"])

    with working(room):
        abandonment.at_end(alice)
        assert len(coordination.live_claims(alice)) == 2
    abandonment.at_end(alice)

    assert coordination.live_claims(alice) == []
    (abandoned,) = endings(room)
    assert isinstance(abandoned, Abandoned)
    assert abandoned.reason == "its session ended"


def test_whoever_waits_for_an_abandoned_task_is_told(room: Bed) -> None:
    alice, bob = room.as_agent("alice"), room.as_agent("bob")
    task = assign(alice, "posting rules")
    tasks.add(bob, "statements", needs=[task])
    abandonment.at_end(alice)

    (told,) = messages.read(bob).messages
    assert (told.kind, told.sender) == ("abandoned", "alice")
    assert "posting rules" in told.text


def test_a_task_is_put_on_the_list_and_claimed(room: Bed) -> None:
    alice = room.as_agent("alice")

    task = assign(alice, "  posting rules\n\nround half up\nand test it  ")

    (listed,) = tasks.list_tasks(alice)
    assert (listed.task.id, listed.holder) == (task, "alice")
    assert (listed.task.title, listed.task.acceptance) == ("posting rules", "round half up and test it")
    assert [one.id for one in abandonment.own_tasks(alice)] == [task]


def test_the_same_words_are_the_same_task_until_it_is_closed_and_of_two_agents_two(room: Bed) -> None:
    alice, bob = room.as_agent("alice"), room.as_agent("bob")
    first = assign(alice, "posting rules")

    assert assign(alice, "posting rules") == first
    assert assign(bob, "posting rules") != first
    tasks.finish(alice, first)
    assert assign(alice, "posting rules") != first


def test_a_long_task_is_kept_whole_as_notes_under_it(room: Bed) -> None:
    alice = room.as_agent("alice")
    text = "a long task\n" + "".join(f"step {number}: do it\n" for number in range(200))

    task = assign(alice, text)

    notes = scratchpad.read_notes(alice, f"task:{task}", limit=0).notes
    assert "".join(note.text for note in notes) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n ", id="blank"),
        pytest.param("x" * 40_001, id="too long"),
        pytest.param("log in with -----BEGIN RSA PRIVATE KEY-----", id="a secret"),
    ],
)
def test_a_task_that_cannot_be_put_down_is_refused(room: Bed, text: str) -> None:
    with pytest.raises(UsageError):
        assign(room.as_agent("alice"), text)
    assert tasks.list_tasks(room.as_agent("alice")) == []
