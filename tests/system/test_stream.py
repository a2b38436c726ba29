"""What git writes comes as it is written, and nothing is left of a git that nobody listens to any longer."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.system.stream import git_pieces
from rooms import Git


def test_the_pieces_are_what_git_writes(repository: Path, git: Git) -> None:
    listed = git("ls-tree", "-r", "-z", "--name-only", "HEAD", cwd=repository).split("\0")

    pieces = git_pieces("ls-tree", "-r", "-z", "--name-only", "HEAD", cwd=repository, env={}, end=b"\0")

    assert [piece.decode() for piece in pieces] == listed[:-1]
    assert listed[-1] == ""


def test_a_git_that_fails_or_is_not_there_gives_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(git_pieces("rev-list", "no-such-commit", cwd=repository, env={}, end=b"\n")) == []
    monkeypatch.setenv("PATH", "")
    assert list(git_pieces("version", cwd=repository, env={}, end=b"\n")) == []


def test_a_git_that_nobody_listens_to_any_longer_ends(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(popen(*arguments, **options))
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    more_than_a_pipe_takes = f"--format=%H%n{'%H' * 60_000}"
    pieces = git_pieces("log", more_than_a_pipe_takes, cwd=repository, env={}, end=b"\n")
    assert len(next(pieces)) == 40
    assert started[0].returncode is None
    pieces.close()

    assert started[0].returncode is not None
