"""After all is quiet, the user lands everything; a landing that was killed is done again.

The user's branch then has what integration has, the user's files follow, and the agents get nothing new by it.
"""

import os
import zlib
from pathlib import Path

from agentroom_git.room import landing
from agentroom_git.room.landing import Choices
from agentroom_git.system.failpoint import Failpoint, silent
from simulation import operations
from simulation.checks import INTEGRATION
from simulation.faults import Fault, run_and_kill
from simulation.seeds import Violation
from simulation.words import all_tokens, start_files, tokens
from simulation.world import NAMES, World, files_in

ALL = Choices(contested=True, unchecked=True)
START = all_tokens(start_files().values())


def land(world: World, failpoint: Failpoint) -> None:
    done = landing.land(world.room(failpoint), ALL)
    if done.objections:
        raise Violation("I8", f"nothing lands: {done.objections}")


def check(world: World, fault: Fault) -> None:
    """Land, with the fault first, and go on; raise `Violation` where anything is not as it must be."""
    world.say(f"land{fault}")
    if fault.kind == "kill":
        run_and_kill(lambda failpoint: land(world, failpoint), fault)
    _land(world)
    _edit_what_landed(world)
    _land(world)
    _bring_nothing_new(world)


def _land(world: World) -> None:
    before = _tree(world, INTEGRATION)
    land(world, silent)
    if _tree(world, "main") != before:
        raise Violation("I1", "the user's branch is not what integration is")
    status = world.git("status", "--porcelain")
    if status != "?? .agentroom.yaml\n":
        raise Violation("I12", f"the user's files do not follow the branch: {status}")


def _bring_nothing_new(world: World) -> None:
    before = _tree(world, INTEGRATION)
    operations.round_of_the_sidecar(world, silent)
    for revision in (INTEGRATION, *(f"agentroom/main/{name}" for name in NAMES)):
        if _tree(world, revision) != before:
            raise Violation("I2", f"{revision} is another than before the landing")


def _edit_what_landed(world: World) -> None:
    """Who edits lines just as they land, not synced since, contests them with nobody: not with its own past either."""
    top = world.path(NAMES[0])
    edited = [path.decode() for path in sorted(files_in(top)) if _edit_what_is_new(top / path.decode())]
    world.git("commit", "--quiet", "--all", "--allow-empty", "-m", "edit what landed", cwd=top)
    before = world.git("for-each-ref", "refs/agentroom/main/contested")
    mine = _tree(world, f"agentroom/main/{NAMES[0]}")
    operations.round_of_the_sidecar(world, silent)
    if world.git("for-each-ref", "refs/agentroom/main/contested") != before:
        raise Violation("I2", f"an edit of {', '.join(edited)} is contested with what had landed")
    if _tree(world, INTEGRATION) != mine:
        raise Violation("I1", f"an edit of {', '.join(edited)}, which had landed, is not on integration as it is")


def _edit_what_is_new(target: Path) -> bool:
    """Put the first line that the user's branch did not have before otherwise; return whether there was one."""
    if target.is_symlink() or b"\0" in (text := target.read_bytes()):
        return False
    lines = text.splitlines(keepends=True)
    new = [number for number, line in enumerate(lines) if set(tokens(line)) - START]
    if new:
        lines[new[0]] = b"<end%d> edited\n" % zlib.crc32(os.fsencode(target.name))
        target.write_bytes(b"".join(lines))
    return bool(new)


def _tree(world: World, revision: str) -> str:
    return world.git("rev-parse", f"{revision}^{{tree}}").strip()
