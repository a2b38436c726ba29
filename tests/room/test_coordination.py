"""Claims as agents make them: leases by fake clocks, taking over, handing over, claims by edits."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentroom_git.core.claims import AUTO_TTL, Handed, NotHanded
from agentroom_git.core.events import HandedOver, Recorded
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.git.claims_ref import read_history
from agentroom_git.room import coordination, leases, messages
from agentroom_git.room.coordination import Grant, Losses, Refusal
from agentroom_git.room.room import Room, acting_as, open_room
from rooms import Bed, Git

TTL = 60


@dataclass
class FakeClock:
    """A clock that stands still until it is moved; `wrong_by` puts its wall time wrong."""

    wrong_by: timedelta = timedelta()
    at: float = 1000.0
    boot: str = "one boot"

    def now(self) -> datetime:
        return datetime(2025, 6, 1, tzinfo=UTC) + self.wrong_by + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def boot_id(self) -> str:
        return self.boot


@pytest.fixture
def bed(git: Git, repository: Path) -> Bed:
    bed = Bed(git, repository).open()
    bed.join("alice", "bob", "carol")
    return bed


def _as(bed: Bed, name: str, clock: FakeClock) -> Room:
    return acting_as(open_room(bed.repository, clock), parse_agent(name))


def _holders(room: Room) -> list[tuple[int, str, str]]:
    return [(held.claim.token, held.claim.agent, held.claim.path) for held in coordination.live_claims(room)]


def _commits(room: Room) -> int:
    return len(list(read_history(room.refs, room.names.claims)))


def _lost(room: Room) -> list[tuple[int, str]]:
    return [(one.claim.token, one.taker) for one in coordination.lost_claims(room).lost]


def test_globs_and_resources_are_claimed_like_paths(bed: Bed) -> None:
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    assert isinstance(coordination.claim(alice, ["*.py", "port:5432"]), Grant)
    refused = coordination.claim(bob, ["docs", "src/app.py", "port:5432", "README.md"], reason="wants")
    assert isinstance(refused, Refusal)
    assert [held.claim.path for held in refused.conflicts] == ["**/*.py", "port:5432"]
    assert refused.free == ("README.md",)  # docs may come to hold a module
    assert isinstance(coordination.claim(bob, ["port:5433", "./port:5432.md"]), Grant)


def test_a_folder_with_a_name_like_a_files_is_claimed_as_a_folder(bed: Bed) -> None:
    (bed.path("alice") / "v1.2").mkdir()
    answer = coordination.claim(bed.as_agent("alice"), ["v1.2", str(bed.path("alice") / "v1.2")])
    assert isinstance(answer, Grant)
    assert [claim.path for claim in answer.claims] == ["v1.2/"]
    assert isinstance(coordination.claim(bed.as_agent("bob"), ["*.py"]), Refusal)


def test_an_absolute_path_keeps_its_meaning(bed: Bed) -> None:
    alice = bed.as_agent("alice")
    answer = coordination.claim(alice, [str(bed.path("alice") / "port:1"), str(bed.repository / "src" / "*.py")])
    assert isinstance(answer, Grant)
    assert [claim.path for claim in answer.claims] == ["./port:1", "src/*.py"]


def test_activity_keeps_a_claim_and_costs_a_write_only_when_a_third_is_left(bed: Bed) -> None:
    clock = FakeClock()
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", clock)
    coordination.claim(alice, ["src"], ttl=TTL)
    coordination.live_claims(bob)
    for _ in range(4):
        clock.at += 10
        leases.beat(alice)
    assert _commits(alice) == 1
    clock.at += 10
    leases.beat(alice)
    assert _commits(alice) == 2
    for _ in range(30):
        clock.at += 20
        leases.beat(alice)
        assert isinstance(coordination.claim(bob, ["src"]), Refusal)
    clock.at += TTL + 1
    assert isinstance(coordination.claim(bob, ["src"]), Grant)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_holder_that_stood_still_for_ten_leases_loses_its_claim_and_is_told(hours: int, bed: Bed) -> None:
    clock = FakeClock()
    other = FakeClock(timedelta(hours=hours))
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", other)
    coordination.claim(alice, ["src"], ttl=TTL)
    assert isinstance(coordination.claim(bob, ["src"], ttl=TTL), Refusal)
    clock.at = other.at = clock.at + 10 * TTL
    taken = coordination.claim(bob, ["src/app.py"], ttl=TTL)
    assert isinstance(taken, Grant)
    assert [(claim.token, claim.agent) for claim in taken.took_over] == [(1, "alice")]
    leases.beat(alice)
    assert _holders(alice) == [(2, "bob", "src/app.py")]
    assert _lost(alice) == [(1, "bob")]
    coordination.mark_told(alice, coordination.lost_claims(alice))
    assert _lost(alice) == []
    assert _lost(bob) == []
    released = coordination.release(alice, ["src/app.py"])
    assert ([c.agent for c in released.foreign], released.claims) == (["bob"], ())
    assert _holders(alice) == [(2, "bob", "src/app.py")]


def test_a_holder_that_comes_back_before_anybody_asked_goes_on(bed: Bed) -> None:
    clock = FakeClock()
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", clock)
    coordination.claim(alice, ["src"], ttl=TTL)
    coordination.live_claims(alice)
    clock.at += 10 * TTL
    assert [held.is_stale for held in coordination.live_claims(bob)] == [True]
    leases.beat(alice)
    assert [held.is_stale for held in coordination.live_claims(bob)] == [False]
    assert isinstance(coordination.claim(bob, ["src"]), Refusal)


@pytest.mark.parametrize("hours", [-1, 1])
def test_two_clones_judge_a_lease_by_their_own_clocks(hours: int, bed: Bed, tmp_path: Path, git: Git) -> None:
    """Wall time is an hour apart, monotonic clocks count from different boots."""
    here, there = FakeClock(), FakeClock(timedelta(hours=hours), at=5_000_000.0, boot="another")
    alice = _as(bed, "alice", here)
    clone = tmp_path / "clone"
    git("clone", "--quiet", bed.repository, clone, cwd=tmp_path)
    everything = "+refs/agentroom/*:refs/agentroom/*"

    def fetch() -> None:
        git("fetch", "--quiet", "--force", bed.repository, everything, cwd=clone)

    coordination.claim(alice, ["src"], ttl=TTL)
    fetch()
    # As a clone that acts in the room would have it: what was only fetched is only read.
    git("update-ref", "-m", "agentroom: init", "refs/heads/agentroom/main/integration", "HEAD", cwd=clone)
    bob = acting_as(open_room(clone, there), parse_agent("bob"))
    for _ in range(6):  # the holder is active, and the other clone hears of its renewals only
        assert isinstance(coordination.claim(bob, ["src"]), Refusal)
        here.at, there.at = here.at + 45, there.at + 45
        leases.beat(alice)
        fetch()
    assert isinstance(coordination.claim(bob, ["src"]), Refusal)
    there.at += TTL - 1
    assert isinstance(coordination.claim(bob, ["src"]), Refusal)
    there.at += 2
    assert isinstance(coordination.claim(bob, ["src"]), Grant)


def test_a_claim_by_an_edit_lasts_two_minutes_from_the_last_edit_of_its_file(bed: Bed) -> None:
    clock = FakeClock()
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", clock)
    granted = coordination.auto_claim(alice, "src/app.py")
    assert isinstance(granted, Grant)
    assert [(claim.path, claim.auto, claim.ttl) for claim in granted.claims] == [("src/app.py", True, AUTO_TTL)]
    for _ in range(5):
        clock.at += AUTO_TTL - 20
        coordination.auto_claim(alice, "src/app.py")
        assert isinstance(coordination.auto_claim(bob, "src/app.py"), Refusal)
    assert _holders(bob) == [(1, "alice", "src/app.py")]
    clock.at += AUTO_TTL - 20
    leases.beat(alice)  # other activity does not count
    clock.at += 21
    assert isinstance(coordination.auto_claim(bob, "src/app.py"), Grant)
    assert _lost(alice) == [(1, "bob")]


def test_edits_in_a_row_write_to_the_ref_once(bed: Bed) -> None:
    clock = FakeClock()
    alice = _as(bed, "alice", clock)
    for _ in range(10):
        coordination.auto_claim(alice, "src/app.py")
        coordination.live_claims(alice)
        clock.at += 5
    assert _commits(alice) == 1


def test_a_claim_by_an_edit_yields_at_once_to_a_request_and_its_holder_is_told(bed: Bed) -> None:
    clock = FakeClock()
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", clock)
    coordination.auto_claim(alice, "pages/[id].tsx")
    assert _holders(alice) == [(1, "alice", "pages/\\[id].tsx")]
    assert isinstance(coordination.claim(bob, ["pages"]), Grant)
    assert _lost(alice) == [(1, "bob")]
    assert isinstance(coordination.auto_claim(alice, "pages/[id].tsx"), Refusal)


def test_an_edit_under_a_claim_proper_claims_nothing_more(bed: Bed) -> None:
    alice = bed.as_agent("alice")
    coordination.claim(alice, ["src"])
    answer = coordination.auto_claim(alice, str(bed.path("alice") / "src" / "app.py"))
    assert isinstance(answer, Grant)
    assert [claim.token for claim in answer.claims] == [1]
    assert _commits(alice) == 1


def test_a_claim_is_handed_over_in_one_swap_and_the_receiver_is_told(bed: Bed) -> None:
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    coordination.claim(alice, ["src", "docs"], reason="totals")
    answer = coordination.handoff(alice, ["src"], "bob")
    assert isinstance(answer, Handed)
    assert _holders(bob) == [(2, "alice", "docs"), (3, "bob", "src")]
    newest = next(read_history(alice.refs, alice.names.claims))
    assert isinstance(newest, Recorded)
    assert newest.event.body == HandedOver(("src",), ("3",), "bob")
    assert [message.text for message in messages.read(bob).messages] == ["you hold src (token 3) now"]
    assert coordination.lost_claims(alice).lost == ()


def test_what_is_not_held_is_not_handed_over(bed: Bed) -> None:
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    coordination.claim(bob, ["docs"])
    answer = coordination.handoff(alice, ["docs", "src"], "carol")
    assert isinstance(answer, NotHanded)
    assert ([claim.agent for claim in answer.foreign], answer.unknown) == (["bob"], ("src",))
    for nobody in ("alice", "dave"):
        with pytest.raises(UsageError):
            coordination.handoff(alice, ["src"], nobody)


def test_nothing_lost_is_told_where_nothing_was_ever_claimed(bed: Bed) -> None:
    assert coordination.lost_claims(bed.as_agent("alice")) == Losses((), None)


def test_a_wait_has_bounds(bed: Bed) -> None:
    with pytest.raises(UsageError, match="not between"):
        coordination.claim(bed.as_agent("alice"), ["src"], wait=coordination.MAX_WAIT + 1)


def test_a_wait_ends_refused_at_its_time_and_granted_when_the_lease_runs_out(bed: Bed) -> None:
    clock = FakeClock()
    alice, bob = _as(bed, "alice", clock), _as(bed, "bob", clock)
    coordination.claim(alice, ["src"], ttl=TTL)
    assert isinstance(coordination.claim(bob, ["src"], wait=TTL / 2), Refusal)
    assert clock.at == pytest.approx(1000 + TTL / 2, abs=0.2)
    before = _commits(alice)
    assert isinstance(coordination.claim(bob, ["src"], wait=TTL), Grant)
    assert clock.at == pytest.approx(1000 + TTL, abs=0.2)
    assert _commits(alice) == before + 1
    assert not list((bob.private / "queue").glob("*"))


def test_who_does_not_wait_is_refused_what_somebody_waits_for(bed: Bed) -> None:
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    ask = coordination.Request(parse_agent("bob"), ("src",), "", TTL, False, "")
    with coordination.queue.place(bob, ask):
        refused = coordination.claim(alice, ["src/app.py", "docs"])
        assert isinstance(refused, Refusal)
        assert (refused.conflicts, refused.free, refused.waiting) == ((), ("docs",), ("bob",))
        assert isinstance(coordination.claim(bob, ["src"]), Grant)
        assert coordination.queue.ahead(alice, replace(ask, agent=parse_agent("alice"), paths=("docs",))) == ()
    assert isinstance(coordination.claim(alice, ["docs"]), Grant)
