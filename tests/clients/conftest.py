"""A model for every test of the real clients, and a room for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client_stage import Stage, make_stage
from fake_model import Model, serving
from rooms import Git


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    with serving() as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path, git: Git, model: Model) -> Iterator[Stage]:
    made = make_stage(tmp_path, git, model)
    yield made
    made.close()
