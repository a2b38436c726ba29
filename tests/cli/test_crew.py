"""`agentroom up` and `down`: all agents of the configuration, in the background and in tmux."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from agentroom_git.agents import tmux
from agentroom_git.core.events import Left, Recorded
from agentroom_git.core.ids import AgentName
from agentroom_git.room import logs, running
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]
WAITS = "touch here; exec sleep 600"
STUBBORN = "trap '' TERM; touch here; while :; do sleep 600; done"


def agentroom(bed: Bed, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=bed.repository, capture_output=True, text=True, timeout=110)


@pytest.fixture
def crew(bed: Bed) -> Iterator[Callable[..., Bed]]:
    """Put commands under `agents:` and let the room run them."""

    def configure(**commands: str) -> Bed:
        text = json.dumps({"agents": {name: {"command": command} for name, command in commands.items()}})
        (bed.repository / ".agentroom.yaml").write_text(text)
        assert agentroom(bed, "trust", "--yes").returncode == 0
        return bed

    yield configure
    agentroom(bed, "down", *bed.room().worktrees())
    agentroom(bed, "sidecar", "stop")


def comes(is_there: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not is_there() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_there()


def end(bed: Bed, name: str) -> object:
    items = logs.read_log(bed.room(), AgentName(name))
    return next(i.event.body for i in items if isinstance(i, Recorded))


def test_agents_start_in_the_background_and_end_when_asked(crew: Callable[..., Bed]) -> None:
    bed = crew(alice=WAITS, bob=WAITS)

    up = agentroom(bed, "up", "--no-tmux")
    log = bed.room().private / "run" / "alice.log"
    assert (up.returncode, up.stdout.splitlines()[0]) == (0, f"alice: started ({log})")
    assert comes(lambda: all((bed.path(name) / "here").exists() for name in ("alice", "bob")))
    assert agentroom(bed, "up", "--no-tmux").stdout.splitlines() == ["alice: running already", "bob: running already"]

    down = agentroom(bed, "down")
    assert (down.returncode, down.stdout.splitlines()) == (0, ["alice ended", "bob ended"])
    assert end(bed, "alice") == Left(128 + 15, ())
    assert bed.path("alice").is_dir()
    assert agentroom(bed, "down").stdout.splitlines() == ["alice was not running", "bob was not running"]


def test_one_that_does_not_listen_is_killed_and_its_end_recorded(crew: Callable[..., Bed]) -> None:
    bed = crew(alice=STUBBORN)
    agentroom(bed, "up", "--no-tmux")
    assert comes(lambda: (bed.path("alice") / "here").exists())

    assert agentroom(bed, "down").stdout == "alice ended\n"
    assert end(bed, "alice") == Left(128 + 9, ())


def test_only_those_named_are_started(crew: Callable[..., Bed]) -> None:
    bed = crew(alice=WAITS, bob=WAITS)

    assert agentroom(bed, "up", "bob", "--no-tmux").stdout.startswith("bob: started")
    assert not running.is_running(bed.room(), AgentName("alice"))


def test_agents_that_are_not_trusted_yet_are_told_from_those_that_nobody_names(crew: Callable[..., Bed]) -> None:
    bed = crew()
    assert agentroom(bed, "up").stderr.startswith("agentroom: .agentroom.yaml names no agents\n")
    text = json.dumps({"agents": {"alice": {"command": WAITS}}})
    (bed.repository / ".agentroom.yaml").write_text(text)
    hint = "  hint: look at it, then: agentroom trust"
    up = agentroom(bed, "up")
    assert (up.returncode, up.stderr.splitlines()) == (
        2,
        ["agentroom: the agents of .agentroom.yaml may not run yet", hint],
    )
    assert agentroom(bed, "trust", "--yes").returncode == 0
    (bed.repository / ".agentroom.yaml").write_text(text.replace("}}}", '}, "bob": {"command": "true"}}}'))
    assert agentroom(bed, "up", "bob").stderr.splitlines() == [
        "agentroom: the agent bob of .agentroom.yaml may not run yet",
        hint,
    ]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not here")
def test_in_tmux_each_has_a_window_beside_one_that_shows_the_room(crew: Callable[..., Bed]) -> None:
    bed = crew(alice=WAITS)
    server = tmux.server_name(bed.room())

    up = agentroom(bed, "up", "--tmux")
    listed = ["tmux", "-L", server, "list-windows", "-t", "agents", "-F", "#{window_name}"]
    windows = subprocess.run(listed, capture_output=True, text=True, timeout=60).stdout

    assert up.stdout.splitlines() == ["alice: started (window alice)", f"look at them: tmux -L {server} attach"]
    assert windows.splitlines() == ["status", "alice"]
    assert comes(lambda: (bed.path("alice") / "here").exists())
    assert agentroom(bed, "down").stdout == "alice ended\n"
    assert subprocess.run(listed, capture_output=True, timeout=60).returncode != 0


class TestBadInput:
    def test_no_agents(self, bed: Bed) -> None:
        done = agentroom(bed, "up")

        assert (done.returncode, done.stderr.splitlines()[0]) == (2, "agentroom: .agentroom.yaml names no agents")

    def test_agents_that_the_user_has_not_seen_are_not_started(self, crew: Callable[..., Bed]) -> None:
        bed = crew(alice=WAITS)
        (bed.repository / ".agentroom.yaml").write_text('agents: {mallory: {command: "touch pwned"}}\n')
        done = agentroom(bed, "up", "mallory")

        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "agentroom: the agent mallory of .agentroom.yaml may not run yet",
        )
        assert "agentroom trust" in done.stderr

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("agents: [alice]", "'agents': takes a mapping of names"),
            ("agents: {Alice: claude}", "'agents': "),
            ("agents: {alice: {cli: claude, command: x}}", "'agents': alice takes either cli or command"),
            ("agents: {alice: {cli: claude, tasks: x}}", "'agents': alice has an unknown key 'tasks'"),
            ("agents: {alice: {cli: claude, args: x}}", "'agents': args of alice takes a list of texts"),
            ("agents: {alice: {cli: claude, task: 3}}", "'agents': task of alice takes a text"),
        ],
    )
    def test_a_roster_that_cannot_be_followed(self, bed: Bed, text: str, message: str) -> None:
        (bed.repository / ".agentroom.yaml").write_text(f"{text}\n")
        done = agentroom(bed, "up")

        assert done.returncode == 2
        assert message in done.stderr.splitlines()[0]

    def test_a_client_that_is_not_known(self, bed: Bed) -> None:
        (bed.repository / ".agentroom.yaml").write_text("agents: {alice: cluade}\n")
        agentroom(bed, "trust", "--yes")
        done = agentroom(bed, "up")

        assert (done.returncode, done.stderr.splitlines()[0]) == (2, "agentroom: no client is called 'cluade'")
        assert not bed.path("alice").exists()
