"""Names that differ, and that a file system which ignores case or normalisation takes for one."""

import pygit2

from agentroom_git.core.ids import Oid
from agentroom_git.core.pairing import folded_name
from agentroom_git.git.tree_write import FOLDER, read_tree


def has_twin(repo: pygit2.Repository, tree: str, path: bytes) -> bool:
    """Whether the tree has another path, or a folder above one, that such a file system takes for this one."""
    waiting: list[tuple[str, bool]] = [(tree, False)]
    for depth, part in enumerate(parts := path.split(b"/"), 1):
        below: list[tuple[str, bool]] = []
        for id, differs in waiting:
            for name, entry in read_tree(repo, Oid(id)).items():
                if folded_name(name) != folded_name(part):
                    continue
                is_other = differs or name != part
                is_there = depth == len(parts) or entry.mode != FOLDER
                if is_there and is_other:
                    return True
                if entry.mode == FOLDER:
                    below.append((entry.id, is_other))
        waiting = below
    return False
