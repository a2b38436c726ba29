"""The forecast with a grant: what others hold that the history says will change, too."""

from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination, forecast
from agentroom_git.room.coordination import Grant
from agentroom_git.room.forecast import Joined, Together
from rooms import Bed, Git


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not cut the forecast short."""
    monkeypatch.setattr(forecast, "BUDGET_SECONDS", 60.0)


@pytest.fixture
def bed(git: Git, repository: Path) -> Bed:
    for number in range(6):
        for name in ("src/app.py", "docs/app.md", *(["src/util.py"] if number == 0 else [])):
            path = repository / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"x = {number}\n")
        git("add", ".", cwd=repository)
        git("commit", "--quiet", "-m", f"round {number}", cwd=repository)
    bed = Bed(git, repository).open()
    bed.join("alice", "bob")
    return bed


def _foreseen(bed: Bed, *paths: str) -> tuple[Together, ...]:
    answer = coordination.claim(bed.as_agent("alice"), paths)
    assert isinstance(answer, Grant)
    return answer.forecast


@pytest.mark.parametrize("theirs", ["docs", "docs/app.md", "*.md"])
def test_what_another_holds_and_usually_changes_too_is_told(theirs: str, bed: Bed) -> None:
    coordination.claim(bed.as_agent("bob"), [theirs, "src/util.py"])
    assert [(one.path, one.holder, one.commits) for one in _foreseen(bed, "src/app.py")] == [("docs/app.md", "bob", 6)]


def test_a_file_that_others_share_with_the_caller_is_not_told_to_go_with_itself(bed: Bed) -> None:
    coordination.claim(bed.as_agent("bob"), ["src/app.py", "docs"], shared=True)
    answer = coordination.claim(bed.as_agent("alice"), ["src/app.py"], shared=True)
    assert isinstance(answer, Grant)
    assert [one.path for one in answer.forecast] == ["docs/app.md"]


def test_what_nobody_else_holds_or_seldom_changes_is_not_told(bed: Bed) -> None:
    coordination.claim(bed.as_agent("alice"), ["docs"])
    coordination.claim(bed.as_agent("bob"), ["src/util.py", "port:1"])
    assert _foreseen(bed, "src/app.py") == ()
    assert _foreseen(bed, "port:2") == ()


def test_what_was_folded_since_counts_and_the_history_is_read_once(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    coordination.claim(bed.as_agent("bob"), ["docs"])
    assert [one.commits for one in _foreseen(bed, "src/app.py")] == [6]
    bed.commit("alice", {"src/app.py": "x = 9\n", "docs/app.md": "x = 9\n"})
    bed.settle()
    assert [one.commits for one in _foreseen(bed, "src/app.py")] == [7]
    monkeypatch.setattr(forecast, "git", None)
    assert [one.commits for one in _foreseen(bed, "src/app.py")] == [7]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"head": "HEAD", "names": ["a"], "commits": [[5]]}'])
def test_a_damaged_cache_is_made_anew(content: str, bed: Bed) -> None:
    coordination.claim(bed.as_agent("bob"), ["docs"])
    (bed.room().private / "history.json").write_text(content.replace("HEAD", bed.room().integration()))
    assert [one.commits for one in _foreseen(bed, "src/app.py")] == [6]


def test_imports_that_join_two_claimed_files_are_told_in_both_directions(bed: Bed) -> None:
    files = {"src/app.py": "from util import x\n", "web/a.ts": "import './b'\n", "web/b.ts": "", "b.ts": ""}
    go = {"go.mod": "module m\n", "main.go": 'package main\n\nimport "m/store"\n', "store/db.go": "package store\n"}
    bed.commit("bob", files | go)
    bed.settle()
    coordination.claim(bed.as_agent("bob"), ["src/util.py", "web/a.ts", "b.ts", "store/db.go", "*.bin"])
    answer = coordination.claim(bed.as_agent("alice"), ["src/app.py", "web/b.ts", "main.go"])
    assert isinstance(answer, Grant)
    assert set(answer.imports) == {
        Joined("src/app.py", "src/util.py", AgentName("bob")),
        Joined("web/a.ts", "web/b.ts", AgentName("bob")),
        Joined("main.go", "store", AgentName("bob")),
    }
