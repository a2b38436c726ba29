"""Each real client, alone with a scripted peer: what the room shows it, refuses it, and makes of its work."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination, messages
from client_stage import Ran, Stage, make_stage
from fake_model import Model, Step, call, say
from rooms import Git

CLIENTS = ("claude", "codex", "gemini", "opencode", "qwen")
TOOLS = {"broadcast", "claim", "handoff", "note", "read", "release", "status", "sync", "tasks", "wait"}
CLAIMED, REFUSED, TOLD, DENIED, STOPPED = 1, 2, 3, 5, 10
"""The turns at which the model sees each answer."""

pytestmark = [pytest.mark.clients, pytest.mark.timeout(500)]


@dataclass
class Story:
    stage: Stage
    client: str
    agent: str
    ran: Ran

    def shown(self, turn: int) -> str:
        return self.stage.model.shown(self.agent, turn)

    @property
    def tools(self) -> set[str]:
        return {tool for one in self.stage.model.requests(self.agent) for tool in one.tools}


def _play(stage: Stage, client: str) -> Story:
    """bob, whose edits are the test's own, holds src/util.py; the client works as an agent of its own name."""
    agent = f"{client}-agent"
    stage.bed.join("bob")
    bob = stage.bed.as_agent("bob")
    coordination.claim(bob, ["src/util.py"], reason="posting rules")
    edited = (stage.bed.repository / "src/app.py").read_text().replace("app_7 = 7", "app_7 = 'seven'")
    worktree = stage.bed.room().worktrees_dir / agent
    ran = stage.run(
        agent,
        client,
        call("claim", paths=["src/app.py"], reason="seven"),
        call("claim", paths=["src/util.py"], reason="mine, too"),
        Step(tool="status", before=lambda: messages.broadcast(bob, "amounts are in cents now")),
        # Qwen Code asks nobody about a file that it has not read: it refuses by itself.
        Step(read=str(worktree / "src/util.py")),
        Step(write=(str(worktree / "src/util.py"), "overwritten = True\n")),
        Step(read=str(worktree / "src/app.py")),
        Step(write=(str(worktree / "src/app.py"), edited)),
        call("sync", message="Spell out seven"),
        call("release"),
        say("finished"),
    )
    return Story(stage, client, agent, ran)


@pytest.fixture(scope="module", params=[pytest.param(c, marks=pytest.mark.xdist_group(f"client-{c}")) for c in CLIENTS])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, git: Git, model: Model
) -> Iterator[Story]:
    stage = make_stage(tmp_path_factory.mktemp(request.param), git, model)
    try:
        yield _play(stage, request.param)
    finally:
        stage.close()


def test_it_starts_with_no_file_of_ours_in_sight_and_ends_well(story: Story) -> None:
    assert (story.ran.code, story.stage.model.problems) == (0, []), story.ran.out
    status = story.stage.bed.git("status", "--porcelain", cwd=story.stage.bed.path(story.agent))
    assert status == ""


def test_it_is_offered_every_tool_of_the_room(story: Story) -> None:
    if any("search" in tool.lower() for tool in story.tools) and story.client == "codex":
        pytest.skip("Codex shows its model a search for tools instead")
    assert {tool.split("_")[-1] for tool in story.tools if "agentroom" in tool} == TOOLS


def test_a_claim_is_granted(story: Story) -> None:
    assert "granted" in story.shown(CLAIMED)
    assert "src/app.py" in story.shown(CLAIMED)


def test_a_refusal_says_who_holds_it_and_why(story: Story) -> None:
    assert story.shown(REFUSED).count("posting rules") > story.shown(CLAIMED).count("posting rules")


def test_a_broadcast_reaches_the_model_without_its_asking(story: Story) -> None:
    assert "amounts are in cents now" in story.shown(TOLD)
    assert "amounts are in cents now" not in story.shown(REFUSED)


def test_an_edit_of_what_another_holds_is_stopped_and_the_model_told(story: Story) -> None:
    assert "src/util.py is claimed by bob" in story.shown(DENIED)
    assert "overwritten" not in (story.stage.bed.path(story.agent) / "src/util.py").read_text()


def test_its_edit_is_committed_folded_and_in_the_other_worktree(story: Story) -> None:
    bed = story.stage.bed
    assert "app_7 = 'seven'" in (bed.integrated("src/app.py") or "")
    assert story.stage.comes(lambda: "'seven'" in (bed.path("bob") / "src/app.py").read_text())
    log = bed.git("log", "--format=%an %s", "agentroom/main/integration", cwd=bed.repository)
    assert f"{story.agent} Spell out seven" in log


def test_it_is_kept_from_stopping_twice_and_then_let_go(story: Story) -> None:
    if story.client == "opencode":
        pytest.skip("opencode run ends with its turn: it is started again instead")
    asked = [turn for turn in range(STOPPED, STOPPED + 4) if "This is not done yet" in story.shown(turn)]
    assert asked == [STOPPED, STOPPED + 1]
    assert "asked 2 of at most" in story.shown(STOPPED + 1)


def test_its_claims_are_given_back_and_its_end_recorded(story: Story) -> None:
    room = story.stage.bed.room()
    assert [held.claim.agent for held in coordination.live_claims(room)] == [parse_agent("bob")]
    log = story.stage.bed.git("log", "-1", "--format=%s", room.names.log(parse_agent(story.agent)), cwd=room.checkout)
    assert log.strip() == f"{story.agent} left (exit 0)"
