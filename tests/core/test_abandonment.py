import pytest

from agentroom_git.core.abandonment import (
    MAX_IN_ALL,
    MAX_UNCHANGED,
    KeepOn,
    LetGo,
    Work,
    counted_files,
    decide,
    left_undone,
    named_files,
)


def test_nothing_is_left_where_tasks_are_closed_and_claims_given_back() -> None:
    assert left_undone(Work(changed=("src/a.py",), wanted="tidy src/a.py")) == ()


def test_an_open_task_held_claims_and_own_markers_are_left() -> None:
    work = Work(tasks=('ab12 "posting rules"',), held=("src/a.py",), markers=("src/a.py: raise NotImplementedError",))

    assert left_undone(work) == (
        'task ab12 "posting rules" is open',
        "you still hold src/a.py",
        "you left unimplemented src/a.py: raise NotImplementedError",
    )


def test_at_most_two_source_files_are_a_stub_where_the_task_names_more() -> None:
    wanted = "write src/ledger.py, src/posting.py and src/statement.py"

    assert left_undone(Work(wanted=wanted, changed=("src/ledger.py", "README.md"))) == (
        "the task names src/posting.py, src/statement.py as well; you changed src/ledger.py",
    )
    assert left_undone(Work(wanted=wanted)) == (
        "the task names src/ledger.py, src/posting.py, src/statement.py as well; you changed no source file",
    )


@pytest.mark.parametrize(
    ("wanted", "changed"),
    [
        ("write src/a.py, src/b.py, src/c.py", ("src/a.py", "src/b.py", "src/other.py")),
        ("write a.py and b.py", ("src/a.py", "src/b.py")),
        ("make it faster", ()),
        ("a service with at least 3 files", ("a.ts", "b.ts", "c.ts")),
    ],
)
def test_what_names_no_more_than_was_done_is_no_stub(wanted: str, changed: tuple[str, ...]) -> None:
    assert left_undone(Work(wanted=wanted, changed=changed)) == ()


def test_a_number_of_files_in_the_task_counts_as_naming_them() -> None:
    assert left_undone(Work(wanted="a ledger of at least 15 source files", changed=("app.ts",))) == (
        "the task asks for 15 files; you changed app.ts",
    )


def test_files_are_told_from_products_addresses_and_numbers() -> None:
    text = "Use Node.js 20.1 and express.js; see https://x.org/a.py, e.g. ./src/app.ts, lib/main.rs. Not v1.2 or a.b.c"

    assert named_files(text) == ("src/app.ts", "lib/main.rs", "a.b.c")
    assert counted_files("3 files, then 12 new source files, in 40 minutes") == 12


def test_an_agent_that_changes_nothing_is_asked_twice_and_let_go() -> None:
    asked: list[str] = []
    while isinstance(answer := decide(asked, "same", is_again=bool(asked)), KeepOn):
        assert answer == KeepOn(len(asked))
        asked.append("same")

    assert len(asked) == MAX_UNCHANGED
    assert answer == LetGo("it was asked 2 times to go on and changed nothing")


def test_an_agent_that_goes_on_is_asked_eight_times_in_all() -> None:
    asked: list[str] = []
    while isinstance(answer := decide(asked, f"state {len(asked)}", is_again=bool(asked)), KeepOn):
        asked.append(f"state {len(asked)}")

    assert (len(asked), answer) == (MAX_IN_ALL, LetGo("it was asked 8 times to go on"))


def test_no_sequence_of_states_is_asked_more_often_than_that() -> None:
    """Exhaustive over two states: whatever an agent does, it is let go after at most eight times."""
    for bits in range(2**10):
        asked: list[str] = []
        for turn in range(10):
            state = "ab"[bits >> turn & 1]
            if isinstance(decide(asked, state, is_again=bool(asked)), LetGo):
                break
            asked.append(state)
        assert len(asked) <= MAX_IN_ALL
        assert all(len(set(asked[at : at + 3])) > 1 for at in range(len(asked) - 2))


def test_an_agent_that_another_stop_hook_keeps_going_is_left_alone() -> None:
    assert decide([], "x", is_again=True) == LetGo("another stop hook keeps it going already")
    assert decide(["x"], "x", is_again=True) == KeepOn(1)
