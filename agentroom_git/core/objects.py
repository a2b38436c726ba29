"""What a merge of trees asks of the storage of blobs and trees, and the modes that git gives to what a tree holds."""

from collections.abc import Mapping
from typing import Protocol

from agentroom_git.core.contested import Entry
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.ids import Oid

FILE, EXECUTABLE, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
REGULAR = frozenset({FILE, EXECUTABLE})


Changes = Mapping[bytes, tuple[Entry | None, Entry | None]]


class Objects(Protocol):
    """Content-addressed storage: every answer is a function of its arguments."""

    @property
    def line_diff(self) -> LineDiff: ...

    def changes(self, old: Oid | None, new: Oid | None) -> Changes:
        """Return what differs between two trees, path by path, without renames; None is the empty tree."""
        ...

    def renames(self, old: Oid | None, new: Oid | None) -> Mapping[bytes, bytes]:
        """Return the new path of each file that was deleted and has, in half of its content, appeared elsewhere."""
        ...

    def blob(self, id: Oid) -> bytes: ...

    def blob_size(self, id: Oid) -> int: ...

    def lines(self, id: Oid) -> frozenset[bytes]:
        """Return the different lines of a blob, without their ends."""
        ...

    def write_blob(self, data: bytes) -> Oid: ...

    def entry(self, tree: Oid, path: bytes) -> Entry | None:
        """Return what the tree holds at the path, or None for nothing or a folder."""
        ...

    def write_tree(self, tree: Oid, edits: Mapping[bytes, Entry | None]) -> Oid:
        """Return the tree with these paths put or (None) removed; removals come first."""
        ...
