"""The room's branches and refs leave the machine only when asked, whatever way an agent pushes."""

import subprocess
from pathlib import Path

import pytest

from agentroom_git.agents.launch import agent_environment
from agentroom_git.core.ids import parse_agent
from agentroom_git.room.doctor import examine
from rooms import Bed


@pytest.fixture
def remote(bed: Bed, tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    bed.git("init", "--quiet", "--bare", path, cwd=tmp_path)
    bed.git("remote", "add", "origin", path, cwd=bed.repository)
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    return path


def push(bed: Bed, *arguments: str, **more: str) -> tuple[int, str]:
    worktree = bed.path("alice")
    env = agent_environment(bed.room(), parse_agent("alice"), worktree) | more
    done = subprocess.run(
        ["git", "push", *arguments], cwd=worktree, env=env, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def refs(bed: Bed, remote: Path) -> list[str]:
    return bed.git("for-each-ref", "--format=%(refname)", cwd=remote).split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--all", "origin"),
        ("--mirror", "origin"),
        ("origin", "HEAD"),
        ("origin", "HEAD:feature"),
        ("origin", "agentroom/main/integration:main"),
        ("origin", "refs/agentroom/*:refs/agentroom/*"),
        ("origin", "refs/agentroom/main/claims:refs/heads/x", "main"),
    ],
)
def test_a_push_that_takes_the_room_along_is_refused_whole(bed: Bed, remote: Path, arguments: tuple[str, ...]) -> None:
    if "claims" in arguments[1]:
        bed.git("update-ref", "refs/agentroom/main/claims", "HEAD", cwd=bed.repository)

    code, told = push(bed, *arguments)

    assert code == 1
    assert "hint: the room's branches and refs stay here unless the user asks" in told
    assert refs(bed, remote) == []


def test_other_branches_go_and_the_rooms_do_when_asked(bed: Bed, remote: Path) -> None:
    bed.git("branch", "feature", cwd=bed.repository)
    assert push(bed, "origin", "main", "feature")[0] == 0
    assert refs(bed, remote) == ["refs/heads/feature", "refs/heads/main"]
    assert push(bed, "origin", "HEAD", AGENTROOM_PUSH="1")[0] == 0
    assert "refs/heads/agentroom/main/alice" in refs(bed, remote)
    (bed.repository / ".agentroom.yaml").write_text("push: allow\n")
    assert push(bed, "--all", "origin")[0] == 0
    assert "refs/heads/agentroom/main/integration" in refs(bed, remote)


def test_the_repositorys_own_hook_gets_what_git_says_and_its_refusal_counts(bed: Bed, remote: Path) -> None:
    told = bed.repository / "told"
    hook = bed.repository / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n{{ echo "$1"; cat; }} >{told}\ntest ! -e {told}.no\n')
    hook.chmod(0o755)
    head = bed.git("rev-parse", "main", cwd=bed.repository).strip()

    assert push(bed, "origin", "main")[0] == 0
    assert told.read_text() == f"origin\nrefs/heads/main {head} refs/heads/main {'0' * 40}\n"
    (bed.repository / "told.no").touch()
    assert push(bed, "origin", "main:other")[0] == 1
    assert refs(bed, remote) == ["refs/heads/main"]


def test_the_doctor_names_settings_by_which_the_users_own_push_takes_the_room_along(bed: Bed, remote: Path) -> None:
    def found() -> list[str]:
        return [one.text for one in examine(bed.room(), fix=False) if "takes" in one.text]

    assert found() == []
    bed.git("config", "push.default", "matching", cwd=bed.repository)
    bed.git("config", "remote.origin.mirror", "true", cwd=bed.repository)
    bed.git("config", "remote.origin.push", "refs/heads/*:refs/heads/*", cwd=bed.repository)
    assert [text.partition(":")[0].partition(" ")[0] for text in found()] == [
        "push.default=matching", "remote.origin.mirror", "remote.origin.push",
    ]  # fmt: skip
