"""A real room in a real repository, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentroom_git.core.ids import Oid, parse_agent
from agentroom_git.room import opening, presence, trust
from agentroom_git.room.folding import Folder, FoldReport
from agentroom_git.room.room import Room, open_room
from agentroom_git.room.syncing import SyncResult, sync_room
from agentroom_git.system.clock import SystemClock


class Git(Protocol):
    def __call__(self, *args: str | Path, cwd: Path, check: bool = True) -> str: ...


@dataclass
class Bed:
    """The room of one repository, and shorthands for what agents do in it."""

    git: Git
    repository: Path

    def room(self, cwd: Path | None = None) -> Room:
        return open_room(cwd or self.repository, SystemClock())

    def configure(self, text: str) -> None:
        """Write `.agentroom.yaml` as the user does, who trusts it."""
        (self.repository / ".agentroom.yaml").write_text(text)
        trust.trust(self.room())

    def open(self) -> "Bed":
        opening.open_new(self.room())
        return self

    def join(self, *names: str) -> list[Path]:
        room = self.room()
        return [presence.join(room, parse_agent(name)).worktree.path for name in names]

    def path(self, name: str) -> Path:
        return self.room().worktrees_dir / name

    def as_agent(self, name: str) -> Room:
        return self.room(self.path(name))

    def write(self, name: str, files: Mapping[str, str | None]) -> None:
        """Put files into the agent's worktree (None: delete), without committing."""
        for path, text in files.items():
            target = self.path(name) / path
            if text is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)

    def commit(self, name: str, files: Mapping[str, str | None], message: str = "work") -> Oid:
        """Put files into the agent's worktree and commit everything there."""
        self.write(name, files)
        self.git("add", "--all", cwd=self.path(name))
        self.git("commit", "--quiet", "--allow-empty", "-m", message, cwd=self.path(name))
        return self.head(name)

    def head(self, name: str) -> Oid:
        return Oid(self.git("rev-parse", "HEAD", cwd=self.path(name)).strip())

    def fold(self, *names: str) -> FoldReport:
        return Folder(self.room()).fold([parse_agent(name) for name in names])

    def sync(self, *names: str) -> list[SyncResult]:
        return sync_room(self.room(), [parse_agent(name) for name in names])

    def settle(self) -> None:
        """Fold and sync until nothing moves."""
        while self.fold().made:
            self.sync()
        self.sync()

    def integrated(self, path: str) -> str | None:
        """Return the file's text on integration, or None where it is not there."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", "agentroom/main/integration", cwd=self.repository)
        if path not in names.split("\0"):
            return None
        return self.git("show", f"agentroom/main/integration:{path}", cwd=self.repository)

    def tree(self, revision: str = "agentroom/main/integration") -> str:
        return self.git("rev-parse", f"{revision}^{{tree}}", cwd=self.repository).strip()

    def is_ancestor(self, commit: str, of: str = "agentroom/main/integration") -> bool:
        return self.git("merge-base", commit, of, cwd=self.repository, check=False).strip() == commit

    def fsck(self) -> str:
        return self.git("fsck", "--full", "--strict", "--no-dangling", cwd=self.repository)


def numbered(count: int = 20) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


def edited(text: str, number: int, new: str) -> str:
    """Return the text with one line, counted from 1, replaced."""
    lines = text.splitlines(keepends=True)
    lines[number - 1] = f"{new}\n"
    return "".join(lines)
