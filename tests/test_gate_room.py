"""A room of three scripted agents beside the real sidecar: who broke it is named, and green is never wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.timeout(600)
def test_the_right_ones_are_named_and_green_never_stands_on_what_fails() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gate.py"), "--folds", "14", "--json"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=580)

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["authors told"] == [["bob"], ["alice", "carol"]]
    assert (report["single named"], report["pair named"]) == (True, True)
    assert report["green on a failing commit"] == []
