"""The user's or git's own maintenance of the repository, at the very moment in which the sidecar folds and syncs."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from agentroom_git.sidecar import lifecycle
from rooms import Bed

PATIENCE_SECONDS = 60.0
ROUNDS = 4


@pytest.fixture
def served(bed: Bed) -> Iterator[Bed]:
    """A room with alice, bob and a running sidecar."""
    bed.join("alice", "bob")
    lifecycle.start(bed.room())
    yield bed
    lifecycle.stop(bed.room())


@pytest.mark.parametrize(
    "command",
    [
        ("gc", "--quiet"),
        ("repack", "-a", "-d", "--quiet"),
        ("pack-refs", "--all", "--prune"),
        ("maintenance", "run", "--quiet"),
    ],
    ids=" ".join,
)
def test_folds_go_on_while_the_repository_is_maintained(command: tuple[str, ...], served: Bed) -> None:
    for number in range(ROUNDS):
        text = f"round {number}\n"
        served.commit("alice", {"a.txt": text})
        with subprocess.Popen(["git", *command], cwd=served.repository, stderr=subprocess.DEVNULL) as at_work:
            _arrives(served, "a.txt", text)
            at_work.wait()

    lifecycle.stop(served.room())  # it may still be writing notes, which fsck would take for lost
    assert served.fsck() == ""
    assert served.integrated("a.txt") == f"round {ROUNDS - 1}\n"


def _arrives(bed: Bed, path: str, text: str) -> None:
    target = bed.path("bob") / path
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not target.exists() or target.read_text() != text:
        if time.monotonic() > deadline:
            pytest.fail(lifecycle.log_path(bed.room()).read_text())
        time.sleep(0.01)
