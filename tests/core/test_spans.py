"""Which hunks change consecutive lines, and where the lines are after others."""

import pytest

from agentroom_git.core.hunks import Hunk
from agentroom_git.core.spans import Span


@pytest.mark.parametrize(
    ("span", "hunk", "is_changed"),
    [
        (Span(4, 6), Hunk(4, 1, 4, 1), True),
        (Span(4, 6), Hunk(3, 2, 3, 0), True),
        (Span(4, 6), Hunk(5, 0, 5, 1), True),
        (Span(4, 6), Hunk(4, 0, 4, 1), False),
        (Span(4, 6), Hunk(6, 0, 6, 1), False),
        (Span(4, 6), Hunk(3, 1, 3, 1), False),
        (Span(4, 6), Hunk(6, 1, 6, 1), False),
        (Span(4, 4), Hunk(4, 0, 4, 1), True),
        (Span(4, 4), Hunk(3, 1, 3, 2), True),
        (Span(4, 4), Hunk(5, 1, 5, 2), False),
    ],
)
def test_lines_are_changed_by_what_replaces_or_parts_them_and_a_place_by_what_is_beside_it(
    span: Span, hunk: Hunk, is_changed: bool
) -> None:
    assert span.is_changed_by(hunk) == is_changed


@pytest.mark.parametrize(
    ("span", "hunks", "after"),
    [
        (Span(4, 6), [], Span(4, 6)),
        (Span(4, 6), [Hunk(0, 0, 0, 3)], Span(7, 9)),
        (Span(4, 6), [Hunk(4, 0, 4, 2), Hunk(6, 0, 8, 1)], Span(6, 8)),
        (Span(4, 6), [Hunk(1, 2, 1, 0), Hunk(4, 2, 2, 5)], Span(2, 7)),
        (Span(4, 6), [Hunk(3, 2, 3, 1)], Span(3, 5)),
        (Span(4, 6), [Hunk(5, 3, 5, 1)], Span(4, 6)),
        (Span(4, 4), [Hunk(4, 0, 4, 2)], Span(4, 6)),
        (Span(4, 4), [Hunk(3, 1, 3, 2)], Span(5, 5)),
    ],
)
def test_lines_move_with_what_comes_before_them_and_become_what_replaces_them(
    span: Span, hunks: list[Hunk], after: Span
) -> None:
    assert span.after(hunks) == after
