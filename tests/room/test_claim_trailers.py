"""The tokens of claims in commits: from the claim, through the commit hook, to the fold that reads them."""

import subprocess
from pathlib import Path

import pytest

from agentroom_git.agents.launch import agent_environment
from agentroom_git.core import trailers
from agentroom_git.core.claims import MAX_NAMED
from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination
from agentroom_git.room.saving import save_edits
from rooms import Bed, Git, edited, numbered


@pytest.fixture
def bed(git: Git, repository: Path) -> Bed:
    bed = Bed(git, repository).open()
    bed.join("alice", "bob")
    return bed


def _commit(bed: Bed, name: str, files: dict[str, str], *more: str) -> list[str]:
    """Commit as the agent's own git does, hooks and all, and return the claims that the message names."""
    bed.write(name, files)
    env = agent_environment(bed.as_agent(name), parse_agent(name), bed.path(name))
    for command in (("add", "--all"), ("commit", "--quiet", "-m", "work", *more)):
        done = subprocess.run(["git", *command], cwd=bed.path(name), env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    message = bed.git("log", "-1", "--format=%B", cwd=bed.path(name))
    assert trailers.values(message, trailers.AGENT) == [name]
    return trailers.values(message, trailers.CLAIM)


def test_a_commit_names_the_claims_that_cover_what_is_staged(bed: Bed) -> None:
    alice = bed.as_agent("alice")
    coordination.claim(alice, ["src", "docs", "a b.md", "port:1", "lib/*.py", "pages/[id].tsx"])
    files = {"src/app.py": "x = 1\n", "a b.md": "x\n", "lib/x.py": "y = 1\n", "lib/deep/x.py": "", "other": "z\n"}
    named = _commit(bed, "alice", files | {"pages/[id].tsx": "x\n", "srcs": "no\n"})
    assert named == ["1 src", "3 a b.md", "5 lib/x.py", "6 pages/[id].tsx"]
    assert _commit(bed, "alice", {"other": "again\n"}) == []
    coordination.release(alice, ["src"])
    assert _commit(bed, "alice", {"src/app.py": "x = 2\n"}) == []


def test_a_commit_from_a_folder_below_and_an_amended_one_name_their_claims_once(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["src", "*.md"])
    assert _commit(bed, "alice", {"src/app.py": "x = 1\n"}) == ["1 src"]
    assert _commit(bed, "alice", {"src/b.md": "x\n"}, "--amend") == ["1 src", "2 src/b.md"]


def test_the_one_who_takes_a_claim_over_names_it_and_its_former_holder_does_not(bed: Bed) -> None:
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    coordination.claim(alice, ["src"])
    coordination.handoff(alice, ["src"], "bob")
    assert _commit(bed, "alice", {"src/app.py": "x = 1\n"}) == []
    assert _commit(bed, "bob", {"src/util.py": "x = 1\n"}) == ["2 src"]
    coordination.auto_claim(bob, "README.md")
    coordination.claim(alice, ["README.md"])
    assert _commit(bed, "bob", {"README.md": "bob\n"}) == []
    assert _commit(bed, "alice", {"README.md": "alice\n"}) == ["4 README.md"]


@pytest.mark.parametrize(
    "content", ["", "no line of ours\n", "7 $(touch pwned) `x` ;'\"\\\n", "7 :(top,nonsense)x\n", "\0\n"]
)
def test_no_list_of_claims_breaks_a_commit(content: str, bed: Bed) -> None:
    _commit(bed, "alice", {"one": "1\n"})
    live = bed.as_agent("alice").private / "live" / "alice"
    live.parent.mkdir(exist_ok=True)
    live.write_text(content)
    assert _commit(bed, "alice", {"src/app.py": "x\n"}) == []
    assert not list(bed.path("alice").glob("pwned"))


def test_of_hundreds_of_claims_a_commit_names_those_that_cover_it(bed: Bed) -> None:
    alice = bed.as_agent("alice")
    for start in range(0, 256, 64):
        coordination.claim(alice, [f"src/f{number}.py" for number in range(start, start + 64)])
    coordination.claim(alice, ["lib", "lib/x.py"])
    files = {"src/f0.py": "1\n", "src/f255.py": "1\n", "src/f256.py": "1\n", "lib/x.py": "1\n", "library/y.py": "1\n"}
    assert _commit(bed, "alice", files) == ["1 src/f0.py", "256 src/f255.py", "257 lib", "258 lib/x.py"]


def test_a_glob_names_a_bounded_number_of_paths(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["*.txt"])
    files = {f"{number}.txt": "x\n" for number in range(MAX_NAMED + 10)}
    assert len(_commit(bed, "alice", files)) == MAX_NAMED


def test_what_the_tool_saves_names_the_paths_under_a_glob(bed: Bed) -> None:
    alice = bed.as_agent("alice")
    coordination.claim(alice, ["src/*.py", "v1/"])
    bed.write("alice", {"src/app.py": "x = 1\n", "v1/x": "y\n", "other": "z\n"})
    save_edits(alice, parse_agent("alice"), alice.worktrees()[parse_agent("alice")])
    message = bed.git("log", "-1", "--format=%B", cwd=bed.path("alice"))
    assert trailers.values(message, trailers.CLAIM) == ["1 src/app.py", "2 v1"]


@pytest.mark.parametrize("holder", ["alice", "bob"])
@pytest.mark.parametrize("pattern", ["ledger.txt", "*.txt"])
def test_in_a_contested_region_the_version_of_the_holder_stands(holder: str, pattern: str, bed: Bed) -> None:
    bed.commit("alice", {"ledger.txt": numbered()})
    bed.settle()
    coordination.claim(bed.as_agent(holder), [pattern])
    for name in ("alice", "bob"):
        named = _commit(bed, name, {"ledger.txt": edited(numbered(), 7, f"line of {name}")})
        assert bool(named) == (name == holder)
    bed.settle()
    assert bed.integrated("ledger.txt") == edited(numbered(), 7, f"line of {holder}")
