"""The algebra over indivisible values, exhausted over a small domain."""

from itertools import permutations, product

import pytest

from agentroom_git.core.merge import Contested, Resolved, merge_values, precedence
from agentroom_git.core.regions import Side

VALUES = ("base", "x", "y", "z")
SIDES = [sides for count in range(4) for sides in product(VALUES, repeat=count)]


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((), Resolved("base")),
        (("base", "base"), Resolved("base")),
        (("x", "base"), Resolved("x")),
        (("x", "x"), Resolved("x")),
        (("y", "base", "x", "y"), Contested("base", ("y", "x"))),
    ],
)
def test_only_different_changes_contest(sides: tuple[str, ...], expected: Resolved[str] | Contested[str]) -> None:
    assert merge_values("base", sides) == expected


@pytest.mark.parametrize("sides", SIDES)
def test_the_order_of_the_sides_does_not_matter(sides: tuple[str, ...]) -> None:
    outcomes = [merge_values("base", order) for order in permutations(sides)]
    assert len({o if isinstance(o, Resolved) else frozenset(o.values) for o in outcomes}) == 1


@pytest.mark.parametrize("sides", SIDES)
def test_a_side_given_again_changes_nothing(sides: tuple[str, ...]) -> None:
    assert merge_values("base", (*sides, *sides, "base")) == merge_values("base", sides)


def test_a_value_that_two_merges_resolve_alike_is_resolved_in_one() -> None:
    for sides in SIDES:
        outcome = merge_values("base", sides)
        if isinstance(outcome, Resolved):
            assert merge_values("base", (outcome.value, *sides)) == outcome


def test_precedence_is_token_then_support_then_generation_then_lower_id() -> None:
    ranked = [
        Side(("f",), b"", token=2, id="z"),
        Side(("e",), b"", token=1, support=9, id="z"),
        Side(("d",), b"", support=2, id="z"),
        Side(("c",), b"", support=1, generation=9, id="z"),
        Side(("b",), b"", support=1, generation=2, id="a"),
        Side(("a",), b"", support=1, generation=2, id="b"),
    ]
    assert sorted(sorted(ranked, key=lambda side: side.agents), key=precedence) == ranked
