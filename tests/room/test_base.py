"""What the user and their colleagues do on the user's branch reaches the room."""

from pathlib import Path

from agentroom_git.room import messages
from agentroom_git.room.doctor import examine
from agentroom_git.room.verifying import verify
from rooms import Bed, edited, numbered


def by_hand(bed: Bed, files: dict[str, str | None], *options: str, message: str = "by hand") -> str:
    for name, text in files.items():
        if text is None:
            (bed.repository / name).unlink()
        else:
            (bed.repository / name).write_text(text)
        bed.git("add", "--all", name, cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", message, *options, cwd=bed.repository)
    return bed.git("rev-parse", "HEAD", cwd=bed.repository).strip()


def told(bed: Bed, name: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text.partition(":")[0]) for one in messages.read(bed.as_agent(name)).messages]


def test_a_pull_with_a_merge_reaches_every_worktree(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice", "bob")
    by_hand(bed, {"n.txt": numbered()})
    bed.settle()
    clone = tmp_path / "colleague"
    bed.git("clone", "--quiet", bed.repository, clone, cwd=tmp_path)
    bed.git("switch", "--quiet", "main", cwd=clone)
    (clone / "n.txt").write_text(edited(numbered(), 3, "colleague"))
    bed.git("commit", "--quiet", "--all", "-m", "From outside", cwd=clone)
    by_hand(bed, {"n.txt": edited(numbered(), 17, "human")})
    bed.commit("alice", {"n.txt": edited(numbered(), 10, "alice")})
    bed.git("pull", "--quiet", "--no-rebase", "--no-edit", clone, "main", cwd=bed.repository)

    bed.settle()

    wanted = edited(edited(edited(numbered(), 3, "colleague"), 17, "human"), 10, "alice")
    assert bed.integrated("n.txt") == wanted
    assert (bed.path("bob") / "n.txt").read_text() == wanted


def test_an_amended_commit_replaces_the_former_and_everybody_is_told_once(bed: Bed) -> None:
    bed.join("alice", "bob")
    old = by_hand(bed, {"n.txt": numbered(), "typo.txt": "tpyo\n"})
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    new = by_hand(bed, {"typo.txt": None, "n.txt": edited(numbered(), 5, "amended")}, "--amend")

    bed.settle()
    bed.settle()

    assert (bed.integrated("typo.txt"), bed.integrated("a.txt")) == (None, "alice\n")
    assert bed.integrated("n.txt") == edited(numbered(), 5, "amended")
    assert not (bed.path("bob") / "typo.txt").exists()
    wanted = [("rewrote", f"the user rewrote main from {old[:10]} to {new[:10]}")]
    assert (told(bed, "alice"), told(bed, "bob")) == (wanted, wanted)
    assert all(verdict.is_sound for verdict in verify(bed.room()))


def test_a_branch_moved_by_force_to_another_history_drops_what_was_the_users_alone(bed: Bed) -> None:
    bed.join("alice")
    by_hand(bed, {"mine.txt": "mine\n"})
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    bed.git("switch", "--quiet", "--create", "other", "HEAD~1", cwd=bed.repository)
    by_hand(bed, {"other.txt": "other\n"})
    bed.git("branch", "--quiet", "--force", "main", "other", cwd=bed.repository)

    bed.settle()

    assert [bed.integrated(name) for name in ("mine.txt", "other.txt", "a.txt")] == [None, "other\n", "alice\n"]


def test_a_branch_put_back_takes_nothing_away_and_everybody_is_told(bed: Bed) -> None:
    bed.join("alice")
    old = by_hand(bed, {"mine.txt": "mine\n"})
    bed.settle()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.repository)
    new = bed.git("rev-parse", "HEAD", cwd=bed.repository).strip()

    bed.settle()

    assert (bed.path("alice") / "mine.txt").read_text() == "mine\n"
    assert told(bed, "alice") == [("held", f"the user put main back from {old[:10]} to {new[:10]}")]


def test_a_branch_that_was_renamed_is_named_and_followed_when_the_user_says_so(bed: Bed) -> None:
    bed.join("alice")
    bed.git("branch", "--quiet", "--move", "main", "trunk", cwd=bed.repository)
    by_hand(bed, {"mine.txt": "mine\n"})
    bed.settle()
    assert bed.integrated("mine.txt") is None
    (found,) = [one for one in examine(bed.room(), fix=False) if "not there any more" in one.text]
    assert found.remedy == "say which branch is yours, in .agentroom.yaml: `base: NAME`"

    (bed.repository / ".agentroom.yaml").write_text("base: trunk\n")
    bed.settle()

    assert bed.integrated("mine.txt") == "mine\n"
