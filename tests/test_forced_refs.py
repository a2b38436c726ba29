"""Refs that somebody deletes or moves by force, under a sidecar's eyes or while none runs: what becomes of each."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination, forward_only, messages, scratchpad
from agentroom_git.sidecar.service import Service
from agentroom_git.sidecar.watch import Watch
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.process import own_command
from rooms import Bed

INTEGRATION = "refs/heads/agentroom/main/integration"
CLAIMS = "refs/agentroom/main/claims"
ALICES_LOG = "refs/agentroom/main/log/alice"


@dataclass
class Served:
    """A room, and the part of the sidecar that serves it, one round at a time."""

    bed: Bed
    watch: Watch
    said: list[str] = field(default_factory=list)
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self.bed.room(), self.said.append, self.watch)

    def settle(self) -> None:
        for _ in range(6):
            self.service.tick()

    def ref(self, name: str) -> str:
        return self.bed.git("rev-parse", "--verify", "--quiet", name, cwd=self.bed.repository, check=False).strip()

    def force(self, *arguments: str) -> None:
        self.bed.git("update-ref", *arguments, cwd=self.bed.repository)

    def has(self, name: str, path: str, text: str) -> bool:
        target = self.bed.path(name) / path
        return target.exists() and target.read_text() == text

    def goes_on(self) -> bool:
        """Whether what alice commits now still reaches bob."""
        self.bed.commit("alice", {"on.txt": "on\n"})
        self.settle()
        return self.has("bob", "on.txt", "on\n") and self.bed.fsck() == ""


@pytest.fixture
def served(bed: Bed) -> Iterator[Served]:
    bed.join("alice", "bob")
    with Watch(bed.repository / ".git", SystemClock()) as watch:
        served = Served(bed, watch)
        _begin(served)
        yield served
        served.service.close()


def _begin(served: Served) -> None:
    """Let alice claim, note and commit, and bob get it."""
    bed = served.bed
    coordination.claim(bed.as_agent("alice"), ["a.txt"], reason="to edit it")
    scratchpad.add_note(bed.as_agent("alice"), "kept")
    bed.commit("alice", {"a.txt": "alice\n"})
    served.settle()
    assert served.has("bob", "a.txt", "alice\n")


@pytest.mark.parametrize("name", [INTEGRATION, CLAIMS, ALICES_LOG])
def test_a_ref_that_only_grows_is_put_back_when_it_was_deleted(name: str, served: Served) -> None:
    before = served.ref(name)
    served.force("-d", name)
    served.settle()

    assert served.ref(name) == before
    assert served.said == [f"{name} was removed or moved back by force: put back at {before[:10]}"]
    alice = served.bed.as_agent("alice")
    assert [one.kind for one in messages.unread(alice).messages if one.kind == "put-back"] == ["put-back"]
    assert served.goes_on()


@pytest.mark.parametrize("name", [INTEGRATION, CLAIMS, ALICES_LOG])
def test_a_ref_that_only_grows_is_put_back_when_it_was_moved_back(name: str, served: Served) -> None:
    coordination.claim(served.bed.as_agent("alice"), ["b.txt"], reason="a second one")
    served.settle()
    before = served.ref(name)
    served.force(name, f"{name}~1")
    served.settle()

    assert served.ref(name) == before
    assert served.goes_on()


@pytest.mark.parametrize("name", [CLAIMS, ALICES_LOG])
def test_claims_and_logs_that_were_moved_elsewhere_are_put_back(name: str, served: Served) -> None:
    before = served.ref(name)
    served.force(name, "refs/heads/main")
    served.settle()

    assert served.ref(name) == before
    assert served.goes_on()


def test_all_of_them_are_put_back_by_the_next_sidecar_when_none_ran(served: Served) -> None:
    names = (INTEGRATION, CLAIMS, ALICES_LOG)
    before = {name: served.ref(name) for name in names}
    for name in names:
        served.force("-d", name)

    bed = served.bed
    subprocess.run([*own_command(), "sidecar", "start"], cwd=bed.repository, check=True, capture_output=True)
    subprocess.run([*own_command(), "sidecar", "stop"], cwd=bed.repository, check=True, capture_output=True)
    assert forward_only.put_back(bed.room(), {}) == ()
    assert {name: served.ref(name) for name in (INTEGRATION, CLAIMS)} == {n: before[n] for n in (INTEGRATION, CLAIMS)}
    assert served.bed.git("merge-base", "--is-ancestor", before[ALICES_LOG], ALICES_LOG, cwd=bed.repository) == ""


def test_a_commit_on_integration_by_hand_is_folded_like_any_other(served: Served) -> None:
    bed = served.bed
    bed.git("switch", "--quiet", "--detach", INTEGRATION, cwd=bed.repository)
    (bed.repository / "hand.txt").write_text("by hand\n")
    bed.git("add", ".", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "by hand", cwd=bed.repository)
    served.force(INTEGRATION, "HEAD")
    served.settle()

    assert served.goes_on()
    assert served.has("bob", "hand.txt", "by hand\n")
    assert served.has("bob", "a.txt", "alice\n")


def test_an_integration_that_was_moved_elsewhere_keeps_both_what_was_there_and_what_is_new(served: Served) -> None:
    bed = served.bed
    bed.git("switch", "--quiet", "-c", "other", "main", cwd=bed.repository)
    (bed.repository / "other.txt").write_text("other\n")
    bed.git("add", ".", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "other", cwd=bed.repository)
    served.force(INTEGRATION, "refs/heads/other")
    served.settle()

    assert served.goes_on()
    assert bed.integrated("a.txt") == "alice\n"
    assert bed.integrated("other.txt") == "other\n"


def test_an_agents_branch_that_was_deleted_leaves_its_worktree_waiting_and_the_others_served(served: Served) -> None:
    bed = served.bed
    bed.join("carol")
    served.settle()
    served.force("-d", "refs/heads/agentroom/main/carol")
    served.settle()

    assert served.goes_on()
    carol = bed.as_agent("carol")
    assert any(one.kind == "waits" for one in messages.unread(carol).messages)


def test_an_agents_branch_that_was_moved_by_force_counts_as_rewritten(served: Served) -> None:
    bed = served.bed
    bed.commit("bob", {"b.txt": "bob\n"})
    served.settle()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.path("alice"))
    bed.commit("alice", {"instead.txt": "instead\n"})
    served.settle()

    assert served.goes_on()
    assert served.has("bob", "instead.txt", "instead\n")
    assert served.has("bob", "b.txt", "bob\n")


def test_the_users_branch_may_be_deleted_and_made_again(served: Served) -> None:
    bed = served.bed
    main = served.ref("refs/heads/main")
    bed.git("switch", "--quiet", "--detach", cwd=bed.repository)
    served.force("-d", "refs/heads/main")
    served.settle()
    assert served.goes_on()
    served.force("refs/heads/main", main)
    bed.commit("alice", {"more.txt": "more\n"})
    served.settle()
    assert served.has("bob", "more.txt", "more\n")


def test_the_users_branch_that_was_moved_elsewhere_counts_as_rewritten(served: Served) -> None:
    bed = served.bed
    for text in ("first\n", "second\n"):
        (bed.repository / "user.txt").write_text(text)
        bed.git("add", ".", cwd=bed.repository)
        bed.git("commit", "--quiet", "--amend", "-m", text, cwd=bed.repository)
        served.settle()

    assert served.has("bob", "user.txt", "second\n")
    assert served.goes_on()


def test_a_worktree_whose_folder_and_entry_are_gone_leaves_its_commits_folded(served: Served) -> None:
    bed = served.bed
    bed.join("carol")
    bed.commit("carol", {"c.txt": "carol\n"})
    entry = bed.repository / ".git" / "worktrees" / "carol"
    subprocess.run(["rm", "-rf", str(bed.path("carol")), str(entry)], check=True)
    served.settle()

    assert served.has("bob", "c.txt", "carol\n")
    assert served.goes_on()
    bed.join("carol")
    assert served.has("carol", "c.txt", "carol\n")
    assert parse_agent("carol") in bed.room().worktrees()
