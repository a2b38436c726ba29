"""Nothing that a repository tells git to run is run by what the sidecar and the tools do.

Every kind has a positive control: a plain git command that does run what is planted, in the same repository.
"""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.git.private_git import PREFIX
from agentroom_git.room import comparing, coordination, messages, notes, scratchpad, tasks, turn
from agentroom_git.room.saving import Saved
from agentroom_git.room.status import read_status
from agentroom_git.sidecar import lifecycle
from agentroom_git.system.process import own_command
from planted import ATTRIBUTES, KINDS, SUFFIXES, Ground
from rooms import Bed, Git

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Lived:
    """What the room's life left: the ground with the marks of what ran, and what was saved of alice's edits."""

    ground: Ground
    ran: frozenset[str]
    saved: Saved


@pytest.fixture(scope="module")
def lived(git: Git, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A room in a repository full of planted programs, after everything that the sidecar and the tools do."""
    top = tmp_path_factory.mktemp("planted")
    bed = _make_room(git, top)
    ground = Ground(bed.repository, bed.path("alice"), top / "marks")
    ground.marks.mkdir()
    changed = _commit(bed, ground)
    for kind, planted in KINDS.items():
        planted.plant(ground, kind)
    lifecycle.start(bed.room())
    try:
        for name in changed:
            _arrives(bed, "bob", name)
        saved = _use_the_tools(bed)
        _arrives(bed, "bob", "saved.txt")
    finally:
        lifecycle.stop(bed.room())
    return Lived(ground, frozenset(kind for kind in KINDS if ground.has_run(kind)), saved)


def _make_room(git: Git, top: Path) -> Bed:
    """Open a room for alice and bob, with a submodule, files that every attribute is about, and a remote."""
    library, root = top / "library", top / "repository"
    for folder, files in ((library, ("l.txt",)), (root, ("plain.txt", *(f"file.{one}" for one in SUFFIXES)))):
        folder.mkdir()
        git("init", "--quiet", cwd=folder)
        for name in files:
            (folder / name).write_text(f"the first {name}\n")
    git("add", ".", cwd=library)
    git("commit", "--quiet", "-m", "library", cwd=library)
    (root / ".gitattributes").write_text(ATTRIBUTES)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "sub", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "-m", "start", cwd=root)
    git("clone", "--quiet", "--bare", str(library), str(top / "remote.git"), cwd=top)
    bed = Bed(git, root).open()
    bed.join("alice", "bob")
    for name in ("alice", "bob"):
        git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", cwd=bed.path(name))
    return bed


def _commit(bed: Bed, ground: Ground) -> tuple[str, ...]:
    """Let alice commit before anything is planted: her own git would run it, and may."""
    changed = ("plain.txt", "file.merged", "file.driver", "file.converted")
    for name in changed:
        (ground.worktree / name).write_text(f"alice's {name}\n")
    bed.git("commit", "--quiet", "--all", "-m", "alice", cwd=ground.worktree)
    return changed


def _arrives(bed: Bed, name: str, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    wanted = (bed.path("alice") / path).read_text()
    while not (bed.path(name) / path).exists() or (bed.path(name) / path).read_text() != wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"{path} did not reach {name}")
        time.sleep(0.02)


def _use_the_tools(bed: Bed) -> Saved:
    """Do what the MCP tools do, in alice's worktree with an uncommitted change of every file; return what was saved."""
    alice = bed.as_agent("alice")
    for name in ("plain.txt", *(f"file.{one}" for one in SUFFIXES)):
        (bed.path("alice") / name).write_text(f"an edit of {name}\n")
    (bed.path("alice") / "saved.txt").write_text("saved\n")
    (bed.path("alice") / "sub" / "l.txt").write_text("an edit in the submodule\n")
    coordination.claim(alice, ["plain.txt"], reason="to see what runs")
    messages.broadcast(alice, "hello")
    scratchpad.add_note(alice, "a note")
    tasks.add(alice, "a task")
    tasks.found_work(alice)
    comparing.compare(alice, AgentName("alice"))
    comparing.compare(alice, None)
    done = turn.take_turn(alice)
    coordination.release(alice, None)
    read_status(alice)
    messages.read(alice)
    notes.project(alice, rebuild=True)
    subprocess.run([*own_command(), "status"], cwd=bed.path("alice") / "inner", capture_output=True)
    return done.saved


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_program_is_not_run_by_the_sidecar_or_the_tools(kind: str, lived: Lived) -> None:
    assert kind not in lived.ran


@pytest.mark.parametrize("kind", KINDS)
def test_plain_git_does_run_the_planted_program(kind: str, lived: Lived) -> None:
    KINDS[kind].control(lived.ground)
    assert lived.ground.has_run(kind)


def test_edits_are_saved_but_for_those_whose_filter_only_the_repository_defines(lived: Lived) -> None:
    filtered = {f"file.{name}" for name in SUFFIXES} - {"file.merged", "file.driver", "file.converted"}
    left = dict(lived.saved.left)
    assert filtered <= left.keys()
    assert left["file.clean"] == "only the repository defines its filter 'clean': commit it"
    assert {"plain.txt", "saved.txt", "file.merged"} <= set(lived.saved.paths)


def test_no_private_git_directory_is_left(lived: Lived) -> None:
    assert not list((lived.ground.root / ".git" / "worktrees").glob(f"*/{PREFIX}*"))
