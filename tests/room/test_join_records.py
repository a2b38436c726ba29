"""What a rewrite contests is recorded with its place in the fold, not in what was merged on the way there."""

import pytest

from agentroom_git.git.folds import Place, find_place, read_fold
from rooms import Bed, edited, numbered


@pytest.mark.parametrize("has_third", [False, True])
def test_lines_that_a_rewrite_contests_are_where_the_fold_has_them(bed: Bed, has_third: bool) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"f": numbered()})
    bed.settle()
    start = bed.head("alice")
    if has_third:
        bed.commit("carol", {"f": "carol\n" * 3 + numbered()})
    bed.commit("alice", {"f": edited(numbered(), 15, "alice")})
    bed.fold("alice")
    bed.git("reset", "--quiet", "--hard", bed.head("alice"), cwd=bed.path("bob"))
    bed.commit("bob", {"f": edited(numbered(), 15, "bob on it")}, "work\n\nAgentroom-Agent: bob")
    bed.fold("bob")
    bed.git("reset", "--quiet", "--hard", bed.head("bob"), cwd=bed.path("alice"))
    bed.commit("alice", {"other": "x\n"})
    bed.fold("alice")
    if has_third:
        bed.fold("carol")
    bed.git("reset", "--quiet", "--hard", start, cwd=bed.path("alice"))
    bed.commit("alice", {"f": numbered().replace("line 1\n", "top\n" * 4 + "line 1\n", 1)})

    (made,) = bed.fold("alice").made

    room = bed.room()
    fold = read_fold(room.history, made.id)
    text = bed.integrated("f")
    assert text is not None
    line = text.splitlines().index("bob on it") + 1
    assert [find_place(fold, record.id) for record in made.contested] == [Place(b"f", line, 1)]
