"""The agents' worktrees: where each is, whether it is whole, and what keeps it from getting the others' work."""

from collections.abc import Iterator
from pathlib import Path

import agentroom_git.git.repo as repositories
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError
from agentroom_git.git import configuration, worktrees
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import lost_branch
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.room import Room


def examine_worktrees(room: Room, *, fix: bool) -> Iterator[Finding]:
    for entry in worktrees.half_made(room.repo):
        yield Finding("problem", f"{entry} is what a killed git worktree add left", f"rm -r {entry}")
    sound = 0
    for found in worktrees.list_worktrees(room.repo):
        if found.problem:
            yield from _examine_broken(room, found, fix=fix)
        elif found.identity is not None:
            findings = list(_examine_sound(room, found, fix=fix))
            sound += not findings
            yield from findings
    if sound:
        yield Finding("ok", f"{sound} worktrees are whole")


def _examine_broken(room: Room, found: Worktree, *, fix: bool) -> Iterator[Finding]:
    if found.identity is None:
        if found.path.parent == room.worktrees_dir:
            name = found.path.name
            yield Finding("problem", f"{name}'s worktree {found.path}: {found.problem}", f"agentroom join {name}")
        return
    agent = found.identity.agent
    text = f"{agent}'s worktree {found.path}: {found.problem}"
    if not found.is_mendable:
        yield Finding("problem", text, f"agentroom join {agent} makes it anew, agentroom leave {agent} forgets it")
    elif fix:
        worktrees.mend(found)
        yield Finding("ok", f"mended {agent}'s worktree {found.path}")
    else:
        yield Finding("problem", text, f"agentroom doctor --fix, or agentroom join {agent}")


def _examine_sound(room: Room, found: Worktree, *, fix: bool) -> Iterator[Finding]:
    if found.identity is None:
        return
    agent, path = found.identity.agent, found.path
    if found.identity.room == room.names.room and found.branch != room.names.branch_ref(agent):
        where = f"on branch {found.branch.removeprefix('refs/heads/')}" if found.branch else "on no branch"
        yield Finding(
            "notice",
            f"{agent} is {where}, so that nothing is synced",
            f"git -C {path} switch {room.names.branch(agent)}",
        )
    operation = operation_under_way(found.git_dir)
    if operation:
        yield Finding("notice", f"{operation} in {agent}'s worktree", f"git -C {path} status says how to end it")
    if found.head is None:
        yield _examine_head(room, found, agent, fix=fix)
    yield from _examine_index(found, agent)
    yield from _examine_surroundings(path, agent)


def _examine_head(room: Room, found: Worktree, agent: AgentName, *, fix: bool) -> Finding:
    if found.identity is None or found.identity.room != room.names.room or not lost_branch.is_lost(room, agent, found):
        remedy = f"git -C {found.path} switch -f {room.names.branch(agent)}"
        return Finding("problem", f"{agent}'s HEAD names no commit that is there", remedy)
    branch = room.names.branch(agent)
    if fix and lost_branch.put_back(room, agent, found):
        return Finding("ok", f"put back {agent}'s branch {branch}")
    return Finding("problem", f"{agent}'s branch {branch} was deleted", "agentroom doctor --fix puts it back")


def _examine_index(found: Worktree, agent: str) -> Iterator[Finding]:
    path = found.path
    problem = worktrees.index_problem(path)
    if "'link'" in problem:
        yield Finding("problem", f"{agent}'s index is split", f"git -C {path} update-index --no-split-index")
    elif problem and "'sdir'" not in problem:
        yield Finding("problem", f"{agent}'s index: {problem}", f"git -C {path} status says what is wrong")
    if "'sdir'" in problem or configuration.is_on(repositories.open_repo(path), "core.sparseCheckout"):
        yield Finding("problem", f"{agent}'s worktree is sparse", f"git -C {path} sparse-checkout disable")


def _examine_surroundings(path: Path, agent: str) -> Iterator[Finding]:
    try:
        around = repositories.open_repo(path.parent)
    except repositories.NotARepositoryError:
        return
    except AgentroomError:
        where: Path = path.parent
    else:
        where = around.worktree or around.common_dir
    yield Finding(
        "notice",
        f"{agent}'s worktree {path} lies inside {where}: if its .git file is lost, git works on that one instead",
        "set worktrees: in .agentroom.yaml to a folder outside",
    )
