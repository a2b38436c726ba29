"""Refs move by compare-and-swap alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.ids import Oid
from agentroom_git.git.refs import RefError, Refs, chain
from agentroom_git.git.repo import open_repo
from agentroom_git.system.clock import SystemClock

NAME = "refs/agentroom/main/thing"


def _refs(repository: Path) -> Refs:
    repo = open_repo(repository)
    return Refs(repo.handle, repo.common_dir, SystemClock(), repo.private_dir / "refs.lock")


@pytest.fixture
def commits(repository: Path, git) -> list[Oid]:
    made = []
    for number in range(3):
        git("commit", "--quiet", "--allow-empty", "-m", str(number), cwd=repository)
        made.append(Oid(git("rev-parse", "HEAD", cwd=repository).strip()))
    return made


def test_a_ref_is_created_once(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)

    assert (refs.swap(NAME, commits[0], None), refs.swap(NAME, commits[1], None)) == (True, False)
    assert refs.get(NAME) == commits[0]


def test_a_swap_from_another_value_moves_nothing(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)
    refs.swap(NAME, commits[0], None)

    assert not refs.swap(NAME, commits[2], commits[1])
    assert refs.get(NAME) == commits[0]


def test_a_ref_is_removed_only_at_the_value_named(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)
    refs.swap(NAME, commits[0], None)

    assert (refs.swap(NAME, None, commits[1]), refs.swap(NAME, None, commits[0])) == (False, True)
    assert refs.get(NAME) is None


def test_a_ref_in_the_way_of_another_is_an_error_and_nothing_moves(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)
    refs.swap(NAME, commits[0], None)

    with pytest.raises(RefError):
        refs.swap(f"{NAME}/below", commits[0], None)
    assert refs.listed("refs/agentroom/") == {NAME: commits[0]}


def test_listing_finds_loose_and_packed_refs_and_no_locks(repository: Path, commits: list[Oid], git) -> None:
    refs = _refs(repository)
    for number, commit in enumerate(commits):
        refs.swap(f"refs/agentroom/main/log/w{number}", commit, None)
    git("pack-refs", "--all", cwd=repository)
    refs.swap("refs/agentroom/main/log/loose", commits[0], None)
    refs.swap("refs/agentroom/main/log/w1", commits[2], commits[1])
    (repository / ".git/refs/agentroom/main/log/w9.lock").touch()

    found = refs.listed("refs/agentroom/main/log/")

    assert {name.rpartition("/")[2]: oid for name, oid in found.items()} == {
        "loose": commits[0],
        "w0": commits[0],
        "w1": commits[2],
        "w2": commits[2],
    }


def test_update_applies_a_change_to_the_value_that_it_replaces(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)
    given = []

    def change(old: Oid | None) -> tuple[Oid, str]:
        given.append(old)
        if len(given) == 1:
            _refs(repository).swap(NAME, commits[0], None)
        return commits[1], "moved"

    assert refs.update(NAME, change) == "moved"
    assert given == [None, commits[0]]


_RACER = """
import sys
from pathlib import Path
from agentroom_git.core.ids import Oid
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import open_repo
from agentroom_git.system.clock import SystemClock
repo = open_repo(Path(sys.argv[1]))
refs = Refs(repo.handle, repo.common_dir, SystemClock(), repo.private_dir / "refs.lock")
sys.stdin.read()
won = [name for name in range(50) if refs.swap(f"refs/agentroom/main/race/{name}", Oid(sys.argv[2]), None)]
print(*won)
"""


def test_of_eight_processes_that_create_the_same_ref_one_wins(repository: Path, commits: list[Oid]) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, repository, commits[0]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for racer in racers:
        racer.stdin.close()
        racer.stdin = None
    won = [int(name) for racer in racers for name in racer.communicate(timeout=60)[0].split()]

    assert [racer.returncode for racer in racers] == [0] * 8
    assert sorted(won) == list(range(50))


def test_a_chain_is_read_newest_first_up_to_its_stop(repository: Path, commits: list[Oid]) -> None:
    refs = _refs(repository)

    found = [str(commit.id) for commit in chain(refs.handle, commits[2], commits[0])]

    assert found == [commits[2], commits[1]]
