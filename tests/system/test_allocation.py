"""Freed memory that is kept costs no page faults when it is used again."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from agentroom_git.system.allocation import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
for number in range(41):
    if number == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [b"x" * (1 << 20) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such setting")
def test_blocks_that_are_freed_and_needed_again_cost_no_page_faults() -> None:
    pages = 40 * 4 * (1 << 20) // 4096
    assert faults("give back") > pages / 10
    assert faults("keep") < pages / 100
