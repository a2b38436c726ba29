"""The demonstration, as a user starts it."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from agentroom_git.system.process import own_command

pytestmark = pytest.mark.xdist_group("demo")


def _demo(folder: Path, *options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*own_command(), "demo", *options],
        cwd=folder,
        env=(env or dict(os.environ)) | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_two_agents_finish_the_project_and_nothing_stays_behind(tmp_path: Path) -> None:
    done = _demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.splitlines()
    story = [
        "a project of two unfinished modules; its tests: Ran 6 tests in T: FAILED (errors=6)",
        "alice: claim ledger/posting.py -> granted, token 1",
        'bob:   claim ledger/posting.py -> refused: alice holds ledger/posting.py, "the rules of posting", S left',
        "bob:   claim ledger/statement.py -> granted, token 2",
        "alice: release -> gave back ledger/posting.py",
        "bob:   claim ledger/posting.py -> granted, token 3",
        "bob:   finds alice's work in ledger/posting.py",
        "tests on integration: Ran 6 tests in T: OK",
        "both worktrees equal integration: yes",
    ]
    plain = [re.sub(r"\b\d+ s left", "S left", re.sub(r"\b\d\.\d+s\b", "T", line)) for line in told]
    assert [line for line in plain if line in story] == story

    graph = told[told.index("") + 1 :]
    assert [line for line in graph if "posting: Take an entry back (bob)" in line]
    notes = "\n".join(line.lstrip("|\\/ ") for line in graph)
    assert re.search(r"^\S+Z bob claimed ledger/statement.py: statements \(token 2\)$", notes, re.MULTILINE)
    assert re.search(r'^\S+Z agentroom folded bob \w+ "posting: Take an entry back"$', notes, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


def test_it_needs_no_configuration_and_heeds_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    (home / ".gitconfig").write_text(
        "[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nonexistent\n\tautocrlf = true\n"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = _demo(folder, "--json", env=kept | {"HOME": str(home)})
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)["outcome"]
    assert outcome["agents"] == {"alice": 0, "bob": 0}
    assert (outcome["tests_pass"], outcome["worktrees_equal"]) == (True, True)


def test_what_is_kept_can_be_looked_at(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--keep")
    assert done.returncode == 0, done.stderr
    (kept,) = tmp_path.iterdir()
    assert str(kept) in done.stderr
    sidecar = subprocess.run([*own_command(), "sidecar", "status"], cwd=kept / "ledger", capture_output=True)
    assert sidecar.returncode == 1
    done = subprocess.run(["git", "status", "--porcelain"], cwd=kept / "ledger.agents" / "bob", capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_halfway_leaves_no_process_and_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    env = dict(os.environ) | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*own_command(), "demo"],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, a shell has them ignore this signal, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    alarm = threading.Timer(60, process.kill)
    alarm.start()
    assert process.stdout is not None
    # The agents' output is the first that comes from them, so both are running, and the sidecar is.
    assert any("claim ledger/posting.py" in line for line in process.stdout)
    process.send_signal(number)
    process.stdout.read()
    assert process.wait(60) == 128 + number
    alarm.cancel()
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []
    # A server of the agents' tools ends by itself when it sees that its client has.
    deadline = time.monotonic() + 30
    while (left := _processes_that_mention(str(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _processes_that_mention(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text in os.readlink(entry / "cwd"):
                found.append((entry / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found
