"""What every module of the package has in common."""

import ast
from pathlib import Path

import pytest

import agentroom_git

PACKAGE = Path(agentroom_git.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400


def _name(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_every_module_says_why_it_exists(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_bytes()))


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_no_module_outgrows_one_noun(module: Path) -> None:
    assert len(module.read_bytes().splitlines()) <= MAX_LINES
