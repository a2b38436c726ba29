"""A process that works for this one: looked after without waiting for it, and ended with it."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

END_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """A started process; its output goes to the file `log`, made anew."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def code(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self.process.poll()

    def last_line(self) -> str:
        """Return the last line that it printed."""
        with suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def end(self) -> None:
        """Ask it to end, wait, and kill it when it does not."""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_child(arguments: Sequence[str], *, cwd: Path, log: Path) -> Child:
    """Start a program without a terminal, in a session of its own, so that no interrupt from one reaches it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Child(process, log)
