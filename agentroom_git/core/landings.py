"""Events of what went from the room to the user's branch, and of what was taken back."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Landed:
    """`branch` got the work of `fold` as `commits`, oldest first; `since` is the fold that it had before, or empty."""

    type: ClassVar[str] = "landed"
    branch: str
    fold: str
    since: str
    commits: tuple[str, ...]
    agents: tuple[str, ...]

    def subject(self) -> str:
        count = f"{len(self.commits)} commit{'s' if len(self.commits) != 1 else ''}"
        by = f" of {', '.join(self.agents)}" if self.agents else ""
        return f"landed {self.fold[:10]}{by} on {self.branch} as {count} up to {self.commits[-1][:10]}"


@dataclass(frozen=True, slots=True)
class Undid:
    """`commit` takes back what `folds`, of `agents`, made of integration; `text` is what they were, for readers."""

    type: ClassVar[str] = "undid"
    folds: tuple[str, ...]
    agents: tuple[str, ...]
    commit: str
    text: str

    def subject(self) -> str:
        what = self.folds[0][:10] if len(self.folds) == 1 else f"{len(self.folds)} folds"
        return f"undid {what} of {', '.join(self.agents)}: {self.text}"
