"""Locks between processes: asking whether one is held must not keep anybody from taking it."""

import subprocess
import sys
from pathlib import Path

from agentroom_git.system.locks import is_held, try_hold

_ASK = """
import sys
from pathlib import Path
from agentroom_git.system.locks import is_held
print("asking", flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    assert not is_held(path)
    lock = try_hold(path)
    assert lock is not None
    assert is_held(path)
    assert try_hold(path) is None
    lock.release()
    assert not is_held(path)


def test_a_free_lock_can_be_taken_however_often_others_ask_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    asking = subprocess.Popen([sys.executable, "-c", _ASK, path], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    asking.stdout.readline()
    try:
        for _ in range(100):
            lock = try_hold(path)
            assert lock is not None
            lock.release()
    finally:
        asking.kill()
        asking.communicate()
