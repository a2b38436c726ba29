"""Landing and undoing on the command line: what a person reads, and the exit codes."""

import json
import subprocess
import sys
from pathlib import Path

from rooms import Bed, edited, numbered


def run(bed: Bed, *arguments: str, cwd: Path | None = None) -> tuple[int, list[str], list[str]]:
    command = [sys.executable, "-m", "agentroom_git", *arguments]
    done = subprocess.run(command, cwd=cwd or bed.repository, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_a_dry_run_a_refusal_a_landing_and_nothing_to_land(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    fold = bed.commit("alice", {"a.txt": "alice\n"}, "Add a") and bed.fold().integration
    (bed.repository / "a.txt").write_text("mine\n")
    assert run(bed, "land") == (
        3,
        [
            "Add a: alice, 1 commit, 1 file",
            "not landed: 1 untracked files of yours are in the way: a.txt",
            "  hint: move them away, or commit them",
        ],
        [],
    )
    assert run(bed, "land", "--autostash") == run(bed, "land")
    (bed.repository / "a.txt").unlink()
    code, out, _ = run(bed, "land", "--dry-run", "--json")
    assert (code, json.loads(out and "\n".join(out))["commits"]) == (0, [])
    code, out, _ = run(bed, "land")
    assert (code, out[-1]) == (0, f"landed {fold[:10]} on main")
    assert run(bed, "land")[:2] == (0, ["nothing to land: main has it all"])


def test_edits_that_git_put_aside_and_could_not_put_back_are_told_of(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"src/app.py": "alice\n"})
    bed.fold()
    (bed.repository / "README.md").write_text("mine\n")
    (bed.repository / "src/app.py").write_text("mine\n")

    code, out, _ = run(bed, "land", "--autostash")

    assert (code, out[-1]) == (3, "  hint: settle what git status names, then: git stash drop")
    assert "<<<<<<<" in (bed.repository / "src/app.py").read_text()
    assert "mine" in bed.git("stash", "show", "-p", cwd=bed.repository)
    bed.git("checkout", "--force", "HEAD", cwd=bed.repository)
    bed.git("stash", "drop", cwd=bed.repository)
    bed.settle()
    bed.commit("alice", {"src/app.py": "alice again\n"})
    bed.fold()
    (bed.repository / "README.md").write_text("mine\n")
    assert run(bed, "land", "--autostash")[0] == 0
    assert (bed.repository / "README.md").read_text() == "mine\n"


def test_a_branch_for_review_prints_or_writes_its_description(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"}, "Add a @everyone `x`")
    code, out, _ = run(bed, "land", "--branch", "review", "--body", str(tmp_path / "body.md"))
    assert code == 0
    text = (tmp_path / "body.md").read_text()
    assert "### alice: 1 commits, 1 files" in text
    assert "- `Add a @everyone 'x'`" in text
    assert run(bed, "land", "--branch", "a..b")[0] == 2
    assert run(bed, "land", "--body", str(tmp_path / "body.md"))[0] == 2


def test_undo_says_what_builds_on_it_and_offers_both(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bad = bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")}, "Break it")
    bed.settle()
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "bob")}, "Upon it")
    upon = bed.fold().integration
    assert run(bed, "undo", bad) == (
        3,
        [
            f"{upon[:10]} by bob builds on it: Upon it",
            "not undone: later folds changed the same lines of n.txt",
            "  hint: undo them, too: --later; or fold it as a contest: --contested",
        ],
        [],
    )
    assert run(bed, "undo")[0] == run(bed, "undo", bad, "--agent", "bob")[0] == 2
    assert run(bed, "undo", "nothing")[2][0] == "agentroom: 'nothing' names no commit"
    assert run(bed, "undo", bad, "--later")[0] == 0
