"""The look that a sync takes, after it is done, at who went on writing into files that it displaced."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agentroom_git.git.checkout_outcome import Advanced, Waits
from agentroom_git.git.displacement import Bench, Step, keep_overwritten, late_paths
from agentroom_git.system.exchange import Content, Folder, Mark

LATE_SECONDS = 0.02
"""How long after a sync the displaced files are looked at again."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a sync that took steps left behind: the bench with what it displaced, and what that bench knew by step."""

    worktree: Path
    bench: Path
    has_modes: bool
    steps: tuple[Step, ...]
    taken_out: Mapping[int, Content]
    untouched: Mapping[int, Mark]

    def late(self) -> tuple[bytes, ...]:
        """Keep what was written late, and return its paths."""
        with (
            Folder(self.worktree, has_modes=self.has_modes) as tree,
            Bench(self.bench, has_modes=self.has_modes) as bench,
        ):
            bench.taken_out.update(self.taken_out)
            bench.untouched.update(self.untouched)
            return (*late_paths(bench, self.steps), *keep_overwritten(tree, bench, self.steps))


@dataclass(frozen=True, slots=True)
class Brought:
    """How a sync went, before the look at late writers; `behind` is None where no step was taken."""

    done: Advanced | Waits
    behind: Behind | None = None

    def outcome(self) -> Advanced | Waits:
        """Take the look; return how the sync went."""
        return self.done if self.behind is None else replace(self.done, late=self.behind.late())
