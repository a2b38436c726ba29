"""The sidecar packs by itself when the room has written enough, beside its other work."""

import time

import pytest

from agentroom_git.room import collecting
from agentroom_git.sidecar.packer import LOOK_SECONDS, PackDuty, PackingEndedError
from rooms import Bed

PATIENCE_SECONDS = 60.0


def ended(duty: PackDuty) -> None:
    """Wait until the process that packs has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while duty.child is not None and duty.child.code() is None:
        if time.monotonic() > deadline:
            pytest.fail(f"packing took more than {PATIENCE_SECONDS:g} s")
        time.sleep(0.01)


def orphan(bed: Bed) -> str:
    """Write a commit whose parent is missing."""
    head = bed.git("cat-file", "commit", "HEAD", cwd=bed.repository)
    tree, _, rest = head.partition("\n")
    path = bed.repository.parent / "orphan"
    path.write_text(f"{tree}\nparent {'1' * 40}\n{rest}")
    return bed.git("hash-object", "-t", "commit", "-w", path, cwd=bed.repository).strip()


def packs(bed: Bed) -> int:
    return len(list((bed.repository / ".git" / "objects" / "pack").glob("*.pack")))


def test_it_packs_when_enough_was_written_and_looks_only_now_and_then(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.join("alice")
    duty = PackDuty(bed.room(), lambda: None)
    assert (duty.run(0.0, True), duty.child) == (None, None)
    monkeypatch.setattr(collecting, "EVERY", 0)
    assert duty.run(1.0, True) == LOOK_SECONDS - 1.0
    assert duty.run(LOOK_SECONDS, False) is None

    duty.run(LOOK_SECONDS, True)
    ended(duty)

    assert duty.run(LOOK_SECONDS + 1, False) is None
    assert packs(bed) == 1


def test_packing_that_fails_is_said_once_and_tried_again_later(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    monkeypatch.setattr(collecting, "EVERY", 0)
    ref = bed.repository / ".git" / "refs" / "agentroom" / "main" / "log" / "broken"
    ref.write_text(f"{orphan(bed)}\n")
    duty = PackDuty(bed.room(), lambda: None)
    duty.run(0.0, True)
    ended(duty)

    with pytest.raises(PackingEndedError, match="packing ended with 1"):
        duty.run(1.0, False)

    ref.unlink()
    duty.run(LOOK_SECONDS + 1, True)
    ended(duty)
    assert packs(bed) == 1
