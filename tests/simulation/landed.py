"""After all is quiet, the user lands everything; a landing that was killed is done again.

The user's branch then has what integration has, the user's files follow, and the agents get nothing new by it.
"""

from pathlib import Path

from agentroom_git.room import landing
from agentroom_git.room.landing import Choices
from agentroom_git.system.failpoint import Failpoint, silent
from simulation import operations
from simulation.checks import INTEGRATION
from simulation.faults import Fault, run_and_kill
from simulation.seeds import Violation
from simulation.words import tokens
from simulation.world import NAMES, World, files_in

ALL = Choices(contested=True, unchecked=True)


def land(world: World, failpoint: Failpoint) -> None:
    done = landing.land(world.room(failpoint), ALL)
    if done.objections:
        raise Violation("I8", f"nothing lands: {done.objections}")


def check(world: World, fault: Fault) -> None:
    """Land, with the fault first, and go on; raise `Violation` where anything is not as it must be."""
    world.say(f"land{fault}")
    if fault.kind == "kill":
        run_and_kill(lambda failpoint: land(world, failpoint), fault)
    _land_and_look(world)
    _edit_what_landed(world)
    _land_and_look(world)


def _land_and_look(world: World) -> None:
    before = _tree(world, INTEGRATION)
    land(world, silent)
    if _tree(world, "main") != before:
        raise Violation("I1", "the user's branch is not what integration is")
    status = world.git("status", "--porcelain")
    if status != "?? .agentroom.yaml\n":
        raise Violation("I12", f"the user's files do not follow the branch: {status}")
    operations.round_of_the_sidecar(world, silent)
    for revision in (INTEGRATION, *(f"agentroom/main/{name}" for name in NAMES)):
        if _tree(world, revision) != before:
            raise Violation("I2", f"{revision} is another than before the landing")


def _edit_what_landed(world: World) -> None:
    """Who edits a line that landed contests it with nobody: not with its own past either."""
    top, line = world.path(NAMES[0]), "<end1> edited\n"
    name = next(path for path in sorted(files_in(top)) if _has_lines(top, path))
    lines = (top / name.decode()).read_bytes().splitlines(keepends=True)
    (top / name.decode()).write_bytes(b"".join([line.encode(), *lines[1:]]))
    world.git("commit", "--quiet", "--all", "-m", "edit what landed", cwd=top)
    before = world.git("for-each-ref", "refs/agentroom/main/contested")
    operations.round_of_the_sidecar(world, silent)
    if world.git("for-each-ref", "refs/agentroom/main/contested") != before:
        raise Violation("I2", f"an edit of {name.decode()} is contested with what had landed")
    if _tree(world, INTEGRATION) != _tree(world, f"agentroom/main/{NAMES[0]}"):
        raise Violation("I1", f"an edit of {name.decode()}, which had landed, is not on integration as it is")


def _has_lines(top: Path, path: bytes) -> bool:
    target = top / path.decode()
    return not target.is_symlink() and path != b"data.bin" and bool(tokens(target.read_bytes()))


def _tree(world: World, revision: str) -> str:
    return world.git("rev-parse", f"{revision}^{{tree}}").strip()
