"""`agentroom replay-merges`: the engine over the merges of a repository's own past."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentroom_git.cli.app import register
from agentroom_git.core.shapes import ARGUMENTS, CHANGELOG, IMPORTS, MEMBERS, OTHER, shape_of
from agentroom_git.errors import UsageError
from agentroom_git.room import replay as replaying
from agentroom_git.room.replay import Outcome, replay
from agentroom_git.room.replay_report import Share, Tally

ROOT = Path(__file__).parents[1]


def _merge(git, repository: Path, name: str, ours: str, theirs: str, resolved: str) -> None:
    """Let two branches change src/app.py, and commit their merge with the developer's own text."""
    app = repository / "src" / "app.py"
    git("switch", "-qc", name, cwd=repository)
    app.write_text(theirs)
    git("commit", "-qam", f"theirs {name}", cwd=repository)
    git("switch", "-q", "main", cwd=repository)
    app.write_text(ours)
    git("commit", "-qam", f"ours {name}", cwd=repository)
    git("merge", "-q", "--no-commit", name, cwd=repository, check=False)
    app.write_text(resolved)
    git("commit", "-qam", f"merge {name}", cwd=repository)


@pytest.fixture
def merged(repository: Path, git) -> Path:
    """A repository with one clean merge, and one that its developer decided for the second parent."""
    text = (repository / "src" / "app.py").read_text()
    ours, theirs = text.replace("+ 0", "+ 10"), text.replace("+ 4", "+ 14")
    _merge(git, repository, "clean", ours, theirs, text.replace("+ 0", "+ 10").replace("+ 4", "+ 14"))
    text = (repository / "src" / "app.py").read_text()
    ours, theirs = text.replace("amount + 2", "x"), text.replace("amount + 2", "y")
    _merge(git, repository, "conflict", ours, theirs, theirs)
    return repository


def test_each_file_is_compared_with_git_and_with_the_developer(merged: Path) -> None:
    tally = Tally()
    for outcome in replay(merged):
        tally.add(outcome)
    report = tally.report()

    assert (report.merges, report.skipped, report.files) == (2, 0, 2)
    assert (report.agree, report.different) == (Share(1, 1), ())
    assert (report.equal, report.equal_second) == (Share(0, 1), Share(1, 1))
    assert (report.contested, report.parse, report.compile) == (Share(1, 2), Share(1, 1), Share(1, 1))


def test_records_that_were_kept_are_not_computed_again(merged: Path, tmp_path: Path, monkeypatch) -> None:
    kept = tmp_path / "kept"
    first = list(replay(merged, resume=kept))
    # As after a crash while the last line was written.
    kept.write_bytes(kept.read_bytes()[:-20])
    seen = []
    monkeypatch.setattr("agentroom_git.room.replay.merge_bases", lambda repo, merge: seen.append(merge.id) or [])

    again = list(replay(merged, resume=kept))

    assert seen == [first[1].merge]
    assert again[0] == first[0]
    assert len(list(replay(merged, resume=kept))) == 2
    assert len(seen) == 1


def test_only_merges_since_a_moment_are_looked_at(merged: Path) -> None:
    assert list(replay(merged, since=datetime(2100, 1, 1, tzinfo=UTC))) == []
    assert len(list(replay(merged, since=datetime(1960, 1, 1, tzinfo=UTC)))) == 2


def test_merges_that_only_another_ref_reaches_are_looked_at_when_asked(merged: Path, git) -> None:
    git("switch", "-qc", "aside", "main", cwd=merged)
    text = (merged / "src" / "app.py").read_text()
    git("branch", "-m", "main", "kept", cwd=merged)
    git("branch", "main", "aside~2", cwd=merged)
    git("switch", "-q", "main", cwd=merged)
    assert text != (merged / "src" / "app.py").read_text()

    assert len(list(replay(merged))) == 1
    assert len(list(replay(merged, every_ref=True))) == 2


def test_a_head_without_a_commit_is_said(merged: Path, git) -> None:
    git("symbolic-ref", "HEAD", "refs/heads/gone", cwd=merged)
    with pytest.raises(UsageError, match="no commit at HEAD"):
        list(replay(merged))
    assert len(list(replay(merged, every_ref=True))) == 2


def test_a_shallow_clone_is_refused_with_the_remedy(merged: Path, tmp_path: Path, git) -> None:
    git("clone", "-q", "--depth", "2", f"file://{merged}", str(tmp_path / "shallow"), cwd=tmp_path)
    with pytest.raises(UsageError, match="this clone is shallow") as refused:
        list(replay(tmp_path / "shallow"))
    assert refused.value.hint == "git fetch --unshallow"


def test_several_processes_give_what_one_gives(merged: Path) -> None:
    def told(jobs: int) -> list[tuple[str, list[tuple[str, bool | None]]]]:
        return [(one.merge, [(r.path, r.equal) for r in one.records]) for one in replay(merged, jobs=jobs)]

    assert told(2) == told(1)


def test_a_file_that_is_no_record_is_refused(merged: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("hello\n")
    with pytest.raises(UsageError):
        list(replay(merged, resume=tmp_path / "other"))


def test_the_command_prints_one_json_record_a_file(merged: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agentroom_git", "replay-merges", str(merged), "--json", "--jobs", "1"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [(one["path"], one["is_clean"], one["agrees"]) for one in records] == [
        ("src/app.py", False, None),
        ("src/app.py", True, True),
    ]


@pytest.mark.parametrize(
    ("path", "before", "texts", "expected"),
    [
        ("a.py", "", "import os\nfrom x import y\n", IMPORTS),
        ("a.c", "", '#include <a.h>\n#include "b.h"\n', IMPORTS),
        ("a.py", "def f(\n", "    a,\n    b: int = 0,\n", ARGUMENTS),
        ("a.ts", "call(x)\nexport enum E {\n", "  One,\n  Two,\n", MEMBERS),
        ("docs/CHANGES.rst", "", "- anything\n", CHANGELOG),
        ("a.py", "def f():\n", "    return 1\n", OTHER),
    ],
)
def test_the_kind_of_a_region_is_told_by_its_lines_and_bracket(path: str, before: str, texts: str, expected: str):
    assert shape_of(path, before.encode().splitlines(keepends=True), [texts.encode()]) == expected


@pytest.mark.parametrize("resume", [True, False])
def test_who_interrupts_is_told_how_to_go_on(
    resume: bool, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Outcome]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(replaying, "replay", interrupted)
    file = tmp_path / "kept"
    options = ["--resume", str(file)] if resume else []

    done = CliRunner().invoke(register("replay-merges"), ["replay-merges", str(repository), *options])

    assert done.exit_code == 130
    told = f"what was done is in {file}: the same command goes on" if resume else "--resume FILE would keep it"
    assert done.stderr.splitlines()[0] == f"interrupted after 0 merges; {told}"
