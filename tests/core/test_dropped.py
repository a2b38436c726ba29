"""The last look at a fold."""

from pathlib import Path

import pygit2
import pytest

from agentroom_git.core.contested import Entry
from agentroom_git.core.dropped import find_dropped
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import FILE
from agentroom_git.git.objects import GitHistory, empty_tree

ALICE = AgentName("alice")


@pytest.mark.parametrize(
    ("before", "new", "result", "expected"),
    [
        ({"six": b"one\n"}, {"one": b"one\n"}, {}, ["six"]),
        ({"a": b"one\ntwo\n"}, {"a": b"one\n"}, {"a": b"two\n"}, ["a"]),
        ({"a": b"one\n"}, {"b": b"one\n"}, {"c": b"one\n"}, []),
        ({"a": b"one\n"}, {"b": b"two\n"}, {"b": b"two\n", "c": b"c\n"}, []),
        ({"a": b"one\n"}, {}, {"c": b"c\n"}, []),
        ({"a": b"\n"}, {"b": b"\n"}, {}, []),
    ],
    ids=["renamed apart", "taken for the other's", "moved", "deleted by the agent", "deleted of old", "blank"],
)
def test_a_line_that_both_had_and_the_fold_has_not_is_recorded(
    tmp_path: Path, before: dict[str, bytes], new: dict[str, bytes], result: dict[str, bytes], expected: list[str]
) -> None:
    handle = pygit2.init_repository(str(tmp_path / "case.git"), bare=True)
    objects = GitHistory(handle)

    def tree(files: dict[str, bytes]) -> Oid:
        edits = {path.encode(): Entry(objects.write_blob(text), FILE) for path, text in files.items()}
        return objects.write_tree(empty_tree(handle), edits)

    found = find_dropped(objects, ALICE, tree(before), tree(new), tree(result))

    assert [record.path.decode() for record in found] == expected
    for record in found:
        assert before[record.path.decode()] in {objects.blob(side) for side in record.sides if side is not None}
