"""Whole-file writes from an old version: all are found, most are merged as meant, and what was meant is left alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from agentroom_git.core.hunks import split_lines
from agentroom_git.core.stale import Arrival, Judgement, Rebased, Verdict, judge_write, known_text, rebase_write
from agentroom_git.git.diff import line_diff

READ = b"def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"
ARRIVED = READ.replace(b"return 2", b"return 2 + tax()")
NEW_END = b"\n\ndef four():\n    return 4\n"


def judge(known: bytes, current: bytes, written: bytes) -> Verdict:
    return judge_write(known, current, written, line_diff).verdict


def test_a_write_that_lacks_what_arrived_is_stale_and_gets_it_back() -> None:
    written = READ + NEW_END

    assert judge_write(READ, ARRIVED, written, line_diff) == Judgement(Verdict.STALE, (b"    return 2 + tax()\n",))
    assert rebase_write("a.py", READ, ARRIVED, written, line_diff) == Rebased(ARRIVED + NEW_END)


def test_a_write_that_has_what_arrived_is_fresh() -> None:
    assert judge(READ, ARRIVED, ARRIVED + NEW_END) is Verdict.FRESH
    assert judge(READ, ARRIVED, ARRIVED) is Verdict.FRESH
    assert judge(READ, READ, NEW_END) is Verdict.FRESH


def test_writing_back_what_was_read_is_stale() -> None:
    assert judge(READ, ARRIVED, READ) is Verdict.STALE
    assert rebase_write("a.py", READ, ARRIVED, READ, line_diff) == Rebased(ARRIVED)


def test_who_kept_a_part_of_what_arrived_has_seen_it_and_meant_to_remove_the_rest() -> None:
    current = ARRIVED.replace(b"return 3", b"return 3 + tax()")
    written = current.replace(b"return 2 + tax()", b"return 2")

    assert judge_write(READ, current, written, line_diff) == Judgement(Verdict.MIXED, (b"    return 2 + tax()\n",))


def test_a_function_that_was_removed_meanwhile_and_is_written_again_is_stale() -> None:
    current = READ.replace(b"def two():\n    return 2\n\n\n", b"")
    written = READ + NEW_END

    assert judge(READ, current, written) is Verdict.STALE
    assert rebase_write("a.py", READ, current, written, line_diff) == Rebased(current + NEW_END)


def test_where_both_changed_the_same_line_the_writers_stands_and_the_other_is_named() -> None:
    written = READ.replace(b"return 2", b"return 22") + NEW_END

    assert judge(READ, ARRIVED, written) is Verdict.STALE
    rebased = rebase_write("a.py", READ, ARRIVED, written, line_diff)
    assert rebased is not None
    assert b"22" in rebased.text or rebased.lost == (b"    return 2 + tax()\n",)


def test_a_merge_that_does_not_parse_though_both_do_is_not_made() -> None:
    read = b"x = [\n" + b"".join(b"    %d,\n" % number for number in range(8)) + b"]\ny = 1\n"
    written = read.replace(b"[", b"(").replace(b"]", b")")
    current = read.replace(b"    1,\n    2,\n", b"    1]\nz = [2,\n")

    assert judge(read, current, written) is Verdict.STALE
    assert rebase_write("list.py", read, current, written, line_diff) is None


def test_what_the_writer_itself_committed_between_two_syncs_is_part_of_what_it_knows() -> None:
    own = ARRIVED + NEW_END
    arrivals = [Arrival(READ, ARRIVED), Arrival(own, own.replace(b"return 3", b"return 33"))]

    known = known_text(arrivals, "a.py", line_diff)

    assert known == READ + NEW_END
    written = known.replace(b"return 1", b"return 11")
    assert judge(known, arrivals[-1].after, written) is Verdict.STALE
    rebased = rebase_write("a.py", known, arrivals[-1].after, written, line_diff)
    assert rebased == Rebased(arrivals[-1].after.replace(b"return 1", b"return 11"))


def test_binary_files_are_told_but_never_merged() -> None:
    assert judge(b"\0one\n", b"\0two\n", b"\0one\n\0more\n") is not Verdict.FRESH
    assert rebase_write("a.bin", b"\0one\n", b"\0two\n", b"\0one\n\0more\n", line_diff) is None


@dataclass(frozen=True)
class Edit:
    """Lines [start, stop) of the version that was read become `lines`."""

    start: int
    stop: int
    lines: tuple[bytes, ...]


def apply(lines: Sequence[bytes], edits: Sequence[Edit]) -> bytes:
    result = list(lines)
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        result[edit.start : edit.stop] = edit.lines
    return b"".join(result)


def module(rng: random.Random) -> list[bytes]:
    """Source as programs have it: many lines are like others."""
    lines: list[bytes] = [b"import os\n", b"\n"]
    for number in range(rng.randrange(4, 14)):
        lines += [b"\n", b"def step_%d(amount):\n" % number]
        for inner in range(rng.randrange(1, 6)):
            lines.append(rng.choice([b"    amount += 1\n", b"    check(amount)\n", b"    v%d = amount\n" % inner]))
        lines += [b"    return amount\n", b"\n"]
    return lines


def edits(rng: random.Random, lines: Sequence[bytes], word: bytes, most: int) -> list[Edit]:
    """Changes of one side that do not meet each other."""
    found: list[Edit] = []
    for number in range(rng.randrange(1, most + 1)):
        start = rng.randrange(len(lines) + 1)
        stop = min(len(lines), start + rng.choice((0, 0, 1, 1, 2, 4)))
        text = tuple(b"    %s_%d_%d = 1\n" % (word, number, n) for n in range(rng.randrange(1, 4)))
        made = Edit(start, stop, () if stop > start and rng.random() < 0.25 else text)
        if all(made.stop < other.start or other.stop < made.start for other in found):
            found.append(made)
    return found


def meet(one: Sequence[Edit], other: Sequence[Edit]) -> bool:
    return any(a.start <= b.stop and b.start <= a.stop for a in one for b in other)


def test_on_a_corpus_of_stale_writes_all_are_found_and_nearly_all_are_merged_as_meant() -> None:
    rng = random.Random(20)
    found = meant = 0
    trials = 1000
    for _ in range(trials):
        lines = module(rng)
        theirs, mine = edits(rng, lines, b"theirs", 4), edits(rng, lines, b"mine", 5)
        read, current, written = b"".join(lines), apply(lines, theirs), apply(lines, mine)
        rebased = rebase_write("a.txt", read, current, written, line_diff)
        found += judge(read, current, written) is not Verdict.FRESH or rebased == Rebased(written)
        if rebased is None or judge(read, current, written) is Verdict.MIXED:
            continue
        if not meet(theirs, mine):
            meant += rebased.text == apply(lines, [*theirs, *mine])
        else:
            # Both changed the same place: the writer's own lines are there, and what gave way is named.
            there = set(split_lines(rebased.text))
            added = {line for edit in theirs for line in edit.lines} - set(lines)
            own = {line for edit in mine for line in edit.lines} - set(lines)
            meant += own <= there and added <= there | set(rebased.lost)
    print(f"found {found} of {trials}, merged as meant {meant}")
    assert found == trials
    assert meant >= 0.95 * trials


def test_no_deliberate_deletion_is_taken_for_a_stale_write() -> None:
    """Who has seen what arrived may delete it: the version that is known is then the one that arrived."""
    rng = random.Random(21)
    for _ in range(300):
        lines = module(rng)
        current = apply(lines, edits(rng, lines, b"theirs", 4))
        seen = split_lines(current)
        written = apply(seen, edits(rng, seen, b"mine", 4))
        assert judge(current, current, written) is Verdict.FRESH
        assert judge(current, current, b"".join(lines)) is Verdict.FRESH


def test_what_is_fresh_stays_as_it_was_written() -> None:
    rng = random.Random(22)
    for _ in range(300):
        lines = module(rng)
        theirs, mine = edits(rng, lines, b"theirs", 4), edits(rng, lines, b"mine", 4)
        if meet(theirs, mine):
            continue
        current, written = apply(lines, theirs), apply(lines, [*theirs, *mine])
        assert judge(b"".join(lines), current, written) is not Verdict.STALE


@pytest.mark.parametrize("seed", range(5))
def test_re_basing_twice_is_re_basing_once(seed: int) -> None:
    rng = random.Random(seed)
    lines = module(rng)
    read = b"".join(lines)
    current, written = (apply(lines, edits(rng, lines, word, 4)) for word in (b"theirs", b"mine"))
    once = rebase_write("a.txt", read, current, written, line_diff)
    assert once is not None
    assert rebase_write("a.txt", read, current, once.text, line_diff) is not None
