"""Which commit broke the check: whatever the history, the one that did is found, and nobody else is blamed."""

from collections import defaultdict
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.checks import Tally
from agentroom_git.core.search import Alone, Broken, Flaky, NeverPassed, Passed, Run, With, plan_partner, plan_search

MOST_RUNS = 40


def search(count: int, green: int | None, passes: Callable[[int, int], bool]) -> tuple[object, list[int]]:
    """Follow the plan to its end; `passes` says of a commit and the number of its run how it ends."""
    tallies: dict[int, Tally] = defaultdict(Tally)
    runs: list[int] = []
    while len(runs) <= MOST_RUNS:
        step = plan_search(count, green, lambda index: tallies[index])
        if not isinstance(step, Run):
            return step, runs
        runs.append(step.index)
        before = tallies[step.index]
        passed = passes(step.index, before.runs)
        tallies[step.index] = Tally(before.passed + passed, before.failed + (not passed))
    raise AssertionError(f"still running after {MOST_RUNS} runs: {runs}")


@given(st.integers(2, 1000), st.data())
def test_the_commit_that_broke_it_is_found_in_few_runs(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(1, count - 1))
    green = data.draw(st.one_of(st.none(), st.integers(0, bad - 1)))

    step, runs = search(count, green, lambda index, _: index < bad)

    assert step == Broken(bad)
    assert len(runs) <= 5 + (count - 1).bit_length()


@given(st.integers(2, 300), st.lists(st.booleans(), min_size=300, max_size=300))
def test_the_blamed_commit_always_fails_where_the_one_before_passes(count: int, results: list[bool]) -> None:
    results[0] = True

    step, _ = search(count, None, lambda index, _: results[index])

    if isinstance(step, Broken):
        assert results[step.index - 1]
        assert not results[step.index]
    else:
        assert step == Passed()
        assert results[count - 1]


def test_a_check_that_always_failed_blames_nobody() -> None:
    assert search(50, None, lambda index, run: False) == (NeverPassed(), [49, 49, 0])


def test_a_check_that_fails_where_it_once_passed_under_other_commands_blames_nobody() -> None:
    assert search(5, 3, lambda index, run: False)[0] == NeverPassed()
    assert search(4, 3, lambda index, run: False)[0] == NeverPassed()


def test_a_room_without_folds_blames_nobody() -> None:
    assert search(1, None, lambda index, run: False)[0] == NeverPassed()
    assert search(1, None, lambda index, run: True)[0] == Passed()


def test_a_failure_that_does_not_come_again_is_flaky() -> None:
    assert search(9, 2, lambda index, run: run > 0) == (Flaky(8), [8, 8])


@given(st.integers(2, 60), st.data())
def test_a_check_that_fails_at_random_never_blames_without_two_runs_of_each_side(
    count: int, data: st.DataObject
) -> None:
    ends: dict[int, list[bool]] = defaultdict(list)

    def passes(index: int, run: int) -> bool:
        ends[index].append(data.draw(st.booleans()))
        return ends[index][-1]

    step, _ = search(count, None, passes)

    if isinstance(step, Broken):
        assert ends[step.index] == [False, False]
        assert ends[step.index - 1] == [True, True]
    if isinstance(step, Flaky):
        assert set(ends[step.index]) == {True, False}


def find_partner(starts: list[int], broken: int, passes: Callable[[int], bool]) -> tuple[object, list[int]]:
    tallies: dict[int, Tally] = defaultdict(Tally)
    runs: list[int] = []
    while len(runs) <= MOST_RUNS:
        step = plan_partner(starts, broken, lambda index: tallies[index])
        if not isinstance(step, Run):
            return step, runs
        runs.append(step.index)
        tallies[step.index] = Tally(int(passes(step.index)), int(not passes(step.index)))
    raise AssertionError(f"still running after {MOST_RUNS} runs: {runs}")


@given(st.integers(0, 500), st.integers(1, 500), st.data())
def test_the_other_one_of_a_pair_is_found(start: int, length: int, data: st.DataObject) -> None:
    broken = start + length + 1
    partner = data.draw(st.integers(start + 1, broken - 1))

    step, runs = find_partner([start], broken, lambda index: index < partner)

    assert step == With(partner)
    assert len(runs) <= 2 + length.bit_length()


def test_a_change_that_fails_wherever_its_author_may_have_begun_is_alone() -> None:
    assert find_partner([3, 7], 20, lambda index: False) == (Alone(), [3, 7])


def test_a_change_right_after_what_its_author_had_seen_is_alone() -> None:
    assert find_partner([19], 20, lambda index: True) == (Alone(), [])


def test_what_the_author_had_seen_last_is_tried_when_the_older_start_fails() -> None:
    step, _ = find_partner([3, 10], 20, lambda index: 10 <= index < 15)

    assert step == With(15)
