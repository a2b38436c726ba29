"""A room in a clone that only fetched it: everything can be read there, and nobody acts."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentroom_git.cli.app import register
from agentroom_git.core.refnames import RefNames
from agentroom_git.room import coordination, messages, scratchpad
from agentroom_git.room.copies import CopiedRoomError, fetch_command
from agentroom_git.room.room import NoRoomError, open_room
from agentroom_git.sidecar.loop import find_rooms
from agentroom_git.system.clock import SystemClock
from folder_state import state_of
from rooms import Bed, Git, edited, numbered

PUSHED = ("refs/heads/agentroom/*", "refs/agentroom/*", "refs/notes/agentroom/*")
AS_TRACKED = "+refs/heads/agentroom/*:refs/remotes/origin/agentroom/*"
AS_OWN = "refs/heads/agentroom/*:refs/heads/agentroom/*"
REST = ("refs/agentroom/*:refs/agentroom/*", "refs/notes/agentroom/*:refs/notes/agentroom/*")
READERS = {
    "status": "room main at",
    "status f.txt": "contested",
    "log": "alice joined",
    "contested": "bob",
    "stats": "alice",
    "claims": "for 15 min at a time",
    "diff --stat": "f.txt",
    "diff --of alice --stat": "what alice has",
    "verify": "are what they say",
    "note": "remember the year",
    "task list": "contested f.txt",
    "read --peek --as bob": "years begin in April",
    "sidecar status": "no sidecar runs: the room is",
    "doctor": "fetched to be read",
}
ACTORS = (
    "init", "init --prompt", "uninstall", "join carol", "leave alice", "run alice -- true", "up", "down",
    "sidecar start", "sidecar stop", "sidecar run", "fold", "sync", "undo HEAD", "claim f.txt --as alice",
    "release --all --as alice", "handoff f.txt --to bob --as alice", "broadcast hello --as alice", "read --as alice",
    "task add more --as alice", "note more --as alice", "wait 0 --as alice", "gate", "land", "trust --yes", "gc",
    "notes --rebuild",
)  # fmt: skip


def invoke(where: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, BaseException | None]:
    monkeypatch.chdir(where)
    words = command.split()
    done = CliRunner().invoke(register(words[0]), words)
    return done.output, done.exception


def state(git: Git, clone: Path) -> tuple[dict[str, bytes | str], str]:
    return state_of(clone), git("for-each-ref", cwd=clone)


@pytest.fixture
def clone(bed: Bed, tmp_path: Path) -> Path:
    """A clone of what the bed's room was pushed to: its branches are there, its own refs are not."""
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered()})
    bed.settle()
    messages.broadcast(bed.as_agent("alice"), "years begin in April")
    scratchpad.add_note(bed.as_agent("alice"), "remember the year", "")
    coordination.claim(bed.as_agent("alice"), ["f.txt"], reason="years", ttl=900, shared=False, wait=0.0)
    for name in ("alice", "bob"):
        bed.commit(name, {"f.txt": edited(numbered(), 5, name)})
    bed.fold()
    hub, clone = tmp_path / "hub.git", tmp_path / "clone"
    bed.git("init", "--quiet", "--bare", hub, cwd=tmp_path)
    bed.git("push", "--quiet", hub, "main", *PUSHED, cwd=bed.repository)
    bed.git("clone", "--quiet", hub, clone, cwd=tmp_path)
    return clone


@pytest.fixture(params=[AS_TRACKED, AS_OWN], ids=["tracked", "own branches"])
def fetched(clone: Path, git: Git, request: pytest.FixtureRequest) -> Path:
    git("fetch", "--quiet", "origin", request.param, *REST, cwd=clone)
    if request.param == AS_OWN:
        git("remote", "remove", "origin", cwd=clone)
    return clone


def test_every_reader_tells_what_was_fetched_and_moves_nothing(
    fetched: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(git, fetched)
    for command, told in READERS.items():
        output, problem = invoke(fetched, command, monkeypatch)
        assert problem is None or isinstance(problem, SystemExit), (command, problem)
        assert told in output, command
    caches = str(Path(".git", "agentroom"))
    found, refs = state(git, fetched)
    assert {path: text for path, text in found.items() if not path.startswith(caches)} == before[0]
    assert refs == before[1]
    assert not (fetched / ".git" / "agentroom" / "main").exists()


def test_what_is_contested_is_shown_with_every_version(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.loads(invoke(fetched, "contested --json", monkeypatch)[0])[0]["record"]

    shown = invoke(fetched, f"contested {record['id']} --diff", monkeypatch)[0]

    assert "+alice" in shown
    assert "+bob" in shown


def test_status_for_programs_says_whose_room_it_is(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(invoke(fetched, "status --json", monkeypatch)[0])

    tracked = (fetched / ".git" / "refs" / "remotes" / "origin").exists()
    assert found["copy_of"] == ("origin" if tracked else "another clone")
    assert [one["state"] for one in found["agents"]] == ["elsewhere", "elsewhere"]
    assert len(found["contested"]) == 1


def test_whoever_would_act_is_refused_and_nothing_is_made(
    fetched: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(git, fetched)
    for command in ACTORS:
        output, problem = invoke(fetched, command, monkeypatch)
        assert isinstance(problem, CopiedRoomError), (command, output, problem)
        assert problem.message.endswith("fetched to be read: nobody acts in it here")
        assert "`room: NAME`" in problem.hint
    assert state(git, fetched) == before


def test_a_plain_clone_is_told_how_to_read_the_room_or_opens_its_own(
    clone: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(git, clone)
    _, problem = invoke(clone, "status", monkeypatch)
    assert isinstance(problem, NoRoomError)
    assert fetch_command("origin") in problem.hint
    assert state(git, clone) == before

    git("config", "user.name", "Test User", cwd=clone)
    _, problem = invoke(clone, "init", monkeypatch)

    assert problem is None


def test_the_command_in_the_hint_is_all_that_is_needed(clone: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git(*shlex.split(fetch_command("origin"))[1:], cwd=clone)

    assert "fetched from origin" in invoke(clone, "status", monkeypatch)[0]


def test_where_the_branches_were_not_fetched_that_is_said(
    clone: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("fetch", "--quiet", "origin", *REST, cwd=clone)
    git("update-ref", "-d", "refs/remotes/origin/agentroom/main/integration", cwd=clone)

    _, problem = invoke(clone, "status", monkeypatch)

    assert isinstance(problem, NoRoomError)
    assert problem.hint == f"fetch its branches: {fetch_command('origin')}"


def test_logs_that_are_ahead_of_the_branches_can_be_read(
    clone: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("fetch", "--quiet", "origin", AS_TRACKED, *REST, cwd=clone)
    ref = "refs/remotes/origin/agentroom/main/integration"
    git("update-ref", ref, f"{ref}~2", cwd=clone)

    for command, told in READERS.items():
        output, problem = invoke(clone, command, monkeypatch)
        assert problem is None or isinstance(problem, SystemExit), (command, problem)
        assert told in output, command


def test_a_room_beside_a_copy_is_served_alone(clone: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git("fetch", "--quiet", "origin", AS_OWN, *REST, cwd=clone)
    git("config", "user.name", "Test User", cwd=clone)
    git("config", "user.email", "test@example.invalid", cwd=clone)
    (clone / ".agentroom.yaml").write_text("room: mine\n")

    assert invoke(clone, "init", monkeypatch)[1] is None

    room = open_room(clone, SystemClock())
    assert [one.names for one in find_rooms(room)] == [RefNames(room.names.room)]


def test_a_room_stays_its_clones_own_without_the_private_folder(bed: Bed) -> None:
    shutil.rmtree(bed.repository / ".git" / "agentroom")

    assert bed.room().copy is None
