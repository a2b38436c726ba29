"""The seal around every test, and the real git that tests run."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pygit2
import pytest
from hypothesis import HealthCheck, settings
from pygit2.enums import ConfigLevel

from seal import sealed_environment

# Hypothesis measures wall time by default, which says more about the machine's other work than about the code.
settings.register_profile("untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class Git(Protocol):
    def __call__(self, *args: str | Path, cwd: Path, check: bool = True) -> str: ...


@pytest.fixture(scope="session", autouse=True)
def _seal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Session-wide, so that session fixtures are sealed too; a test that changes a variable does so by monkeypatch."""
    sealed = sealed_environment(tmp_path_factory.mktemp("home"))
    empty = tmp_path_factory.mktemp("no-git-config")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - sealed.keys():
            patch.delenv(name)
        for name, value in sealed.items():
            patch.setenv(name, value)
        # libgit2 knows neither GIT_CONFIG_GLOBAL nor GIT_CONFIG_NOSYSTEM.
        for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
            pygit2.settings.search_path[level] = str(empty)
        yield


@pytest.fixture(scope="session")
def git() -> Git:
    """Run the real git and return what it printed on standard output."""

    def run(*args: str | Path, cwd: Path, check: bool = True) -> str:
        done = subprocess.run(["git", *args], cwd=cwd, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            pytest.fail(f"git {' '.join(map(str, args))} exited {done.returncode}: {done.stderr}", pytrace=False)
        return done.stdout

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Git) -> Path:
    """A repository on branch main whose one commit holds a README and two modules of some twenty lines."""
    root = tmp_path / "repository"
    (root / "src").mkdir(parents=True)
    (root / "README.md").write_text("# Ledger\n\nAdds up what is owed.\n")
    (root / "src" / "app.py").write_text(_module("app"))
    (root / "src" / "util.py").write_text(_module("util"))
    git("init", "--quiet", cwd=root)
    # pygit2 does not see the sealed user-wide identity, so the repository carries its own.
    git("config", "user.name", "Test User", cwd=root)
    git("config", "user.email", "test@example.invalid", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "--message", "Start the ledger", cwd=root)
    return root


def _module(name: str) -> str:
    functions = [f"def {name}_{n}(amount):\n    total = amount + {n}\n    return total\n" for n in range(5)]
    return f'"""The {name} of the ledger."""\n\n\n' + "\n\n".join(functions)


@pytest.fixture
def bed(repository: Path, git: Git) -> "Bed":  # noqa: F821
    """An open room in the repository, with nobody in it."""
    from rooms import Bed

    return Bed(git, repository).open()
