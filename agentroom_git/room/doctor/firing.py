"""Whether the hooks that agents' commits rely on really fire, tried in each worktree with git's own `hook run`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentroom_git.core import trailers
from agentroom_git.core.ids import AgentName
from agentroom_git.git.configuration import git_version
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.hooks import install_hooks
from agentroom_git.room.room import Room
from agentroom_git.system.process import git_as_the_user

HOOK = "prepare-commit-msg"
FIRST_WITH_HOOK_RUN = (2, 36)


def examine_hooks(room: Room) -> Iterator[Finding]:
    """Give a message to each worktree's commit hook and look for the trailer; nothing is committed."""
    sound = {agent: found for agent, found in room.worktrees().items() if not found.problem}
    if not sound:
        return
    if git_version() < FIRST_WITH_HOOK_RUN:
        yield Finding("notice", "this git cannot run a hook by itself: whether hooks fire was not tried", "")
        return
    silent = [agent for agent, found in sorted(sound.items()) if not _fires(room, agent, found)]
    for agent in silent:
        yield Finding(
            "problem",
            f"the commit hook does not fire in {agent}'s worktree: its commits will not say who made them",
            f"start {agent} with agentroom run; allow {room.private / 'hooks'} to be executed (a noexec mount?)",
        )
    if not silent:
        many = "s" if len(sound) > 1 else ""
        yield Finding("ok", f"the commit hook of agentroom run fires in {len(sound)} worktree{many}", "")


def _fires(room: Room, agent: AgentName, worktree: Worktree) -> bool:
    ours, _ = install_hooks(room, worktree.path)
    with tempfile.TemporaryDirectory() as folder:
        message = Path(folder) / "message"
        message.write_text("a trial\n", "utf-8")
        # The repository's own hooks are not on trial.
        env = {"AGENTROOM_AGENT": agent, "AGENTROOM_HOOKS_CHAIN": ""}
        setting = f"core.hooksPath={ours}"
        git_as_the_user("-c", setting, "hook", "run", HOOK, "--", str(message), cwd=worktree.path, env=env)
        return trailers.values(message.read_text("utf-8", "replace"), trailers.AGENT) == [agent]
