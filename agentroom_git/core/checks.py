"""What the gate finds out: events of the check on commits, and what several runs on one tree say together."""

from dataclasses import dataclass
from typing import ClassVar

PASSED, FAILED, TIMEOUT, MISSING, FLAKY = "passed", "failed", "timeout", "missing", "flaky"
MAX_TAIL = 2000
"""Characters of a check's output that an event carries: its last ones."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The check ended with `result` on the tree of `commit`; `tail` is the end of what it printed.

    `result` is passed, failed, timeout, missing (a command was not found), or flaky: it failed and passed on this tree.
    """

    type: ClassVar[str] = "checked"
    commit: str
    result: str
    seconds: int
    tail: str

    def subject(self) -> str:
        last = "" if self.result == PASSED else last_line(self.tail)
        return f"checked {self.commit[:10]}: {self.result} after {self.seconds} s{f': {last}' if last else ''}"


@dataclass(frozen=True, slots=True)
class Blamed:
    """The fold at `commit` broke the check, alone or (`partner` is a fold's commit) together with another fold.

    `agents` are the authors; `tail` is the end of what the check printed there.
    """

    type: ClassVar[str] = "blamed"
    commit: str
    partner: str
    agents: tuple[str, ...]
    tail: str

    def subject(self) -> str:
        together = f" together with {self.partner[:10]}" if self.partner else ""
        return f"found that {self.commit[:10]}{together} broke the check ({', '.join(self.agents)})"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`commit` took other candidates of contested regions, because the check fails at the fold `broken`, not with them.

    `contested` are the records' ids; `tried` says of each combination that was tried what it was and how it ended.
    """

    type: ClassVar[str] = "chosen"
    commit: str
    broken: str
    contested: tuple[str, ...]
    tried: tuple[str, ...]

    def subject(self) -> str:
        return f"chose by the check for {', '.join(self.contested)}: {'; '.join(self.tried)}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How often the check passed and failed on one tree."""

    passed: int = 0
    failed: int = 0

    @property
    def runs(self) -> int:
        return self.passed + self.failed

    @property
    def is_flaky(self) -> bool:
        return self.passed > 0 and self.failed > 0

    @property
    def is_good(self) -> bool:
        return self.passed > 0 and not self.failed

    @property
    def is_bad(self) -> bool:
        return self.failed > 0 and not self.passed


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def tail_of(output: bytes) -> str:
    """Return the end of a program's output as text of at most `MAX_TAIL` characters, beginning with a whole line."""
    text = output.decode("utf-8", "backslashreplace").rstrip()
    if len(text) <= MAX_TAIL:
        return text
    cut = text[-MAX_TAIL:]
    return cut.partition("\n")[2] or cut


def is_result(text: str) -> bool:
    return text in (PASSED, FAILED, TIMEOUT, MISSING, FLAKY)
