"""Failing to write an object: an error of its own, since it says nothing of what was to be written."""

from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError


class UnwritableError(AgentroomError):
    """An object could not be written, for want of space or of rights: trying again may help."""


@contextmanager
def writing() -> Iterator[None]:
    """Turn libgit2's failure to write an object into `UnwritableError`."""
    try:
        yield
    except (OSError, pygit2.GitError) as error:
        raise UnwritableError(f"git cannot write objects: {one_line(str(error))}", hint="is the disk full?") from error
