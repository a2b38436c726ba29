"""The user's check: whether its commands are trusted, and whether it can be run."""

from collections.abc import Iterator

from agentroom_git.room import trust
from agentroom_git.room.config import FILE_NAME
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.gate.state import read_state
from agentroom_git.room.room import Room


def examine_check(room: Room) -> Iterator[Finding]:
    standing = trust.standing(room)
    if standing.warning:
        yield Finding("notice", standing.warning.removesuffix(": agentroom trust"), "agentroom trust")
    if standing.pinned is None and standing.differences:
        yield Finding("notice", f"the commands of {FILE_NAME} are not run before you have said so", "agentroom trust")
    if standing.pinned is None or not standing.pinned.check:
        return
    problem = read_state(room).problem
    if problem:
        yield Finding("problem", f"the check cannot be run: {problem}", "correct it, then: agentroom gate")
    else:
        yield Finding("ok", f"the check is pinned since {standing.since}")
