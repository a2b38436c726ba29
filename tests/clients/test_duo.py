"""Two different real clients at once in one room, on one file, in an order that barriers fix; both ways round."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from client_stage import Ran, Stage
from fake_model import Step, call, say

pytestmark = [pytest.mark.clients, pytest.mark.timeout(500), pytest.mark.xdist_group("client-claude")]
PAIRS = pytest.mark.parametrize(("first", "second"), [("claude", "codex"), ("codex", "claude")])


def _edit(stage: Stage, agent: str, path: str, old: str, new: str) -> Step:
    """Rewrite the whole file as the agent finds it in its worktree at that moment, but for one line."""
    file = stage.bed.room().worktrees_dir / agent / path

    def text() -> str:
        found = file.read_text()
        assert old in found
        return found.replace(old, new)

    return Step(write=(str(file), text))


def _read(stage: Stage, agent: str, path: str) -> Step:
    return Step(read=str(stage.bed.room().worktrees_dir / agent / path))


def _play(stage: Stage, first: str, second: str) -> tuple[Ran, Ran]:
    """alice has src/app.py; bob wants it, too, does something else meanwhile, and has it when she has given it back."""
    after_alice: Callable[[Step, int], Step] = lambda step, turn: replace(step, after=("alice", turn))  # noqa: E731
    stage.start(
        "alice",
        first,
        call("claim", paths=["src/app.py"], reason="posting rules"),
        # Not before bob was refused.
        replace(_read(stage, "alice", "src/app.py"), after=("bob", 1)),
        _edit(stage, "alice", "src/app.py", "app_3 = 3\n", "app_3 = 'posted'\n"),
        call("sync", message="Post the rules"),
        call("broadcast", text="the rules are posted; statements may build on app_3"),
        call("release"),
        say("finished"),
        task="posting rules",
    )
    stage.start(
        "bob",
        second,
        after_alice(call("claim", paths=["src/app.py"], reason="statements"), 1),
        _read(stage, "bob", "src/util.py"),
        _edit(stage, "bob", "src/util.py", "util_5 = 5\n", "util_5 = 'stated'\n"),
        call("sync", message="State it"),
        after_alice(call("claim", paths=["src/app.py"], reason="statements"), 6),
        call("sync"),
        _read(stage, "bob", "src/app.py"),
        _edit(stage, "bob", "src/app.py", "app_4 = 4\n", "app_4 = 'exported'\n"),
        call("sync", message="Export it"),
        call("release"),
        say("finished"),
        task="statements and export",
    )
    return stage.end("alice"), stage.end("bob")


@PAIRS
def test_two_clients_share_a_file_without_losing_a_line(stage: Stage, first: str, second: str) -> None:
    alice, bob = _play(stage, first, second)

    assert (alice.code, bob.code, stage.model.problems) == (0, 0, []), f"{alice.out}\n{bob.out}"
    expected = "".join(f"app_{number} = {number}\n" for number in range(1, 21))
    expected = expected.replace("= 3\n", "= 'posted'\n").replace("= 4\n", "= 'exported'\n")
    assert stage.bed.integrated("src/app.py") == expected
    assert "util_5 = 'stated'" in (stage.bed.integrated("src/util.py") or "")
    assert stage.comes(lambda: all((stage.bed.path(name) / "src/app.py").read_text() == expected for name in _NAMES))
    assert "posting rules" in stage.model.shown("bob", 1)
    assert "statements may build on app_3" in stage.model.shown("bob", 5)
    _assert_the_story_is_readable(stage)


_NAMES = ("alice", "bob")


def _assert_the_story_is_readable(stage: Stage) -> None:
    story = stage.bed.git(
        "log", "--notes", "--format=%an: %s%n%N", "agentroom/main/integration", cwd=stage.bed.repository
    )
    lines = story.splitlines()
    for text in ("alice: Post the rules", "bob: State it", "bob: Export it"):
        assert text in lines
    told = [line for line in lines if "alice" in line or "bob" in line]
    for words in (
        ("alice", "claimed", "src/app.py", "posting rules"),
        ("bob", "refused", "src/app.py"),
        ("alice", "the rules are posted"),
        ("bob", "claimed", "src/app.py", "statements"),
    ):
        assert any(all(word in line for word in words) for line in told), story
