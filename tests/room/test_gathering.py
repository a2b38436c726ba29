"""What more than two agents contest is one record with every version, and one task that says what stands now."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest

from agentroom_git.cli.status_lines import place_of
from agentroom_git.core.ids import SIDECAR
from agentroom_git.errors import UsageError
from agentroom_git.git.contested_refs import Stored
from agentroom_git.room import contests, messages
from agentroom_git.room.aftermath import after_folds
from agentroom_git.room.folding import Folder
from agentroom_git.room.task_list import read_tasks
from agentroom_git.room.verifying import verify
from rooms import Bed, edited, numbered

THREE = ("alice", "bob", "carol")
FIVE = (*THREE, "dave", "erin")


def line_of(name: str) -> str:
    return f"{name} would have it otherwise"


def rewrite(bed: Bed, name: str, text: str | None = None, message: str = "work") -> None:
    bed.commit(name, {"n.txt": edited(text or numbered(), 5, line_of(name))}, message)


def claim(bed: Bed, name: str) -> None:
    rewrite(bed, name, message="work\n\nAgentroom-Claim: 9 n.txt" if name == "carol" else "work")


def rename(bed: Bed, name: str) -> None:
    bed.commit(name, {"n.txt": None, f"{name}.txt": edited(numbered(), 9, line_of(name))})


def add(bed: Bed, name: str) -> None:
    bed.commit(name, {"new.txt": edited(numbered(), 3, line_of(name))})


@pytest.fixture
def start(bed: Bed) -> Bed:
    bed.join(*FIVE)
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    return bed


def only_open(bed: Bed) -> Stored:
    """Return the one open record, once its task was looked at: whose version does not stand is asked, nobody else."""
    (record,) = contests.open_records(bed.room())
    tasks = [one.task for one in read_tasks(bed.room()) if one.task.is_open]
    if record.winner is None:
        assert tasks == []
        return record
    (task,) = tasks
    (stands,) = record.agents[record.winner]
    assert set(task.agents) == {name for side in record.agents for name in side} - {stands}
    assert f"{stands}'s version stands" in task.title
    assert line_of(stands) in (bed.integrated(record.path) or "")
    assert [verdict for verdict in verify(bed.room()) if not verdict.is_sound] == []
    return record


@pytest.mark.parametrize("names", [THREE, FIVE, FIVE[::-1]], ids=["three", "five", "the other way round"])
@pytest.mark.parametrize("change", [rewrite, claim, rename, add])
def test_of_what_several_contest_one_record_is_open(
    start: Bed, change: Callable[[Bed, str], None], names: tuple[str, ...]
) -> None:
    for name in names:
        change(start, name)
    for name in names:
        start.fold(name)

    record = only_open(start)

    assert sorted(record.agents) == sorted((name,) for name in names)
    for name, side in zip(record.agents, record.sides, strict=True):
        assert line_of(name[0]) in (side or b"").decode()
    replaced = {one.record.id: one.replaced_by for one in contests.read_contests(start.room()) if not one.is_open}
    assert len(replaced) == len(names) - 2
    assert set(replaced.values()) <= {record.id, *replaced}


def taken(bed: Bed, kind: str) -> str | None:
    if kind == "rename":
        names = bed.git("ls-tree", "--name-only", "agentroom/main/integration", cwd=bed.repository).split()
        return " ".join(name.removesuffix(".txt") for name in names if name.removesuffix(".txt") in (*THREE, "n"))
    return bed.integrated("n.txt" if kind == "line" else "new.txt")


@pytest.mark.parametrize("take", [*THREE, "base", "both"])
@pytest.mark.parametrize("kind", ["line", "rename", "add"])
def test_any_of_the_versions_can_be_taken(start: Bed, kind: str, take: str) -> None:
    for name in THREE:
        {"line": rewrite, "rename": rename, "add": add}[kind](start, name)
    start.settle()
    record = only_open(start)
    if (kind, take) == ("add", "both"):
        with pytest.raises(UsageError, match="a whole file"):
            contests.resolve(start.room(), record.id, take)
        return

    contests.resolve(start.room(), record.id, take)

    all_lines = "\n".join(line_of(name) for name in THREE)
    expected = {
        "line": edited(numbered(), 5, {"base": "line 5", "both": all_lines}.get(take, line_of(take))),
        "rename": {"base": "n", "both": " ".join(THREE)}.get(take, take),
        "add": None if take == "base" else edited(numbered(), 3, line_of(take)),
    }
    assert taken(start, kind) == expected[kind]
    assert contests.open_records(start.room()) == []
    start.sync()
    start.commit("dave", {"other.txt": "unrelated\n"})
    start.settle()
    assert contests.open_records(start.room()) == []


def test_a_third_version_of_what_two_have_seen_to_be_contested_joins_them(start: Bed) -> None:
    rewrite(start, "alice")
    rewrite(start, "bob")
    start.fold("alice", "bob")
    start.sync("alice", "bob")
    old = only_open(start)
    start.commit("alice", {"other.txt": "on top of the contest\n"})
    rewrite(start, "carol")
    start.settle()

    record = only_open(start)

    assert sorted(record.agents) == [("alice",), ("bob",), ("carol",)]
    replaced = contests.find_contest(start.room(), old.id)
    assert (replaced.replaced_by, replaced.closed_by, replaced.how) == (
        record.id,
        SIDECAR,
        f"replaced by {record.id}",
    )
    with pytest.raises(UsageError, match=f"was replaced by {record.id}") as refused:
        contests.resolve(start.room(), old.id, "alice")
    assert refused.value.hint == f"agentroom resolve {record.id}"
    contests.resolve(start.room(), record.id, "alice")
    assert start.integrated("n.txt") == edited(numbered(), 5, line_of("alice"))


@pytest.mark.parametrize("order", list(permutations(THREE)), ids=" ".join)
def test_regions_that_are_not_equally_long_become_one_with_the_lines_around(start: Bed, order: tuple[str, ...]) -> None:
    lines = numbered().splitlines(keepends=True)
    wide = f"four\n{line_of('carol')}\nsix\nseven\n"
    texts = {
        "alice": edited(numbered(), 5, line_of("alice")),
        "bob": edited(edited(numbered(), 5, line_of("bob")), 7, "bob's alone"),
        "carol": "".join(lines[:3]) + wide + "".join(lines[7:]),
    }
    for name in order:
        start.commit(name, {"n.txt": texts[name]})
    in_order_of_ids(start, order)
    for name in order:
        start.fold(name)

    record = only_open(start)

    found = dict(zip(record.agents, record.sides, strict=True))
    assert found.keys() == {(name,) for name in THREE}
    assert found["carol",] == wide.encode()
    assert line_of("bob") in (found["bob",] or b"").decode()
    for take in THREE:
        assert line_of(take) in (found[take,] or b"").decode()
    contests.resolve(start.room(), record.id, "alice")
    text = start.integrated("n.txt")
    assert text in {texts["alice"], edited(texts["alice"], 7, "bob's alone")}
    assert contests.open_records(start.room()) == []


def in_order_of_ids(bed: Bed, names: tuple[str, ...]) -> None:
    """Give the agents' commits ids in this order, which is the order in which the engine merges them."""
    for last, name in zip(names, names[1:], strict=False):
        for attempt in range(1000):
            if bed.head(name) > bed.head(last):
                break
            bed.git("commit", "--quiet", "--amend", "-m", f"attempt {attempt}", cwd=bed.path(name))


def test_an_agent_s_later_version_takes_the_place_of_its_own(start: Bed) -> None:
    for name in THREE:
        rewrite(start, name)
    start.fold()
    first = only_open(start)
    start.commit("bob", {"n.txt": edited(numbered(), 5, line_of("bob") + ", again")})
    start.fold()

    record = only_open(start)

    assert sorted(record.agents) == [("alice",), ("bob",), ("carol",)]
    assert f"{line_of('bob')}, again\n".encode() in record.sides
    assert contests.find_contest(start.room(), first.id).replaced_by == record.id


def test_when_another_version_comes_to_stand_the_task_says_so(start: Bed) -> None:
    rewrite(start, "alice")
    rewrite(start, "bob")
    start.fold()
    for _ in range(2):
        before = only_open(start)
        assert before.winner is not None
        loser = before.agents[1 - before.winner][0]
        # More commits than the other's since the two parted.
        for number in range(3):
            start.commit(loser, {f"{loser}{number}.txt": f"{before.id}\n"})
        start.fold()

        after = only_open(start)
        assert after.winner is not None
        assert after.agents[after.winner] == (loser,)
        assert contests.find_contest(start.room(), before.id).replaced_by == after.id


def test_an_open_record_of_other_lines_of_the_file_stays(start: Bed) -> None:
    for number in (5, 15):
        for name in ("alice", "bob"):
            current = (start.path(name) / "n.txt").read_text()
            start.commit(name, {"n.txt": edited(current, number, line_of(name))})
    rewrite(start, "carol")
    start.settle()

    found = {record.start: record for record in contests.open_records(start.room())}

    assert found.keys() == {5, 15}
    assert sorted(found[5].agents) == [("alice",), ("bob",), ("carol",)]
    assert sorted(found[15].agents) == [("alice",), ("bob",)]


def link(bed: Bed, name: str) -> None:
    (bed.path(name) / "n.txt").unlink()
    (bed.path(name) / "n.txt").symlink_to(f"{name}.txt")
    bed.git("commit", "--quiet", "--all", "-m", "a link", cwd=bed.path(name))


@pytest.mark.parametrize("take", THREE)
def test_of_three_links_any_is_taken_as_a_link(start: Bed, take: str) -> None:
    for name in THREE:
        link(start, name)
        start.fold(name)
    (record,) = contests.open_records(start.room())

    contests.resolve(start.room(), record.id, take)

    entry = start.git("ls-tree", "agentroom/main/integration", "n.txt", cwd=start.repository)
    assert entry.split()[0] == "120000"
    assert start.integrated("n.txt") == f"{take}.txt"


def test_a_third_version_that_moves_the_file_joins_them_there(start: Bed) -> None:
    rewrite(start, "alice")
    rewrite(start, "bob")
    start.fold()
    start.commit("carol", {"n.txt": None, "moved.txt": edited(numbered(), 5, line_of("carol"))})
    start.fold()

    record = only_open(start)

    assert (record.path, len(record.sides)) == ("moved.txt", 3)
    contests.resolve(start.room(), record.id, "bob")
    assert start.integrated("moved.txt") == edited(numbered(), 5, line_of("bob"))
    assert start.integrated("n.txt") is None


def test_verify_misses_the_record_of_three_versions(start: Bed) -> None:
    for name in THREE:
        rewrite(start, name)
        start.fold(name)
    record = only_open(start)

    start.git("update-ref", "-d", f"refs/agentroom/main/contested/{record.id}", cwd=start.repository)

    (unsound,) = [verdict for verdict in verify(start.room()) if not verdict.is_sound]
    assert f"contested records are missing: {record.id}" in unsound.problem


def test_what_was_closed_is_not_taken_over(start: Bed) -> None:
    rewrite(start, "alice")
    rewrite(start, "bob")
    start.fold()
    start.sync("alice", "bob")
    contests.resolve(start.room(), only_open(start).id, "alice")
    start.sync("alice", "bob")
    start.commit("alice", {"other.txt": "on top\n"})
    rewrite(start, "carol")
    start.settle()

    (record,) = contests.open_records(start.room())

    assert line_of("bob").encode() + b"\n" not in record.sides
    assert len(record.sides) == 2


@pytest.mark.parametrize("by_whom", ["the next look at folds", "the next fold"])
def test_who_is_killed_before_the_older_record_is_closed_leaves_it_to_the_next(start: Bed, by_whom: str) -> None:
    after_folds(start.room(), start.fold().made)
    rewrite(start, "alice")
    rewrite(start, "bob")
    after_folds(start.room(), start.fold().made)
    rewrite(start, "carol")

    def die(step: str) -> None:
        if step == "close what was replaced":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Folder(replace(start.room(), failpoint=die)).fold()
    assert len(contests.open_records(start.room())) == 2

    if by_whom == "the next fold":
        start.commit("dave", {"other.txt": "x\n"})
        start.fold()
    else:
        after_folds(start.room(), [])

    assert len(only_open(start).sides) == 3


def test_all_versions_are_told_of_at_once_and_shown(start: Bed) -> None:
    for name in THREE:
        rewrite(start, name)
    start.fold()
    record = only_open(start)

    assert record.winner is not None
    assert place_of(record).startswith("n.txt lines 5-5 (text): alice against bob against carol, ")
    (told,) = [one for one in messages.read(start.as_agent("carol")).messages if one.kind == "contested"]
    assert record.id in told.text
    losers = " or ".join(f"{name}'s" for name in THREE if (name,) != record.agents[record.winner])
    assert f"{record.agents[record.winner][0]}'s version stands, not {losers}" in told.text
