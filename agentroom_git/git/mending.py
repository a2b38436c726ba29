"""One file of a worktree as text: as it stands, as commits have it, and another put in its place.

The agent goes on working meanwhile: what it saves in between stays.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pygit2
from pygit2.enums import RepositoryOpenFlag

from agentroom_git.core.ids import Oid
from agentroom_git.git.attributes import needs_git, to_worktree
from agentroom_git.git.checkout_plan import has_modes
from agentroom_git.git.displacement import Act, Journal, Step, apply_step, digest, make_bench, undo
from agentroom_git.git.tree_diff import EXECUTABLE, FILE
from agentroom_git.git.tree_write import find_entry
from agentroom_git.system.clock import Clock
from agentroom_git.system.exchange import Content, ExchangeError, Folder, Kind
from agentroom_git.system.pids import own_name

_REGULAR = frozenset({Kind.FILE, Kind.EXECUTABLE})


@dataclass(frozen=True, slots=True)
class WorktreeFile:
    """A path of one worktree; texts are as git would check them out there."""

    handle: pygit2.Repository
    top: Path
    path: bytes

    @classmethod
    def open(cls, top: Path, path: bytes) -> Self:
        return cls(pygit2.Repository(str(top), RepositoryOpenFlag.NO_SEARCH), top, path)

    @property
    def needs_git(self) -> bool:
        """Whether only git can tell what commits have there, by a program or in another encoding."""
        return needs_git(self.handle, self.path)

    def at(self, commit: Oid) -> bytes | None:
        """The text that a commit has, or None where it has no regular file. Raises KeyError for a missing commit."""
        entry = find_entry(self.handle, Oid(str(self.handle[commit].peel(pygit2.Tree).id)), self.path)
        if entry is None or entry.mode not in (FILE, EXECUTABLE):
            return None
        return to_worktree(self.handle, self.path, entry.id)

    def now(self) -> Content | None:
        """What stands there, or None for anything but a regular file."""
        with Folder(self.top, has_modes=has_modes(self.handle)) as tree:
            found = tree.read(self.path)
        return found if found.kind in _REGULAR else None

    def mend(self, expected: Content, text: bytes, *, stage: Path, clock: Clock) -> bool:
        """Put another text there, if the file is still what was expected; false, with nothing changed, if not.

        What was displaced is kept in `stage` as after a sync. Neither index nor branch is touched, so whatever a kill
        leaves is one of the two texts, whole.
        """
        modes, head = has_modes(self.handle), self.handle.head
        new = Content(expected.kind, text)
        step = Step(Act.SWAP, self.path, digest(expected), digest(new))
        ends = (str(head.target), str(head.target))
        with Folder(self.top, has_modes=modes) as tree, make_bench(stage, clock, has_modes=modes) as bench:
            bench.stage(0, new)
            git_dir = Path(self.handle.path).resolve()
            bench.write_journal(Journal(own_name(), git_dir, head.name, modes, *ends, (step,)))
            bench.begin()
            try:
                done = apply_step(tree, bench, 0, step)
            except ExchangeError:
                done = False
            if not done:
                undo(tree, bench, [step], only={self.path})
            bench.finish()
            return done
