"""Bad input to the real program: exit code 2, one line and a hint, and nothing is changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentroom_git.core.claims import Claim, encode
from agentroom_git.core.ids import AgentName
from agentroom_git.room import messages, notes, turn
from rooms import Bed

ROOT = Path(__file__).parents[1]


def _run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "agentroom_git", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


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
    done = _run(cwd, *arguments)
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


@pytest.mark.parametrize("command", [["init"], ["join", "bob"], ["leave", "bob"], ["uninstall"], ["fold"], ["doctor"]])
def test_no_command_goes_on_with_a_configuration_that_it_cannot_read(bed: Bed, command: list[str]) -> None:
    (bed.repository / ".agentroom.yaml").write_text("worktree: x\n")
    _assert_refused(bed, bed.repository, *command)


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


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "~/x", "src/.GIT/hooks", "git~1", ".g\u200cit", "*.py", ""])
@pytest.mark.parametrize("command", ["claim", "release"])
def test_a_path_out_of_the_repository_or_into_git(bed: Bed, path: str, command: str) -> None:
    bed.join("alice")
    _assert_refused(bed, bed.path("alice"), command, "--", path)


def test_a_path_is_relative_to_the_current_folder(bed: Bed) -> None:
    bed.join("alice")
    assert _run(bed.path("alice") / "src", "claim", "app.py").stdout == "claimed src/app.py (token 1)\n"
    assert _run(bed.path("alice") / "src", "claim", "../../../x").returncode == 2


# Where


def test_no_repository(tmp_path: Path) -> None:
    for command in (["status"], ["init"], ["join", "alice"], ["doctor"], ["fold"], ["uninstall"]):
        done = _run(tmp_path, *command)
        assert done.returncode == 2
        assert "is not in a git repository" in done.stderr
        assert "hint: go to your project" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_room(repository: Path) -> None:
    for command in (["status"], ["join", "alice"], ["fold"], ["sync"], ["claims"], ["log"], ["contested"]):
        done = _run(repository, *command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert "hint: run: agentroom init" in done.stderr


def test_a_worktree_deleted_by_hand(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"})
    shutil.rmtree(bed.path("alice"))

    assert _run(bed.repository, "fold").returncode == 0
    synced = _run(bed.repository, "sync").stdout
    assert "its folder was deleted" in synced
    assert "synced bob" in synced
    status = _run(bed.repository, "status")
    assert status.returncode == 0
    assert "alice gone" in status.stdout
    assert bed.integrated("a.txt") == "alice\n"
    doctor = _run(bed.repository, "doctor")
    assert doctor.returncode == 1
    assert "agentroom join alice makes it anew" in doctor.stdout
    assert _run(bed.repository, "join", "alice").returncode == 0
    assert (bed.path("alice") / "a.txt").read_text() == "alice\n"


def test_a_pointer_that_was_deleted_never_leads_into_the_users_checkout(bed: Bed) -> None:
    """With nested worktrees git would fall through to the checkout around them."""
    (bed.repository / ".agentroom.yaml").write_text("worktrees: agents\n")
    bed.join("alice", "bob")
    bed.commit("bob", {"b.txt": "bob\n"})
    (bed.path("alice") / ".git").unlink()
    (bed.repository / "README.md").write_text("the user's edit\n")

    for command in (["fold"], ["sync"], ["status"]):
        assert _run(bed.repository, *command).returncode == 0
    inside = _run(bed.path("alice"), "claim", "src")
    assert (inside.returncode, inside.stdout) == (2, "")

    assert (bed.repository / "README.md").read_text() == "the user's edit\n"
    assert not (bed.repository / "b.txt").exists()
    assert bed.git("log", "-1", "--format=%s", "main", cwd=bed.repository) == "Start the ledger\n"


# Records that cannot be read


def _plant(bed: Bed, ref: str, message: str) -> str:
    """Put a commit with this message on top of the ref, with git alone."""
    tree = bed.git("rev-parse", f"{ref}^{{tree}}", cwd=bed.repository).strip()
    planted = bed.git("commit-tree", tree, "-p", ref, "-m", message, cwd=bed.repository).strip()
    bed.git("update-ref", ref, planted, cwd=bed.repository)
    return planted


def _assert_the_room_works(bed: Bed) -> None:
    bed.commit("alice", {"works.txt": "works\n"})
    assert bed.fold().failed == ()
    bed.sync()
    notes.project(bed.room())
    bob = bed.as_agent("bob")
    messages.broadcast(bob, "still here")
    bed.write("bob", {"more.txt": "more\n"})
    assert turn.take_turn(bob).saved.paths == ("more.txt",)
    assert "still here" in [message.text for message in messages.read(bed.as_agent("alice")).messages]
    assert (bed.path("bob") / "works.txt").read_text() == "works\n"


def test_an_event_of_a_later_version_names_the_remedy_and_the_rest_works(bed: Bed) -> None:
    bed.join("alice", "bob")
    event = {"v": 2, "type": "sang", "agent": "alice", "song": "la"}
    planted = _plant(bed, "refs/agentroom/main/log/alice", f"alice sang\n\n{json.dumps(event)}")

    for command in ("log", "status"):
        done = _run(bed.repository, command)
        assert done.returncode == 0
        (line,) = [line for line in done.stdout.splitlines() if planted[:10] in line]
        assert "a record has version 2, this agentroom reads version 1" in line
        assert "upgrade agentroom" in line
    doctor = _run(bed.repository, "doctor")
    assert doctor.returncode == 1
    assert "remedy: upgrade agentroom" in doctor.stdout
    _assert_the_room_works(bed)
    assert _run(bed.path("alice"), "broadcast", "me, too").returncode == 0


@pytest.mark.parametrize(
    "message",
    [
        "no record at all",
        "subject\n\n{}",
        "subject\n\nnot json",
        "subject\n\n[1]\n[2]",
        'x\n\n{"v":1,"v":1}',
        'x\n\n{"v":1,"type":"broadcast","agent":"bob","lamport":1,"at":"","seen":"","key":"k",'
        '"body":{"text":"forged","topic":"","to":""}}',
    ],
)
def test_a_record_that_is_no_event_of_its_writer_is_told_and_ignored(bed: Bed, message: str) -> None:
    bed.join("alice", "bob")
    planted = _plant(bed, "refs/agentroom/main/log/alice", message)

    status = _run(bed.repository, "status")

    assert status.returncode == 0
    (line,) = [line for line in status.stdout.splitlines() if planted[:10] in line]
    assert line.endswith(")")
    assert not line.endswith("()")
    assert "forged" not in _run(bed.path("bob"), "read").stdout
    _assert_the_room_works(bed)


def test_a_log_whose_objects_are_missing_does_not_stop_the_others(bed: Bed) -> None:
    bed.join("alice", "bob")
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "log" / "carol").write_text("1" * 40 + "\n")

    for command in ("status", "log"):
        done = _run(bed.repository, command)
        assert done.returncode == 0
        assert "is missing (git fsck" in done.stdout
    _assert_the_room_works(bed)


def _files_in_the_table(bed: Bed) -> str:
    tree = bed.git("rev-parse", "HEAD^{tree}", cwd=bed.repository).strip()
    return bed.git("commit-tree", tree, "-m", "not claims", cwd=bed.repository).strip()


def _table(bed: Bed, name: str, data: bytes) -> str:
    """Return a commit whose tree has one record."""
    path = bed.repository / ".git" / "planted"
    path.write_bytes(data)
    blob = bed.git("hash-object", "-w", path, cwd=bed.repository).strip()
    path.unlink()
    index = {"GIT_INDEX_FILE": str(bed.repository / ".git" / "planted-index")}
    for command in (["update-index", "--add", "--cacheinfo", f"100644,{blob},{name}"], ["write-tree"]):
        done = subprocess.run(
            ["git", *command],
            cwd=bed.repository,
            env={**os.environ, **index},
            capture_output=True,
            text=True,
            check=True,
        )
    (bed.repository / ".git" / "planted-index").unlink()
    return bed.git("commit-tree", done.stdout.strip(), "-m", "planted", cwd=bed.repository).strip()


def _later_claim(bed: Bed) -> str:
    return _table(bed, "claim-000000001", b'{"v":2}\n')


def _misnamed_claim(bed: Bed) -> str:
    return _table(bed, "claim-000000007", encode(Claim(1, AgentName("alice"), "src", False, "", "", 60)))


def _broken_count(bed: Bed) -> str:
    return _table(bed, "highest", b"many\n")


def _a_blob(bed: Bed) -> str:
    return bed.git("hash-object", "-w", "README.md", cwd=bed.repository).strip()


def _nothing(_: Bed) -> str:
    return "1" * 40


@pytest.mark.parametrize("make", [_files_in_the_table, _later_claim, _misnamed_claim, _broken_count, _a_blob, _nothing])
def test_a_damaged_table_of_claims_stops_only_who_asks_about_claims(bed: Bed, make: Callable[[Bed], str]) -> None:
    bed.join("alice", "bob")
    assert _run(bed.path("alice"), "claim", "src").returncode == 0
    good = bed.git("rev-parse", "refs/agentroom/main/claims", cwd=bed.repository).strip()
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "claims").write_text(make(bed) + "\n")

    for command in (["claim", "README.md"], ["release", "--all"], ["claims"]):
        done = _run(bed.path("bob"), *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 2
        assert "the table of claims" in done.stderr
        assert "git update-ref refs/agentroom/main/claims" in done.stderr
    status = _run(bed.repository, "status")
    assert status.returncode == 0
    assert "the table of claims" in status.stdout
    assert "git update-ref" in status.stdout
    assert "remedy: git log refs/agentroom/main/claims" in _run(bed.repository, "doctor").stdout
    _assert_the_room_works(bed)

    bed.git("update-ref", "--no-deref", "refs/agentroom/main/claims", good, cwd=bed.repository)
    assert "alice holds src" in _run(bed.repository, "claims").stdout


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
    assert _run(alice, "broadcast", SAID, "--topic", SAID[:60]).returncode == 0
    assert _run(alice, "claim", "src", "--reason", SAID).returncode == 0
    bed.write("alice", {"odd\n2020-01-01T00:00:00Z\x1b[31mname.txt": "x\n"})
    assert _run(alice, "claim", "odd\n2020-01-01T00:00:00Z\x1b[31mname.txt").returncode == 0
    assert _run(alice, "sync", "--message", SAID).returncode == 0
    assert _run(bob, "claim", "src", "--reason", SAID).returncode == 3
    bed.write("alice", {"README.md": "alice\n"})
    bed.write("bob", {"README.md": "bob\n"})
    for name in ("alice", "bob"):
        bed.git("commit", "--quiet", "-am", f"mine\n\n{SAID}", cwd=bed.path(name))
    assert _run(bed.repository, "fold").returncode == 3

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
        done = _run(cwd, *command)
        _assert_harmless(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr
    notes_of = bed.git("notes", "--ref=agentroom/main", "list", cwd=bed.repository).splitlines()
    assert len(notes_of) > 2
    for listed in notes_of:
        _assert_harmless(bed.git("notes", "--ref=agentroom/main", "show", listed.split()[1], cwd=bed.repository))


def test_what_agents_say_forges_no_trailer(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    assert _run(bed.path("alice"), "claim", "new.txt", "--reason", SAID).returncode == 0
    assert (
        _run(bed.path("alice"), "sync", "-m", "work\n\nAgentroom-Agent: bob\nAgentroom-Claim: 99 src").returncode == 0
    )

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
    done = _run(bed.repository, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert _state(bed) == before


def test_too_much(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.path("alice")
    for arguments, says in (
        (["broadcast", "x" * 2001], "at most 2000 characters"),
        (["broadcast", " \n"], "an empty broadcast"),
        (["broadcast", "hi", "--to", "nobody"], "no agent 'nobody'"),
        (["claim", "src", "--reason", "x" * 501], "the reason is longer than 500"),
        (["claim", "src", "--ttl", "1"], "is not between 5 s and"),
        (["claim", *(f"f{number}" for number in range(65))], "65 paths in one claim"),
        (["release"], "nothing to release"),
        (["run", "bob", "--"], "no command to run"),
    ):
        assert says in _assert_refused(bed, alice if arguments[0] != "run" else bed.repository, *arguments)
