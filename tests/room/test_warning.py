"""Which edits are told of before they are committed: to whom, how often, and when that is taken back."""

from collections.abc import Sequence

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.room import messages, warning
from agentroom_git.room.edits import Desk
from agentroom_git.room.room import Room
from agentroom_git.room.standing import Standing, write_standing
from agentroom_git.room.status import read_status
from agentroom_git.room.warning import GRACE_SECONDS, Forecast
from agentroom_git.system.locks import held
from rooms import Bed, edited, numbered


class Seer:
    """Looks at the worktrees of a bed and forecasts, as the sidecar does, at times that the test says."""

    def __init__(self, bed: Bed, *names: str) -> None:
        self.bed = bed
        self.names = [AgentName(name) for name in names]
        self.forecast = Forecast(bed.room())

    def look(self, now: float) -> float | None:
        worktrees = self.bed.room().worktrees()
        desks = {}
        for name in self.names:
            head = worktrees[name].head
            assert head is not None
            desks[name] = Desk.open(name, worktrees[name], head)
            desks[name].look_at_all()
        return self.forecast.update(self.forecast.find(desks), now)


@pytest.fixture
def shared(bed: Bed) -> Bed:
    """A room of alice, bob and carol, who have a file of twenty lines."""
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    return bed


def _told(bed: Bed, name: str) -> list[tuple[str, str]]:
    found = messages.unread(bed.as_agent(name)).messages
    return [(one.kind, one.text.split(": ")[1]) for one in found if one.kind in ("warning", "withdrawn")]


def _lines(bed: Bed, *names: str) -> list[list[tuple[str, str]]]:
    return [_told(bed, name) for name in names]


def _edit(bed: Bed, name: str, line: int, text: str) -> None:
    bed.write(name, {"n.txt": edited(numbered(), line, text)})


def test_the_two_who_edit_the_same_line_are_told_once_and_nobody_else(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob", "carol")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    _edit(shared, "carol", 12, "carol's own line")

    seer.look(0.0)
    _edit(shared, "bob", 5, "bob's second thought")
    seer.look(1.0)
    Seer(shared, "alice", "bob", "carol").look(2.0)  # another sidecar

    assert _lines(shared, "alice", "bob", "carol") == [[("warning", "n.txt line 5")], [("warning", "n.txt line 5")], []]


@pytest.mark.parametrize("writes", [1, 2])
def test_a_sidecar_that_is_killed_while_it_warns_has_told_once_and_takes_it_back(
    shared: Bed, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    with monkeypatch.context() as patch:
        done: list[None] = []

        def write_and_die(room: Room, standing: list[Standing]) -> None:
            done.append(None)
            if len(done) == 1:
                write_standing(room, standing)
            if len(done) == writes:
                raise KeyboardInterrupt

        patch.setattr(warning, "write_standing", write_and_die)
        with pytest.raises(KeyboardInterrupt):
            Seer(shared, "alice", "bob").look(0.0)
    seer = Seer(shared, "alice", "bob")
    seer.look(1.0)
    assert _lines(shared, "alice", "bob") == [[("warning", "n.txt line 5")]] * 2
    _edit(shared, "bob", 9, "elsewhere")
    seer.look(2.0)
    seer.look(2.0 + GRACE_SECONDS)
    assert _lines(shared, "alice", "bob") == [[], []]


def test_edits_that_merge_are_no_news(shared: Bed) -> None:
    _edit(shared, "alice", 5, "the same")
    _edit(shared, "bob", 5, "the same")
    _edit(shared, "carol", 15, "elsewhere")

    assert Seer(shared, "alice", "bob", "carol").look(0.0) is None
    assert _lines(shared, "alice", "bob", "carol") == [[], [], []]


def test_another_region_and_another_pair_are_told_of_again(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob", "carol")
    for name in ("alice", "bob"):
        _edit(shared, name, 3, name)
    seer.look(0.0)
    for name in ("alice", "bob"):
        shared.write(name, {"n.txt": edited(edited(numbered(), 3, name), 17, f"{name} too")})
    seer.look(1.0)
    shared.write("carol", {"n.txt": edited(numbered(), 17, "carol")})
    seer.look(2.0)

    first, second = ("warning", "n.txt line 3"), ("warning", "n.txt line 17")
    assert _lines(shared, "alice", "bob", "carol") == [
        [first, second, second],
        [first, second, second],
        [second, second],
    ]


def test_a_warning_that_has_passed_is_withdrawn_and_who_had_not_read_it_sees_neither(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    seer.look(0.0)
    assert [one.kind for one in messages.read(shared.as_agent("alice")).messages] == ["warning"]
    _edit(shared, "bob", 9, "elsewhere")

    assert seer.look(1.0) == GRACE_SECONDS
    assert _told(shared, "bob") == [("warning", "n.txt line 5")]
    assert seer.look(1.0 + GRACE_SECONDS) is None

    assert _lines(shared, "alice", "bob") == [[("withdrawn", "n.txt line 5")], []]
    assert messages.count_unread(shared.room(), AgentName("bob")) == 0


def test_a_file_that_is_empty_for_a_moment_withdraws_nothing(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    seer.look(0.0)
    shared.write("bob", {"n.txt": numbered()})
    seer.look(0.1)
    _edit(shared, "bob", 5, "bob's again")
    seer.look(0.2)
    seer.look(5.0)

    assert _lines(shared, "alice", "bob") == [[("warning", "n.txt line 5")]] * 2


def test_an_edit_is_held_against_what_others_committed_and_the_same_warning_stands(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob", "carol")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    seer.look(0.0)
    shared.commit("alice", {"n.txt": edited(numbered(), 5, "alice's")})
    shared.fold()
    seer.look(1.0)
    seer.look(9.0)
    assert _lines(shared, "alice", "bob") == [[("warning", "n.txt line 5")]] * 2

    _edit(shared, "carol", 5, "carol's")
    seer.look(10.0)
    assert _told(shared, "carol") == [("warning", "n.txt line 5"), ("warning", "n.txt line 5")]


def test_what_the_user_committed_is_told_to_the_agent_alone(shared: Bed) -> None:
    (shared.repository / "README.md").write_text("# The user's\n")
    shared.git("commit", "--quiet", "--all", "-m", "by hand", cwd=shared.repository)
    shared.fold()
    shared.write("bob", {"README.md": "# Bob's\n"})

    Seer(shared, "alice", "bob").look(0.0)

    assert _lines(shared, "alice", "bob") == [[], [("warning", "README.md lines 1-3")]]


@pytest.mark.parametrize(
    ("alice", "bob", "is_told"),
    [
        ({"n.txt": None}, {"n.txt": numbered() + "more\n"}, True),
        ({"n.txt": None}, {"n.txt": None}, False),
        ({"new.txt": "alice\n"}, {"new.txt": "bob\n"}, True),
        ({"new.txt": "equal\n"}, {"new.txt": "equal\n"}, False),
        ({"b.bin": "\0alice"}, {"b.bin": "\0bob"}, True),
    ],
)
def test_whole_files_clash_too(
    shared: Bed, alice: dict[str, str | None], bob: dict[str, str | None], is_told: bool
) -> None:
    shared.write("alice", alice)
    shared.write("bob", bob)

    Seer(shared, "alice", "bob").look(0.0)

    assert len(_told(shared, "alice")) == len(_told(shared, "bob")) == is_told


def test_many_regions_of_one_file_are_one_warning(shared: Bed) -> None:
    for name in ("alice", "bob"):
        text = numbered()
        for line in (1, 4, 7, 10, 13):
            text = edited(text, line, f"{name} {line}")
        shared.write(name, {"n.txt": text})

    Seer(shared, "alice", "bob").look(0.0)

    assert _told(shared, "alice") == [("warning", "n.txt lines 1-13")]


def test_status_shows_what_stands(shared: Bed) -> None:
    def shown() -> Sequence[tuple[str, tuple[str, str]]]:
        return [(one.path, one.agents) for one in read_status(shared.room()).warnings]

    seer = Seer(shared, "alice", "bob")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 5, "bob's")
    seer.look(0.0)
    assert shown() == []  # without a sidecar nobody would take it back
    with held(shared.room().sidecar_lock, seconds=5.0, what="the sidecar's lock"):
        assert shown() == [("n.txt", ("alice", "bob"))]

        shared.write("bob", {"n.txt": numbered()})
        seer.look(1.0)
        seer.look(3.0)
        assert shown() == []


def test_warning_forecasts_write_no_object(shared: Bed) -> None:
    seer = Seer(shared, "alice", "bob")
    _edit(shared, "alice", 5, "alice's")
    _edit(shared, "bob", 9, "bob's")
    before = shared.git("count-objects", cwd=shared.repository)

    seer.look(0.0)

    assert shared.git("count-objects", cwd=shared.repository) == before
