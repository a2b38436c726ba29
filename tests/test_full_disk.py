"""A disk that is full or nearly so: nothing is folded, it is said, nothing is lost, and it goes on by itself.

The disk is a real one, a file system in memory of some megabytes, mounted for one test in a namespace of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import disk
from agentroom_git.room.disk import DiskFullError
from agentroom_git.room.folding import Folder
from agentroom_git.room.status import read_status
from rooms import Bed

PRELUDE = """
import json, os, subprocess, sys, time
from pathlib import Path
from agentroom_git.room import disk
from agentroom_git.sidecar import lifecycle
from rooms import Bed

top = Path(sys.argv[1])

def git(*arguments, cwd, check=True):
    return subprocess.run(["git", *map(str, arguments)], cwd=cwd, check=check, capture_output=True, text=True).stdout

def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, (top / "repository/.git/agentroom/sidecar.log").read_text()
        time.sleep(0.02)

def resize(size):
    subprocess.run(["mount", "-o", f"remount,size={size}", "tmpfs", str(top)], check=True)

def agentroom(*arguments):
    command = [sys.executable, "-m", "agentroom_git", *arguments, "--json"]
    done = subprocess.run(command, cwd=top / "repository", capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

root = top / "repository"
root.mkdir()
git("init", "--quiet", cwd=root)
git("commit", "--quiet", "--allow-empty", "-m", "start", cwd=root)
bed = Bed(git, root).open()
bed.join("alice", "bob")
"""

STOPS_AND_GOES_ON = """
lifecycle.start(bed.room())
bed.commit("alice", {"a.txt": "work\\n"})
log = root / ".git/agentroom/sidecar.log"
until(lambda: "nothing is folded or synced until there is room" in log.read_text())
assert "less than 200 MiB" in agentroom("sidecar", "status")[1]["disk"]
assert "less than 200 MiB" in agentroom("status")[1]["disk"]
code, told = agentroom("fold")
assert (code, "nothing is folded or synced" in told) == (1, True), (code, told)
assert bed.integrated("a.txt") is None
resize("600m")
until(lambda: (bed.path("bob") / "a.txt").exists())
assert "there is room on the disk again" in log.read_text()
assert agentroom("sidecar", "status")[1]["disk"] == ""
lifecycle.stop(bed.room())
"""

RUNS_INTO_THE_END = """
disk.MIN_FREE_BYTES, disk.MIN_FREE_SHARE = 0, 0.0
base = "".join(f"line {n} {os.urandom(8).hex()}\\n" for n in range(20000))
bed.commit("alice", {"big.txt": base})
bed.settle()
bed.commit("alice", {"big.txt": "alice\\n" + base})
bed.commit("bob", {"big.txt": base + "bob\\n"})
bed.fold("alice")
before = bed.tree()
with open(top / "filler", "wb") as filler:
    try:
        while True:
            filler.write(bytes(65536))
            filler.flush()
    except OSError:
        pass
code, told = agentroom("claim", "docs", "--as", "alice")
assert (code, told.count("No space left on device: " + str(root / ".git/agentroom"))) == (1, 1), told
report = bed.fold("bob")
assert (report.made, [agent for agent, _ in report.failed]) == ((), ["bob"]), report
assert bed.tree() == before
os.unlink(top / "filler")
report = bed.fold("bob")
assert [made.contested for made in report.made] == [()], report
assert bed.integrated("big.txt") == "alice\\n" + base + "bob\\n"
git("fsck", "--full", "--strict", "--no-dangling", cwd=root)
"""


LOOKS_WITHOUT_WRITING = """
bed.commit("alice", {"a.txt": "work\\n"})
bed.settle()
for words in (["claim", "src", "--as", "alice"], ["broadcast", "hello", "--as", "bob"]):
    subprocess.run([sys.executable, "-m", "agentroom_git", *words], cwd=root, check=True)
(root / ".git/agentroom/sidecar.lock").touch()
subprocess.run(["mount", "-o", "remount,ro", "tmpfs", str(top)], check=True)
for words in (["status"], ["log"], ["claims"], ["contested"], ["stats"], ["task", "list"], ["diff"]):
    code, told = agentroom(*words)
    assert code == 0, (words, told)
assert agentroom("sidecar", "status")[0] == 1
code, told = agentroom("claim", "docs", "--as", "alice")
assert code == 1 and "must be writable for you" in told, told
"""


def _run_on_a_disk_of(size: str, script: str, folder: Path) -> None:
    probe = subprocess.run(["unshare", "-Urm", "true"], capture_output=True) if shutil.which("unshare") else None
    if probe is None or probe.returncode:
        pytest.skip("this system lets nobody mount a file system in a namespace of its own")
    folder.mkdir()
    mount = f'mount -t tmpfs -o size={size} tmpfs "$1" && exec "$0" -c "$2" "$1"'
    command = ["unshare", "-Urm", "sh", "-c", mount, sys.executable, str(folder), PRELUDE + script]
    env = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sidecar_stops_folding_says_so_everywhere_and_goes_on_by_itself(tmp_path: Path) -> None:
    _run_on_a_disk_of("150m", STOPS_AND_GOES_ON, tmp_path / "disk")


def test_a_fold_that_runs_into_the_end_of_the_disk_is_done_again_and_nothing_is_recorded_as_failed(
    tmp_path: Path,
) -> None:
    _run_on_a_disk_of("16m", RUNS_INTO_THE_END, tmp_path / "disk")


def test_who_only_looks_can_do_so_where_nothing_may_be_written(tmp_path: Path) -> None:
    _run_on_a_disk_of("300m", LOOKS_WITHOUT_WRITING, tmp_path / "disk")


def test_with_too_little_room_a_fold_is_refused_and_status_says_why(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "work\n"})
    monkeypatch.setattr(disk, "MIN_FREE_BYTES", 2**60)

    with pytest.raises(DiskFullError, match="nothing is folded or synced"):
        Folder(bed.room()).fold([parse_agent("alice")])
    assert "less than" in read_status(bed.room()).disk
    assert bed.integrated("a.txt") is None


def test_the_share_of_a_large_disk_counts_where_it_is_more(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk.shortage(bed.room()) == ""
    monkeypatch.setattr(disk, "MIN_FREE_SHARE", 1.0)
    assert "less than" in disk.shortage(bed.room())
