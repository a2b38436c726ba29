"""A worktree that cannot be brought forward waits, says why, and is left exactly as it was."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentroom_git.git.checkout import Waits
from agentroom_git.system import exchange
from agentroom_git.system.pids import own_name
from worktree_pair import BASE, Link, Pair, Program, files_of, write

FILES: dict[str, object] = BASE | {".gitignore": b"*.log\n", "link": Link("README.md"), "run": Program(b"1\n")}
CHANGE: dict[str, object] = {
    "src/app.py": b"app = 2\n",
    "src/new.py": b"new\n",
    "src/new.log": b"tracked all the same\n",
    "docs": b"a file now\n",
    "link": Link("src/app.py"),
    "run": Program(b"2\n"),
    "src/util.py": None,
    "README.md/x": b"x\n",
}


@dataclass(frozen=True)
class Case:
    hinder: Callable[[Pair], None]
    reason: str
    paths: tuple[bytes, ...] = ()


def edit(path: str, content: object) -> Callable[[Pair], None]:
    return lambda pair: write(pair.agent / path, content)


def run(*args: str) -> Callable[[Pair], None]:
    def act(pair: Pair) -> None:
        pair.git(*args, cwd=pair.agent)

    return act


def both(*acts: Callable[[Pair], None]) -> Callable[[Pair], None]:
    def act(pair: Pair) -> None:
        for one in acts:
            one(pair)

    return act


def stage(path: str, content: object) -> Callable[[Pair], None]:
    def act(pair: Pair) -> None:
        write(pair.agent / path, content)
        pair.git("add", "--all", "--force", "--", path, cwd=pair.agent)

    return act


def mark(name: str, text: str = "x\n") -> Callable[[Pair], None]:
    return lambda pair: write(pair.git_dir / name, text.encode())


def conflict(pair: Pair) -> None:
    write(pair.agent / "docs/a.txt", b"stashed\n")
    pair.git("stash", cwd=pair.agent)
    pair.git("update-index", "--cacheinfo", f"100644,{_blob(pair, b'other')},docs/a.txt", cwd=pair.agent)
    subprocess.run(["git", "checkout", "--", "docs/a.txt"], cwd=pair.agent, check=True, capture_output=True)
    lines = "".join(
        f"100644 {_blob(pair, text)} {number}\tsrc/util.py\n" for number, text in ((1, b"1"), (2, b"2"), (3, b"3"))
    )
    pair.git("rm", "--cached", "--quiet", "src/util.py", cwd=pair.agent)
    subprocess.run(["git", "update-index", "--index-info"], cwd=pair.agent, input=lines.encode(), check=True)


def _blob(pair: Pair, data: bytes) -> str:
    done = subprocess.run(["git", "hash-object", "-w", "--stdin"], cwd=pair.main, input=data, capture_output=True)
    return done.stdout.decode().strip()


def operation(name: str, *, is_directory: bool = False) -> Callable[[Pair], None]:
    return lambda pair: (pair.git_dir / name).mkdir() if is_directory else write(pair.git_dir / name, b"x\n")


CASES = {
    "edited": Case(edit("src/app.py", b"mine\n"), "dirty", (b"src/app.py",)),
    "edited to nothing": Case(edit("src/app.py", b""), "dirty", (b"src/app.py",)),
    "deleted": Case(edit("src/app.py", None), "dirty", (b"src/app.py",)),
    "edited and to be deleted": Case(edit("src/util.py", b"mine\n"), "dirty", (b"src/util.py",)),
    "file made a link": Case(edit("src/app.py", Link("util.py")), "dirty", (b"src/app.py",)),
    "link changed": Case(edit("link", Link("elsewhere")), "dirty", (b"link",)),
    "link made a file": Case(edit("link", b"README.md"), "dirty", (b"link",)),
    "file made a directory": Case(edit("src/app.py/x", b"x\n"), "dirty", (b"src/app.py",)),
    "file made a pipe": Case(lambda pair: _make_pipe(pair.agent / "src/app.py"), "dirty", (b"src/app.py",)),
    "edited where a directory goes": Case(edit("README.md", b"mine\n"), "dirty", (b"README.md",)),
    "untracked file in the way": Case(edit("src/new.py", b"mine\n"), "untracked", (b"src/new.py",)),
    "ignored file in the way": Case(edit("src/new.log", b"mine\n"), "untracked", (b"src/new.log",)),
    "untracked link in the way": Case(edit("src/new.py", Link("app.py")), "untracked", (b"src/new.py",)),
    "directory in the way": Case(edit("src/new.py/x", b"x\n"), "untracked", (b"src/new.py",)),
    "untracked in a directory that becomes a file": Case(edit("docs/mine", b"x\n"), "untracked", (b"docs",)),
    "staged": Case(stage("src/app.py", b"mine\n"), "staged", (b"src/app.py",)),
    "staged and taken back in the file": Case(
        both(stage("src/app.py", b"mine\n"), edit("src/app.py", b"app = 1\n")),
        "staged",
        (b"src/app.py",),
    ),
    "addition staged": Case(stage("src/new.py", b"mine\n"), "staged", (b"src/new.py",)),
    "intent to add": Case(
        both(edit("src/new.py", b"mine\n"), run("add", "--intent-to-add", "src/new.py")),
        "staged",
        (b"src/new.py",),
    ),
    "deletion staged": Case(run("rm", "--quiet", "src/app.py"), "staged", (b"src/app.py",)),
    "unmerged": Case(conflict, "staged", (b"src/util.py",)),
    "merge": Case(operation("MERGE_HEAD"), "operation"),
    "cherry-pick": Case(operation("CHERRY_PICK_HEAD"), "operation"),
    "revert": Case(operation("REVERT_HEAD"), "operation"),
    "bisect": Case(operation("BISECT_LOG"), "operation"),
    "rebase": Case(operation("rebase-merge", is_directory=True), "operation"),
    "am": Case(operation("rebase-apply", is_directory=True), "operation"),
    "sequence": Case(operation("sequencer", is_directory=True), "operation"),
    "commit under way": Case(mark("agentroom-commit", f"{own_name()}\n"), "operation"),
    "index locked": Case(mark("index.lock", ""), "locked"),
    "HEAD locked": Case(mark("HEAD.lock", ""), "locked"),
    "locked by a live process of ours": Case(mark("index.lock", f"agentroom {os.getpid()}\n"), "locked"),
    "branch locked": Case(lambda pair: write(pair.main / ".git/refs/heads/agent.lock", b""), "locked"),
    "detached": Case(run("checkout", "--quiet", "--detach"), "branch"),
    "switched": Case(run("checkout", "--quiet", "-b", "other"), "branch"),
    "split index": Case(run("update-index", "--split-index"), "index"),
    "empty index": Case(mark("index", ""), "index"),
}


def _make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path)
    pair.commit(FILES)
    pair.add_worktree()
    return pair


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_hindered_worktree_waits_and_nothing_is_changed(pair: Pair, case: Case) -> None:
    new = pair.commit(CHANGE)
    case.hinder(pair)
    before = pair.snapshot()

    outcome = pair.advance(new)

    assert isinstance(outcome, Waits)
    assert (outcome.reason, outcome.paths) == (case.reason, case.paths)
    assert pair.snapshot() == before
    assert not list(pair.stage.glob("*/journal"))


def test_a_branch_that_has_moved_makes_the_worktree_wait(pair: Pair) -> None:
    old = pair.tip()
    new = pair.commit(CHANGE)
    pair.git("commit", "--quiet", "--allow-empty", "--message", "mine", cwd=pair.agent)
    before = pair.snapshot()

    assert pair.advance(new, old=old) == Waits("moved")
    assert pair.snapshot() == before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", ["{pid}", "{pid} 1@{boot}"], ids=["bare", "started earlier"])
def test_a_commit_mark_whose_pid_another_process_has_now_is_no_hindrance(pair: Pair, name: str) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    write(pair.git_dir / "agentroom-commit", name.format(pid=os.getpid(), boot=boot).encode())

    assert not isinstance(pair.advance(pair.commit(CHANGE)), Waits)


def test_a_commit_mark_of_a_process_that_has_ended_is_no_hindrance(pair: Pair) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    write(pair.git_dir / "agentroom-commit", f"{child.pid}\n".encode())

    assert not isinstance(pair.advance(pair.commit(CHANGE)), Waits)


@pytest.mark.parametrize("attribute", ["filter=lfs", "working-tree-encoding=UTF-16"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_path_that_needs_git_to_convert_it_waits(pair: Pair, attribute: str, when: str) -> None:
    attributes = {".gitattributes": f"*.bin {attribute}\n".encode()}
    if when == "before":
        pair.advance(pair.commit(attributes))
    new = pair.commit((attributes if when == "after" else {}) | {"docs/a.txt": b"2\n"})
    blob = _blob(pair, b"raw\n")
    tree = pair.git("rev-parse", f"{new}^{{tree}}").strip()
    pair.git("read-tree", tree)
    pair.git("update-index", "--add", "--cacheinfo", f"100644,{blob},src/x.bin")
    tree = pair.git("write-tree").strip()
    new = pair.git("commit-tree", "-p", pair.tip(), "-m", "filtered", tree).strip()
    before = pair.snapshot()

    outcome = pair.advance(new)

    assert outcome == Waits("filter", (b"src/x.bin",))
    assert pair.snapshot() == before


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", ".g\u200cit", ".git "])
def test_a_tree_with_an_unsafe_path_is_refused_and_writes_nothing(pair: Pair, name: str) -> None:
    blob = _blob(pair, b"[core]\n\tfsmonitor = touch pwned\n")
    inner = _tree(pair, f"100644 blob {blob}\tconfig\0")
    new = pair.git("commit-tree", "-m", "hostile", _tree(pair, f"040000 tree {inner}\t{name}\0")).strip()
    old = pair.git("commit-tree", "-m", "empty", _tree(pair, "")).strip()
    pair.git("update-ref", "refs/heads/agent", old)
    before = pair.snapshot()

    outcome = pair.advance(new)

    assert outcome == Waits("unsafe", (name.encode() + b"/config",))
    assert pair.snapshot() == before


def _tree(pair: Pair, lines: str) -> str:
    done = subprocess.run(["git", "mktree", "-z"], cwd=pair.main, input=lines.encode(), capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("change", [{"docs/a.txt": b"2\n"}, {"docs/new.txt": b"x\n"}, {"docs/a.txt": None}])
def test_nothing_is_written_or_removed_through_a_directory_that_became_a_link(
    pair: Pair, tmp_path: Path, change: dict[str, object]
) -> None:
    new = pair.commit(change)
    outside = tmp_path / "outside"
    shutil.move(pair.agent / "docs", outside)
    (pair.agent / "docs").symlink_to(outside)
    before = files_of(outside)

    pair.advance(new)

    assert files_of(outside) == before
    assert (pair.agent / "docs").is_symlink()


def test_a_submodule_with_files_in_it_is_not_replaced_by_a_file(pair: Pair) -> None:
    head = pair.git("rev-parse", "HEAD").strip()
    pair.git("update-index", "--add", "--cacheinfo", f"160000,{head},vendor/lib")
    pair.git("commit", "--quiet", "--message", "add")
    pair.advance(pair.git("rev-parse", "HEAD").strip())
    write(pair.agent / "vendor/lib/mine.py", b"mine\n")
    pair.git("rm", "--cached", "--quiet", "vendor/lib")
    new = pair.commit({"vendor/lib": b"a file\n"})
    before = pair.snapshot()

    assert pair.advance(new) == Waits("submodule", (b"vendor/lib",))
    assert pair.snapshot() == before


def test_a_worktree_where_files_cannot_be_exchanged_waits(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    new = pair.commit(CHANGE)
    monkeypatch.setattr(exchange, "_rename_call", None)
    before = pair.snapshot()

    outcome = pair.advance(new)

    assert isinstance(outcome, Waits)
    assert outcome.reason == "exchange"
    assert pair.snapshot() == before


def test_a_stage_on_another_file_system_makes_the_worktree_wait(pair: Pair) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == pair.agent.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    new = pair.commit(CHANGE)
    before = pair.snapshot()
    pair.stage = other / f"agentroom-test-{os.getpid()}"
    try:
        outcome = pair.advance(new)
    finally:
        shutil.rmtree(pair.stage, ignore_errors=True)

    assert isinstance(outcome, Waits)
    assert outcome.reason == "exchange"
    assert pair.snapshot() == before


@pytest.mark.parametrize("path", ["src/app.py", "src/util.py", "z"])
@pytest.mark.parametrize("moment", ["begin", "remove 0", "remove 1", "swap 2", "swap 3", "add 4", "write index"])
def test_a_save_in_the_middle_of_a_sync_is_kept_and_everything_else_goes_back(
    pair: Pair, moment: str, path: str
) -> None:
    new = pair.commit(
        {"src/util.py": None, "docs/b.txt": None, "src/app.py": b"2\n", "run": Program(b"2\n"), "z": b"z\n"}
    )
    before = files_of(pair.agent)

    def save(step: str) -> None:
        if step == moment:
            write(pair.agent / path, b"mine\n")

    outcome = pair.advance(new, failpoint=save)

    after = files_of(pair.agent)
    mine = path.encode()
    assert after[mine][1] == b"mine\n"
    if isinstance(outcome, Waits):
        assert (outcome.reason, outcome.paths) == ("untracked" if path == "z" else "dirty", (mine,))
        assert after | {mine: None} == before | {mine: None}
        assert pair.tip() != new
    else:
        assert pair.tip() == new
        assert pair.status() == ("?? src/util.py\n" if path == "src/util.py" else f" M {path}\n")


def test_a_branch_that_moves_just_before_it_is_locked_is_left_where_it_went(pair: Pair) -> None:
    old = pair.tip()
    new = pair.commit(CHANGE)
    before = files_of(pair.agent)
    elsewhere = pair.git("commit-tree", "-p", old, "-m", "elsewhere", f"{old}^{{tree}}").strip()

    def move(step: str) -> None:
        if step == "lock branch":
            pair.git("update-ref", "refs/heads/agent", elsewhere)

    assert pair.advance(new, failpoint=move) == Waits("moved")
    assert pair.tip() == elsewhere
    assert files_of(pair.agent) == before


def test_an_index_that_git_writes_just_before_it_is_locked_is_kept(pair: Pair) -> None:
    new = pair.commit(CHANGE)
    write(pair.agent / "kept.txt", b"mine\n")

    def add(step: str) -> None:
        if step == "write journal":
            pair.git("add", "kept.txt", cwd=pair.agent)

    outcome = pair.advance(new, failpoint=add)

    assert isinstance(outcome, Waits)
    assert outcome.reason == "locked"
    assert pair.status() == "A  kept.txt\n"
