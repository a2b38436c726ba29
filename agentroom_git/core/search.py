"""Which commit broke the check: what to run next, decided from what is known of each commit's tree.

The commits are a chain from the oldest (0) to the tip. Nothing is kept between two decisions but the results, so that a
search that was interrupted, or that newer commits overtook, goes on where it stood.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agentroom_git.core.checks import Tally

Tallies = Callable[[int], Tally]


@dataclass(frozen=True, slots=True)
class Run:
    """Run the check on this commit of the chain."""

    index: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The tip passes."""


@dataclass(frozen=True, slots=True)
class Flaky:
    """The check fails and passes on the tree of this commit: nobody can be blamed."""

    index: int


@dataclass(frozen=True, slots=True)
class NeverPassed:
    """It fails where the chain begins, too: nobody in between has broken it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The check passes on the commit before this one, and fails on this one; each was run twice."""

    index: int


Step = Run | Passed | Flaky | NeverPassed | Broken


def plan_search(count: int, green: int | None, tally: Tallies) -> Step:
    """Decide what to do about a chain of `count` commits; `green` is one of which it is known that it passed.

    The tip comes first. A failure is confirmed by a second run before anything else is run for its sake.
    """
    tip = count - 1
    if not tally(tip).runs:
        return Run(tip)
    if tally(tip).is_good:
        return Passed()
    if tally(tip).is_flaky:
        return Flaky(tip)
    start = 0 if green is None else green
    if tip == start:
        return NeverPassed() if tally(tip).failed > 1 else Run(tip)
    failing = [index for index in range(start + 1, count) if tally(index).is_bad]
    if not any(tally(index).failed > 1 for index in failing):
        return Run(failing[0] if failing else tip)
    return _start(start, failing[0], tally) if green is None else _halve(start, failing[0], tally)


def _start(start: int, bad: int, tally: Tallies) -> Step:
    """Look at the beginning before anybody is suspected."""
    first = tally(start)
    if not first.runs:
        return Run(start)
    if first.is_flaky:
        return Flaky(start)
    return _halve(start, bad, tally) if first.is_good else NeverPassed()


def _halve(start: int, bad: int, tally: Tallies) -> Step:
    good = max((index for index in range(start, bad) if tally(index).is_good), default=start)
    if bad - good > 1:
        middle = (good + bad) // 2
        return Flaky(middle) if tally(middle).is_flaky else Run(middle)
    for index, runs in ((bad, tally(bad).failed), (good, tally(good).passed)):
        if tally(index).is_flaky:
            return Flaky(index)
        if index == good and tally(index).is_bad:
            # It passed under other commands than today's.
            return NeverPassed()
        if runs < 2:
            return Run(index)
    return Broken(bad)


@dataclass(frozen=True, slots=True)
class Alone:
    """The change breaks the check whatever came before it."""


@dataclass(frozen=True, slots=True)
class With:
    """The change breaks the check together with what this commit of the chain brought."""

    index: int


def plan_partner(starts: list[int], broken: int, tally: Tallies) -> Run | Alone | With:
    """Decide with which earlier commit of the chain the one at `broken` breaks the check.

    `tally` is of the tree of a commit with only the broken one's own change added. `starts` are the commits from which
    its author may have begun, the oldest first: the change alone is what it does there. The commit before the broken
    one with the change is the broken one itself, so it fails.
    """
    for start in starts:
        if start >= broken - 1:
            break
        if not tally(start).runs:
            return Run(start)
        if tally(start).is_good:
            return _halve_partners(start, broken - 1, tally)
    return Alone()


def _halve_partners(good: int, bad: int, tally: Tallies) -> Run | Alone | With:
    while bad - good > 1:
        middle = (good + bad) // 2
        if not tally(middle).runs:
            return Run(middle)
        if tally(middle).is_good:
            good = middle
        else:
            bad = middle
    return With(bad)
