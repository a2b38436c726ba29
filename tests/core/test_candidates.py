"""What else a contested record may become, from the record alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agentroom_git.core.candidates import Candidate, find_alternatives
from agentroom_git.core.regions import Side
from agentroom_git.core.text import merge_text
from agentroom_git.git.diff import line_diff

AGENTS = (("ann",), ("bob",))


def test_what_keeps_both_comes_before_what_keeps_one_and_the_base_comes_last() -> None:
    found = find_alternatives(b"a\nb\n", (b"x\ny\n", b"a\nnew\nb\n"), AGENTS, 0, line_diff)
    assert found == (
        Candidate("both", b"x\ny\nnew\n"),
        Candidate("sequence", b"x\ny\na\nnew\nb\n"),
        Candidate("sequence", b"a\nnew\nb\nx\ny\n"),
        Candidate("side", b"a\nnew\nb\n", ("bob",)),
        Candidate("base", b"a\nb\n"),
    )


def test_of_a_file_that_one_deleted_the_absence_is_a_candidate() -> None:
    found = find_alternatives(b"a\n", (b"b\n", None), AGENTS, 0, line_diff)
    assert found == (Candidate("side", None, ("bob",)), Candidate("base", b"a\n"))


def test_binary_sides_are_never_combined() -> None:
    found = find_alternatives(b"\0", (b"\0a", b"\0b"), AGENTS, 1, line_diff)
    assert [(one.step, one.text) for one in found] == [("side", b"\0a"), ("base", b"\0")]


lines = st.lists(st.sampled_from([b"a\n", b"b c\n", b"d\n", b"\n"]), max_size=5).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(base=lines, ours=lines, theirs=lines)
def test_every_contested_region_has_its_lost_side_as_a_candidate_and_none_twice(
    base: bytes, ours: bytes, theirs: bytes
) -> None:
    for region in merge_text(base, [Side(("ann",), ours), Side(("bob",), theirs)], line_diff).regions:
        if region.winner is None or not region.is_contested:
            continue
        found = find_alternatives(region.base_text, region.sides, region.agents, region.winner, line_diff)
        texts = [one.text for one in found]
        assert {region.sides[index] for index in region.lost} <= set(texts)
        assert region.sides[region.winner] not in texts
        assert len(set(texts)) == len(texts)
