"""Records that cannot be read: what names the remedy, and that the rest of the room works."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentroom_git.core.claims import Claim, encode
from agentroom_git.core.ids import AgentName
from agentroom_git.room import messages, notes, turn
from program import run
from rooms import Bed

ROOT = Path(__file__).parents[1]


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
        done = run(bed.repository, command)
        assert done.returncode == 0
        (line,) = [line for line in done.stdout.splitlines() if planted[:10] in line]
        assert "a record has version 2, this agentroom reads version 1" in line
        assert "upgrade agentroom" in line
    doctor = run(bed.repository, "doctor")
    assert doctor.returncode == 1
    assert "remedy: upgrade agentroom" in doctor.stdout
    _assert_the_room_works(bed)
    assert run(bed.path("alice"), "broadcast", "me, too").returncode == 0


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

    status = run(bed.repository, "status")

    assert status.returncode == 0
    (line,) = [line for line in status.stdout.splitlines() if planted[:10] in line]
    assert line.endswith(")")
    assert not line.endswith("()")
    assert "forged" not in run(bed.path("bob"), "read").stdout
    _assert_the_room_works(bed)


def test_a_log_whose_objects_are_missing_does_not_stop_the_others(bed: Bed) -> None:
    bed.join("alice", "bob")
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "log" / "carol").write_text("1" * 40 + "\n")

    for command in ("status", "log"):
        done = run(bed.repository, command)
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
    assert run(bed.path("alice"), "claim", "src").returncode == 0
    good = bed.git("rev-parse", "refs/agentroom/main/claims", cwd=bed.repository).strip()
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "claims").write_text(make(bed) + "\n")

    for command in (["claim", "README.md"], ["release", "--all"], ["claims"]):
        done = run(bed.path("bob"), *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 2
        assert "the table of claims" in done.stderr
        assert "git update-ref refs/agentroom/main/claims" in done.stderr
    status = run(bed.repository, "status")
    assert status.returncode == 0
    assert "the table of claims" in status.stdout
    assert "git update-ref" in status.stdout
    assert "remedy: git log refs/agentroom/main/claims" in run(bed.repository, "doctor").stdout
    _assert_the_room_works(bed)

    bed.git("update-ref", "--no-deref", "refs/agentroom/main/claims", good, cwd=bed.repository)
    assert "alice holds src" in run(bed.repository, "claims").stdout
