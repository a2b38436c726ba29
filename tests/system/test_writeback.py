"""Content that is handed to the disk early, on whatever file system there is."""

import ctypes
import errno
import os
from pathlib import Path

import pytest

from agentroom_git.system import writeback


@pytest.mark.parametrize("hand", [writeback.begin, writeback.hand_over])
def test_what_is_handed_to_the_disk_can_be_read_as_before(hand, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
        hand(file.fileno())
        file.write(b"y")
    assert path.read_bytes() == b"x" * 100_000 + b"y"


@pytest.mark.parametrize("call", [None, lambda *_: ctypes.set_errno(errno.ENOSYS) or -1])
def test_where_the_system_cannot_all_is_synced(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(writeback, "_sync_file_range", call)
    with (tmp_path / "file").open("wb") as file:
        writeback.begin(file.fileno())
        assert synced == [file.fileno()]


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeback, "_sync_file_range", lambda *_: ctypes.set_errno(errno.ENOSPC) or -1)
    with (tmp_path / "file").open("wb") as file, pytest.raises(OSError, match="No space left"):
        writeback.hand_over(file.fileno())
