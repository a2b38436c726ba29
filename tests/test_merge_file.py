"""`agentroom merge-file`: the fold's merge of three files, outside any repository and as git's merge driver."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.room.merging import mark_conflicts, merge_files

ROOT = Path(__file__).parents[1]
BASE = "".join(f"line {number}\n" for number in range(1, 12))


def _run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "agentroom_git", "merge-file", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=False
    )


def _write(folder: Path, base: str | bytes, ours: str | bytes, theirs: str | bytes) -> Path:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def _edit(number: int, text: str) -> str:
    return BASE.replace(f"line {number}\n", f"{text}\n")


def test_a_clean_merge_is_printed_with_exit_code_0_and_nothing_else(tmp_path: Path) -> None:
    folder = _write(tmp_path, BASE, _edit(2, "two"), _edit(9, "nine"))

    done = _run(folder, "base", "ours", "theirs")

    expected = _edit(2, "two").replace("line 9\n", "nine\n").encode()
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")


def test_a_contested_region_takes_ours_exits_3_and_is_told(tmp_path: Path) -> None:
    folder = _write(tmp_path, BASE, _edit(5, "mine"), _edit(5, "yours"))

    done = _run(folder, "base", "ours", "theirs")

    assert (done.returncode, done.stdout) == (3, _edit(5, "mine").encode())
    assert done.stderr == b"ours:5-5: contested (side), not in the result: theirs\n"


@pytest.mark.parametrize("options", [("--claim", "theirs"), ("--prefer", "theirs")])
def test_a_claim_or_a_preference_decides_who_stands(tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = _write(tmp_path, BASE, _edit(5, "mine"), _edit(5, "yours"))

    assert _run(folder, "base", "ours", "theirs", *options).stdout == _edit(5, "yours").encode()


def test_json_names_each_region_with_its_candidates(tmp_path: Path) -> None:
    folder = _write(tmp_path, BASE, _edit(5, "mine"), _edit(5, "yours"))

    done = _run(folder, "base", "ours", "theirs", "--json")

    record = json.loads(done.stdout)
    (region,) = record["regions"]
    assert (record["contested"], record["text"]) == (True, _edit(5, "mine"))
    assert (region["start"], region["lines"], region["step"], region["winner"]) == (5, 1, "side", "ours")
    assert [(one["step"], one["text"]) for one in region["candidates"]] == [
        ("sequence", "mine\nyours\n"),
        ("sequence", "yours\nmine\n"),
        ("side", "yours\n"),
        ("base", "line 5\n"),
    ]


def test_the_path_tells_the_language_that_the_result_has_to_parse_in(tmp_path: Path) -> None:
    folder = _write(tmp_path, "x = [\n1,\n]\n", "x = [\n1,\ny]\n", "x = [\n1,\n2\n]\n")

    assert _run(folder, "base", "ours", "theirs", "--path", "a.txt2").stdout == b"x = [\n1,\n2\ny]\n"
    assert _run(folder, "base", "ours", "theirs", "--path", "a.py").stdout == b"x = [\n1,\ny]\n"


def test_a_missing_file_is_refused_with_exit_code_2(tmp_path: Path) -> None:
    done = _run(_write(tmp_path, BASE, BASE, BASE), "base", "ours", "nowhere")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


@pytest.mark.parametrize("options", [("--claim", "me"), ("--prefer", "x"), ("--output", "nowhere/x")])
def test_options_that_make_no_sense_are_refused_with_exit_code_2(tmp_path: Path, options: tuple[str, str]) -> None:
    done = _run(_write(tmp_path, BASE, BASE, _edit(5, "x")), "base", "ours", "theirs", *options)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


def test_the_result_may_go_to_a_file(tmp_path: Path) -> None:
    folder = _write(tmp_path, BASE, _edit(5, "mine"), BASE)

    done = _run(folder, "base", "ours", "theirs", "--output", "merged")

    assert (done.returncode, done.stdout, (folder / "merged").read_text()) == (0, b"", _edit(5, "mine"))


def test_git_uses_it_as_a_merge_driver(repository: Path, git) -> None:
    driver = f"PYTHONPATH={ROOT} {sys.executable} -m agentroom_git merge-file --driver -L %L -P %P %O %A %B"
    git("config", "merge.agentroom.driver", driver, cwd=repository)
    (repository / ".gitattributes").write_text("*.py merge=agentroom\n")
    git("add", ".", cwd=repository)
    git("commit", "-qm", "attributes", cwd=repository)
    app, text = repository / "src" / "app.py", (repository / "src" / "app.py").read_text()
    git("switch", "-qc", "other", cwd=repository)
    app.write_text(text.replace("amount + 1", "amount + 11").replace("amount + 3", "amount + 33"))
    git("commit", "-qam", "other", cwd=repository)
    git("switch", "-q", "main", cwd=repository)
    app.write_text(text.replace("amount + 1\n    return total", "amount + 1\n    return -total"))
    git("commit", "-qam", "main", cwd=repository)

    # Edits of neighbouring lines: git's own merge of them stops.
    git("merge", "-q", "--no-edit", "other", cwd=repository)

    assert "amount + 11\n    return -total" in app.read_text()
    assert git("status", "--porcelain", cwd=repository) == ""


def test_git_stops_where_the_driver_found_something_contested(repository: Path, git) -> None:
    driver = f"PYTHONPATH={ROOT} {sys.executable} -m agentroom_git merge-file --driver -L %L -P %P %O %A %B"
    git("config", "merge.agentroom.driver", driver, cwd=repository)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.py merge=agentroom\n")
    app, text = repository / "src" / "app.py", (repository / "src" / "app.py").read_text()
    for branch, word in (("other", "theirs"), ("main", "ours")):
        git("switch", "-q", *(["-c"] if branch == "other" else []), branch, cwd=repository)
        app.write_text(text.replace("amount + 1\n", f"{word}\n"))
        git("commit", "-qam", branch, cwd=repository)

    git("merge", "-q", "--no-edit", "other", cwd=repository, check=False)

    assert git("status", "--porcelain", cwd=repository) == "UU src/app.py\n"
    marked = "<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\n"
    line = next(line for line in text.splitlines(keepends=True) if "amount + 1\n" in line)
    ours, theirs = (line.replace("amount + 1\n", f"{word}\n") for word in ("ours", "theirs"))
    assert app.read_text() == text.replace(line, marked.format(ours, theirs))
    assert "leftover conflict marker" in git("diff", "--check", cwd=repository, check=False)

    git("merge", "--abort", cwd=repository)
    git("-c", "merge.conflictStyle=zdiff3", "merge", "-q", "--no-edit", "other", cwd=repository, check=False)

    marked = "<<<<<<< ours\n{}||||||| base\n{}=======\n{}>>>>>>> theirs\n"
    assert app.read_text() == text.replace(line, marked.format(ours, line, theirs))


def test_only_what_is_contested_is_marked_whatever_the_line_ends() -> None:
    base, ours, theirs = ("".join(f"{one}\r\n" for one in text) for text in ("abcdefgh", "aBcdefgX", "aBcdeFgY"))
    merged = merge_files(base.encode(), ours.encode(), theirs.encode())

    marked = "<<< ours\nX\n===\nY\n>>> theirs\n".replace("\n", "\r\n")
    assert mark_conflicts(merged, 3).decode() == "".join(f"{one}\r\n" for one in "aBcdeFg") + marked
    diff3 = "<<< ours\nX\n||| base\nh\n===\nY\n>>> theirs\n".replace("\n", "\r\n")
    assert mark_conflicts(merged, 3, base.encode()).decode() == "".join(f"{one}\r\n" for one in "aBcdeFg") + diff3
    agreed = merge_files(base.encode(), ours.encode(), base.encode())
    assert mark_conflicts(agreed, 3) == ours.encode()


def test_files_that_are_not_text_take_one_side_whole() -> None:
    merged = merge_files(b"\0base", b"\0ours", b"\0theirs")
    assert (merged.kind, merged.text, merged.winner, merged.is_contested) == ("binary", b"\0ours", "ours", True)


def test_a_pointer_of_git_lfs_is_never_merged_as_text() -> None:
    base, ours, theirs = (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize %b\n" % pair
        for pair in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
    )
    merged = merge_files(base, ours, theirs, path="model.bin")
    assert (merged.kind, merged.text) == ("pointer", ours)


def _agentroom(cwd: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "agentroom_git", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def test_init_sets_the_merge_driver_up_and_uninstall_takes_it_back(repository: Path, git, monkeypatch) -> None:
    config = repository / ".git" / "config"
    before = config.read_bytes()
    _agentroom(repository, "init", "--merge-driver")
    app, text = repository / "src" / "app.py", (repository / "src" / "app.py").read_text()
    for branch, old, new in (
        ("other", "amount + 1", "amount + 11"),
        ("main", "+ 1\n    return total", "+ 1\n    return 1"),
    ):
        git("switch", "-q", *(["-c"] if branch == "other" else []), branch, cwd=repository)
        app.write_text(text.replace(old, new))
        git("commit", "-qam", branch, cwd=repository)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    git("merge", "-q", "--no-edit", "other", cwd=repository)

    assert "amount + 11\n    return 1\n" in app.read_text()
    assert "merge.default" in _agentroom(repository, "init", "--merge-driver")
    _agentroom(repository, "uninstall")
    assert config.read_bytes() == before


def test_a_default_driver_of_the_users_stays(repository: Path, git) -> None:
    git("config", "merge.default", "mine", cwd=repository)
    assert "stays mine" in _agentroom(repository, "init", "--merge-driver")
    _agentroom(repository, "uninstall")
    assert git("config", "merge.default", cwd=repository) == "mine\n"
