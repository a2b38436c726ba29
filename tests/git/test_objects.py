"""The commit graph and trees as the fold asks for them, against git's own answers."""

import random
from pathlib import Path

import pygit2
import pytest

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid
from agentroom_git.git.objects import GitHistory
from agentroom_git.git.repo import open_repo


def _history(repository: Path, integration: Oid | None = None) -> GitHistory:
    history = GitHistory(open_repo(repository).handle)
    if integration is not None:
        history.follow(integration)
    return history


def _random_graph(repository: Path, seed: int, count: int = 24) -> list[Oid]:
    """Write a random graph of commits with shuffled clocks; return them, parents first."""
    rng = random.Random(seed)
    handle = pygit2.Repository(str(repository))
    tree = handle.TreeBuilder().write()
    made: list[pygit2.Oid] = []
    for number in range(count):
        who = pygit2.Signature("t", "t@example.invalid", 1_700_000_000 + rng.randint(-3000, 3000), 0)
        parents = rng.sample(made[-8:], min(len(made[-8:]), rng.choice((1, 1, 1, 2, 3)))) if made else []
        made.append(handle.create_commit(None, who, who, f"{seed} {number}", tree, parents))
    return [Oid(str(oid)) for oid in made]


@pytest.mark.parametrize("seed", range(12))
def test_meet_is_what_git_calls_all_merge_bases(repository: Path, git, seed: int) -> None:
    commits = _random_graph(repository, seed)
    history = _history(repository)
    rng = random.Random(seed)
    for _ in range(8):
        one, other = rng.sample(commits, 2)
        expected = git("merge-base", "--all", one, other, cwd=repository, check=False).split()
        assert history.meet(frozenset({one}), other) == frozenset(expected)


@pytest.mark.parametrize("seed", range(6))
def test_maximal_commits_are_what_git_calls_independent(repository: Path, git, seed: int) -> None:
    commits = _random_graph(repository, seed)
    some = random.Random(seed).sample(commits, 7)

    assert _history(repository).maximal(frozenset(some)) == frozenset(
        git("merge-base", "--independent", *some, cwd=repository).split()
    )


@pytest.mark.parametrize("seed", range(6))
def test_heads_that_are_added_one_after_the_other_are_what_git_calls_independent(
    repository: Path, git, seed: int
) -> None:
    commits = _random_graph(repository, seed, count=40)
    history = _history(repository, commits[-1])
    heads: frozenset[Oid] = frozenset()
    some = random.Random(seed).sample(commits, 14)
    for number, one in enumerate(some):
        heads = history.maximal(heads | {one})
        expected = git("merge-base", "--independent", *some[: number + 1], cwd=repository).split()
        assert heads == frozenset(expected)


def test_what_a_commit_alone_reaches_is_right_with_any_clocks(repository: Path) -> None:
    for seed in range(6):
        commits = _random_graph(repository, seed, count=80)
        history = _history(repository, commits[-1] if seed % 2 else None)
        reached: dict[Oid, set[Oid]] = {}
        for one in commits:
            reached[one] = {one}.union(*(reached[parent] for parent in history.parents(one)))
        rng = random.Random(seed)
        for _ in range(60):
            commit, *bases = rng.sample(commits, 3)
            alone = reached[commit] - reached[bases[0]] - reached[bases[1]]
            found = list(history.between(frozenset(bases), commit))
            assert set(found) == alone
            place = {one: number for number, one in enumerate(found)}
            assert all(place[one] <= place[other] for one in found for other in reached[one] & alone)


@pytest.mark.parametrize("is_followed", [False, True])
def test_what_reaches_what_is_right_with_any_clocks(repository: Path, is_followed: bool) -> None:
    commits = _random_graph(repository, 3, count=60)
    history = _history(repository, commits[-1] if is_followed else None)
    reached: dict[Oid, set[Oid]] = {}
    for one in commits:
        reached[one] = {one}.union(*(reached[parent] for parent in history.parents(one)))
    pairs = [(one, other) for one in commits for other in commits]
    random.Random(3).shuffle(pairs)
    assert all(history.reaches(one, other) == (other in reached[one]) for one, other in pairs)


class _Unwalked(pygit2.Repository):
    """A repository whose history is too long to be walked."""

    def descendant_of(self, descendant: object, ancestor: object) -> bool:
        raise AssertionError(f"walked from {descendant} for {ancestor}")


def test_what_a_fold_asks_is_told_without_a_walk_whatever_the_clock_of_an_agent_says(repository: Path) -> None:
    history = GitHistory(_Unwalked(str(repository)))
    handle = history.handle
    tree = handle.TreeBuilder().write()

    def commit(seconds: int, *parents: Oid) -> Oid:
        who = pygit2.Signature("t", "t@example.invalid", seconds, 0)
        ids = [pygit2.Oid(hex=parent) for parent in parents]
        return Oid(str(handle.create_commit(None, who, who, "c", tree, ids)))

    fold = tip = commit(1_700_000_000)
    for number in range(5):
        before, tip = tip, commit(1_600_000_000, fold)
        assert history.reaches(tip, before)
        assert not history.reaches(fold, tip)
        fold = commit(1_700_000_000 + number, fold, tip)
        assert history.reaches(fold, before)


def test_writing_a_tree_puts_and_removes_files_and_drops_empty_folders(repository: Path, git) -> None:
    history = _history(repository)
    tree = Oid(git("rev-parse", "HEAD^{tree}", cwd=repository).strip())
    blob = history.write_blob(b"new\n")
    edits = {
        b"src/app.py": None,
        b"src/util.py": None,
        b"deep/er/file": Entry(blob, 0o100755),
        b"README.md": Entry(blob, 0o100644),
        b"absent": None,
        b"absent/too": None,
    }

    written = history.write_tree(tree, edits)

    assert git("ls-tree", "-r", "--format=%(objectmode) %(path)", written, cwd=repository).splitlines() == [
        "100644 README.md",
        "100755 deep/er/file",
    ]
    assert git("ls-tree", "--name-only", written, cwd=repository).split() == ["README.md", "deep"]


def test_a_file_may_become_a_folder_and_back(repository: Path, git) -> None:
    history = _history(repository)
    tree = Oid(git("rev-parse", "HEAD^{tree}", cwd=repository).strip())
    entry = Entry(history.write_blob(b"x\n"), 0o100644)

    folder = history.write_tree(tree, {b"README.md": None, b"README.md/inside": entry})
    back = history.write_tree(folder, {b"README.md/inside": None, b"README.md": entry})

    assert history.entry(folder, b"README.md") is None
    assert history.entry(folder, b"README.md/inside") == entry
    assert history.entry(back, b"README.md") == entry


def test_names_that_are_not_text_survive(repository: Path) -> None:
    history = _history(repository)
    entry = Entry(history.write_blob(b"x\n"), 0o100644)
    name = b"caf\xe9/\xff.txt"

    tree = history.write_tree(history.write_tree(_empty(history), {name: entry}), {b"other": entry})

    assert history.entry(tree, name) == entry
    assert set(history.changes(None, tree)) == {name, b"other"}


def _empty(history: GitHistory) -> Oid:
    return Oid(str(history.handle.TreeBuilder().write()))


def test_tokens_are_read_from_the_trailers_of_what_a_commit_adds(repository: Path, git) -> None:
    base = Oid(git("rev-parse", "HEAD", cwd=repository).strip())
    for body in ("Agentroom-Claim: 7 src/app.py", "Agentroom-Claim: 9 src/app.py\nAgentroom-Claim: x y", "no trailer"):
        git("commit", "--quiet", "--allow-empty", "-m", f"work\n\n{body}", cwd=repository)
    head = Oid(git("rev-parse", "HEAD", cwd=repository).strip())

    assert _history(repository).tokens(frozenset({base}), head) == {"src/app.py": 9}
