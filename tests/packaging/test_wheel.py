"""The built distribution works where nothing of the checkout is at hand."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import agentroom_git
import seal

# One worker builds and installs once for all tests here. Both ask a package index, so they may take minutes.
pytestmark = [pytest.mark.packaging, pytest.mark.xdist_group("packaging"), pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
DATA = {
    path.relative_to(ROOT).as_posix()
    for top in ("hooks", "templates")
    for path in (ROOT / top).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
PRINT_DATA = """
from agentroom_git.resources import hooks_dir, templates_dir
for folder in (hooks_dir(), templates_dir()):
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:  # pip compiles what it installs
            print(path.relative_to(folder.parent).as_posix())
"""


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of the checkout and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder, env=seal.OUTSIDE)
    return folder


@pytest.fixture(scope="module")
def sdist(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new virtual environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    commands = folder / "bin"
    run(commands / "pip", "install", "--disable-pip-version-check", wheel, cwd=folder, env=seal.OUTSIDE)
    return commands


def test_sdist_holds_hooks_and_templates_where_a_reader_looks(sdist: Path) -> None:
    assert {name for name in DATA if (sdist / name).is_file()} == DATA


def test_unpacked_sdist_finds_its_hooks_and_templates(sdist: Path) -> None:
    assert set(run(sys.executable, "-c", PRINT_DATA, cwd=sdist).split()) == DATA


def test_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"agentroom_git", f"agentroom_git-{agentroom_git.__version__}.dist-info"}


def test_installed_wheel_finds_its_hooks_and_templates(installed: Path, tmp_path: Path) -> None:
    assert set(run(installed / "python", "-c", PRINT_DATA, cwd=tmp_path).split()) == DATA


def test_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert agentroom_git.__version__ in run(installed / "agentroom", "--version", cwd=tmp_path)


def test_git_finds_the_installed_command(installed: Path, tmp_path: Path) -> None:
    # Not --help: git turns `git agentroom --help` into a search for a manual page.
    path = f"{installed}{os.pathsep}{os.environ['PATH']}"
    assert agentroom_git.__version__ in run(
        "git", "agentroom", "--version", cwd=tmp_path, env={**os.environ, "PATH": path}
    )


def test_installed_demo_runs_to_its_end(installed: Path, tmp_path: Path) -> None:
    run(installed / "agentroom", "demo", cwd=tmp_path)
