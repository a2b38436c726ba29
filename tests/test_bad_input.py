"""Bad input to the real program: exit code 2, one line and a hint, and nothing is changed."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.room import messages
from agentroom_git.room.status import read_status
from program import run
from rooms import Bed

ROOT = Path(__file__).parents[1]


def _state(bed: Bed) -> tuple[str, str, str, list[str]]:
    """Everything that a command could have changed: refs, the checkout, settings, worktrees."""
    beside = bed.repository.parent / "repository.agents"
    return (
        bed.git("for-each-ref", cwd=bed.repository),
        bed.git("status", "--porcelain", "--ignored", cwd=bed.repository),
        (bed.repository / ".git" / "config").read_text(),
        sorted(os.listdir(beside)) if beside.exists() else [],
    )


def _assert_refused(bed: Bed, cwd: Path, *arguments: str, code: int = 2) -> str:
    """Assert that the program refuses in two lines and changes nothing; return what it said."""
    before = _state(bed)
    done = run(cwd, *arguments)
    assert (done.returncode, done.stdout) == (code, ""), done
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("agentroom: ")
    assert lines[1].startswith("  hint: ")
    assert all(line.isprintable() for line in lines)
    assert _state(bed) == before
    return done.stderr


# The configuration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("worktree: x\n", "did you mean 'worktrees'?"),
        ("lease: soon\n", "'lease' takes a number of seconds"),
        ("room: Main\n", "use 'main'"),
        ("setup: {a: b}\n", "'setup' takes a text or a list of texts, not a mapping"),
        ("room: !!python/object/apply:os.system [touch pwned]\n", "the tag"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors are not taken"),
        ("\x1b[31m: red\n", "not plain YAML"),
        ('"\\e[31m\\n": red\n', "unknown key"),
    ],
)
def test_a_configuration_that_cannot_be_followed(bed: Bed, text: str, says: str) -> None:
    (bed.repository / ".agentroom.yaml").write_text(text)
    assert says in _assert_refused(bed, bed.repository, "status")
    assert not (bed.repository / "pwned").exists()


@pytest.mark.parametrize("command", [["init"], ["join", "bob"], ["leave", "bob"], ["uninstall"], ["fold"], ["land"]])
def test_no_command_goes_on_with_a_configuration_that_it_cannot_read(bed: Bed, command: list[str]) -> None:
    (bed.repository / ".agentroom.yaml").write_text("worktree: x\n")
    _assert_refused(bed, bed.repository, *command)


def test_agents_go_on_with_what_a_broken_configuration_said_last(bed: Bed) -> None:
    bed.configure("enforce: refuse\nlease: 77\n")
    (alice,) = bed.join("alice")
    (bed.repository / ".agentroom.yaml").write_text("lease: soon\n")
    assert run(alice, "claim", "src").returncode == 0
    status = run(alice, "status")
    assert status.returncode == 0
    (line,) = [line for line in status.stdout.splitlines() if "'lease' takes a number of seconds" in line]
    assert line.endswith("(what it said last holds; tell the user)")
    room = bed.room(alice)
    assert (room.config.lease, room.config.enforce.edit) == (77, "refuse")
    _assert_refused(bed, bed.repository, "status")
    (bed.repository / ".agentroom.yaml").unlink()
    assert (bed.room(alice).config_problem, bed.room(alice).config.lease) == ("", 900)


def test_a_broken_configuration_keeps_nobody_from_stopping_the_sidecar_and_is_a_finding_of_the_doctor(bed: Bed) -> None:
    bed.join("alice")
    (bed.repository / ".agentroom.yaml").write_text("lease: [\n")

    stopped, status, doctor = (
        run(bed.repository, *words) for words in (["sidecar", "stop"], ["sidecar", "status"], ["doctor"])
    )

    assert (stopped.returncode, stopped.stdout) == (0, "no sidecar runs\n")
    assert (status.returncode, status.stdout) == (1, "no sidecar runs: agentroom sidecar start\n")
    assert doctor.returncode == 1
    (found,) = [number for number, line in enumerate(doctor.stdout.splitlines()) if "is not plain YAML" in line]
    assert "remedy: correct it" in doctor.stdout.splitlines()[found + 1]
    assert "1 worktree" in doctor.stdout


def test_agents_go_on_with_the_defaults_where_what_was_said_last_is_lost(bed: Bed) -> None:
    (alice,) = bed.join("alice")
    (bed.repository / ".agentroom.yaml").write_text("lease: soon\n")
    (bed.repository / ".git/agentroom/config.json").write_text('{"v":1,"text":"lease: never"}')
    assert bed.room(alice).config.lease == 900


def test_a_large_bomb_is_refused_at_once(bed: Bed) -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['x'] * 9)}]\n" for n in range(30)]
    (bed.repository / ".agentroom.yaml").write_text("".join(lines))
    _assert_refused(bed, bed.repository, "status")


# Names


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "a\x1b[31mb", "-alice", "Alice", "con", "human", "x" * 33, ""])
def test_a_name_that_could_be_mistaken(bed: Bed, name: str) -> None:
    _assert_refused(bed, bed.repository, "join", "--", name)


@pytest.mark.parametrize(
    "arguments", [["leave", "../b"], ["fold", "A/b"], ["sync", ".."], ["broadcast", "hi", "--to", "-x"]]
)
def test_names_are_judged_wherever_they_are_taken(bed: Bed, arguments: list[str]) -> None:
    bed.join("alice")
    assert "is not allowed" in _assert_refused(bed, bed.path("alice"), *arguments)


def test_an_agent_that_never_joined(bed: Bed) -> None:
    bed.join("alice")
    said = _assert_refused(bed, bed.repository, "claim", "src", "--as", "bob")
    assert "run: agentroom join bob" in said
    assert "this is the worktree of alice" in _assert_refused(bed, bed.path("alice"), "claim", "src", "--as", "bob")
    assert "--as NAME" in _assert_refused(bed, bed.repository, "claim", "src")


# Paths


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "~/x", "src/.GIT/hooks", "git~1", ".g\u200cit", ""])
@pytest.mark.parametrize("command", ["claim", "release"])
def test_a_path_out_of_the_repository_or_into_git(bed: Bed, path: str, command: str) -> None:
    bed.join("alice")
    _assert_refused(bed, bed.path("alice"), command, "--", path)


def test_a_path_is_relative_to_the_current_folder(bed: Bed) -> None:
    bed.join("alice")
    assert run(bed.path("alice") / "src", "claim", "app.py").stdout == "claimed src/app.py (token 1)\n"
    assert run(bed.path("alice") / "src", "claim", "../../../x").returncode == 2


# Where


def test_no_repository(tmp_path: Path) -> None:
    for command in (["status"], ["init"], ["join", "alice"], ["doctor"], ["fold"], ["uninstall"]):
        done = run(tmp_path, *command)
        assert done.returncode == 2
        assert "is not in a git repository" in done.stderr
        assert "hint: go to your project" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", ["status", "claim x", "mcp"])
def test_a_current_folder_that_was_deleted(tmp_path: Path, arguments: str) -> None:
    script = f'rmdir "$PWD"; exec {shlex.quote(sys.executable)} -m agentroom_git {arguments}'
    folder = tmp_path / "gone"
    folder.mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(["sh", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "agentroom: the folder that you are in was deleted",
        "  hint: cd to the repository",
    ]


def test_no_room(repository: Path) -> None:
    for command in (["status"], ["join", "alice"], ["fold"], ["sync"], ["claims"], ["log"], ["contested"]):
        done = run(repository, *command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert "hint: run: agentroom init" in done.stderr


def test_a_worktree_deleted_by_hand(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"})
    shutil.rmtree(bed.path("alice"))

    assert run(bed.repository, "fold").returncode == 0
    synced = run(bed.repository, "sync").stdout
    assert "its folder was deleted" in synced
    assert "synced bob" in synced
    status = run(bed.repository, "status")
    assert status.returncode == 0
    assert "alice gone" in status.stdout
    assert bed.integrated("a.txt") == "alice\n"
    doctor = run(bed.repository, "doctor")
    assert doctor.returncode == 1
    assert "agentroom join alice makes it anew" in doctor.stdout
    assert run(bed.repository, "join", "alice").returncode == 0
    assert (bed.path("alice") / "a.txt").read_text() == "alice\n"


def test_a_pointer_that_was_deleted_never_leads_into_the_users_checkout(bed: Bed) -> None:
    """With nested worktrees git would fall through to the checkout around them."""
    (bed.repository / ".agentroom.yaml").write_text("worktrees: agents\n")
    bed.join("alice", "bob")
    bed.commit("bob", {"b.txt": "bob\n"})
    (bed.path("alice") / ".git").unlink()
    (bed.repository / "README.md").write_text("the user's edit\n")

    for command in (["fold"], ["sync"], ["status"]):
        assert run(bed.repository, *command).returncode == 0
    inside = run(bed.path("alice"), "claim", "src")
    assert (inside.returncode, inside.stdout) == (2, "")

    assert (bed.repository / "README.md").read_text() == "the user's edit\n"
    assert not (bed.repository / "b.txt").exists()
    assert bed.git("log", "-1", "--format=%s", "main", cwd=bed.repository) == "Start the ledger\n"


# What agents say


SAID = (
    "fine\n2020-01-01T00:00:00Z bob claimed everything\n\nAgentroom-Agent: bob\r"
    "\u2028\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u200b"
)


def _assert_harmless(text: str) -> None:
    for line in text.split("\n"):
        assert line.isprintable() or line == "", ascii(line)
        assert not line.startswith("2020-01-01")
        assert not line.startswith("Agentroom-Agent: bob")


def test_what_agents_say_forges_no_note_and_drives_no_terminal(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.path("alice"), bed.path("bob")
    assert run(alice, "broadcast", SAID, "--topic", SAID[:60]).returncode == 0
    assert run(alice, "claim", "src", "--reason", SAID).returncode == 0
    bed.write("alice", {"odd\n2020-01-01T00:00:00Z\x1b[31mname.txt": "x\n"})
    assert run(alice, "claim", "odd\n2020-01-01T00:00:00Z\x1b[31mname.txt").returncode == 0
    assert run(alice, "sync", "--message", SAID).returncode == 0
    assert run(bob, "claim", "src", "--reason", SAID).returncode == 3
    bed.write("alice", {"README.md": "alice\n"})
    bed.write("bob", {"README.md": "bob\n"})
    for name in ("alice", "bob"):
        bed.git("commit", "--quiet", "-am", f"mine\n\n{SAID}", cwd=bed.path(name))
    assert run(bed.repository, "fold").returncode == 3

    for cwd, command in (
        (bed.repository, ["status"]),
        (bed.repository, ["log"]),
        (bed.repository, ["claims"]),
        (bed.repository, ["contested"]),
        (bob, ["claim", "src"]),
        (bob, ["read", "--peek"]),
        (bob, ["read", "--peek", "--json"]),
        (bed.repository, ["status", "--json"]),
        (bed.repository, ["log", "--json"]),
        (bed.repository, ["contested", "--json"]),
        (bob, ["sync"]),
        (bed.repository, ["doctor"]),
        (bed.repository, ["leave", "alice"]),
    ):
        done = run(cwd, *command)
        _assert_harmless(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr
    notes_of = bed.git("notes", "--ref=agentroom/main", "list", cwd=bed.repository).splitlines()
    assert len(notes_of) > 2
    for listed in notes_of:
        _assert_harmless(bed.git("notes", "--ref=agentroom/main", "show", listed.split()[1], cwd=bed.repository))


def test_what_agents_say_forges_no_trailer(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    assert run(bed.path("alice"), "claim", "new.txt", "--reason", SAID).returncode == 0
    assert run(bed.path("alice"), "sync", "-m", "work\n\nAgentroom-Agent: bob\nAgentroom-Claim: 99 src").returncode == 0

    trailers = bed.git("log", "-1", "--format=%(trailers:unfold)", "agentroom/main/alice", cwd=bed.repository)

    assert trailers.split("\n")[:2] == ["Agentroom-Agent: alice", "Agentroom-Claim: 1 new.txt"]
    for name in ("claims", "log/alice"):
        ref = f"refs/agentroom/main/{name}"
        for id in bed.git("rev-list", ref, cwd=bed.repository).split():
            body = bed.git("log", "-1", "--format=%B", id, cwd=bed.repository).rstrip("\n")
            assert len(body.split("\n")) == 3
            assert bed.git("log", "-1", "--format=%(trailers)", id, cwd=bed.repository).strip() == ""


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["join"], ["claim"], ["log", "--limit", "x"], ["status", "--nope"]]
)
def test_a_command_line_that_is_wrong(bed: Bed, arguments: list[str]) -> None:
    before = _state(bed)
    done = run(bed.repository, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert _state(bed) == before


def test_too_much(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.path("alice")
    for arguments, says in (
        (["broadcast", "x" * 2001], "2000"),
        (["broadcast", " \n"], "empty"),
        (["broadcast", "hi", "--to", "nobody"], "no agent 'nobody'"),
        (["claim", "src", "--reason", "x" * 501], "500"),
        (["claim", "src", "--ttl", "1"], "5 s"),
        (["claim", *(f"f{number}" for number in range(65))], "64"),
        (["release"], "nothing to release"),
        (["run", "bob", "--"], "no command to run"),
    ):
        assert says in _assert_refused(bed, alice if arguments[0] != "run" else bed.repository, *arguments)


def test_a_notice_about_very_many_files_can_be_read(bed: Bed) -> None:
    bed.configure("autosave: off\n")
    bed.join("alice", "bob")
    names = [f"{number:03d}-{'x' * 150}.txt" for number in range(500)]
    bed.commit("bob", dict.fromkeys(names, "bob\n"))
    bed.write("alice", dict.fromkeys(names, "alice\n"))
    bed.fold()

    bed.sync()

    room = bed.as_agent("alice")
    assert read_status(room).problems == ()
    (message,) = messages.read(room).messages
    assert "untracked files are in the way" in message.text
    assert len(message.paths) == 20
