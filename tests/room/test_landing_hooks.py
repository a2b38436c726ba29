"""Hooks of the user's that rewrite what they are given, between one landed commit and the next."""

import pytest

from landings import hook, kinds, land, tree
from rooms import Bed, edited, numbered

REWRITES = {
    "format the line": "sed -i 's/^line 6$/line 6;/' f.txt && git add f.txt",
    "delete the file": "git rm --quiet -f f.txt",
    "rename the file": "git mv f.txt g.txt && sed -i 's/^line 6$/line 6;/' g.txt && git add g.txt",
    "put a folder there": "git rm --quiet -f f.txt && mkdir f.txt && echo new >f.txt/new && git add f.txt",
    "put a file where a folder comes": "echo new >b && git add b",
}
BOBS = "BOB 4"
"""Which side of a contest wins depends on the content: with this one, the hook's formatting would."""


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES.keys())
def test_whatever_a_hook_makes_of_one_commit_the_next_agents_text_lands(bed: Bed, rewrite: str) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered(8)}, "Count")
    bed.settle()
    land(bed)
    bed.settle()
    alices = edited(numbered(8), 2, "ALICE")
    bed.commit("alice", {"f.txt": alices}, "Two")
    bed.settle()
    bed.commit("bob", {"f.txt": edited(alices, 6, BOBS), "b/new.txt": f"{BOBS}\n"}, "Six")
    bed.settle()
    hook(bed, "pre-commit", f"test -e b/new.txt || {{ {rewrite}; }}")

    done = land(bed)
    bed.settle()

    assert (kinds(done), len(done.commits)) == ([], 2)
    assert bed.git("show", "main:f.txt", cwd=bed.repository).splitlines()[5] == BOBS
    assert bed.git("show", "main:b/new.txt", cwd=bed.repository) == f"{BOBS}\n"
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert BOBS in (bed.path("bob") / "f.txt").read_text()
