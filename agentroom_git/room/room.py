"""The room as every use case gets it: the repository, its refs, the configuration, the clock, and who is acting."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import agentroom_git.git.repo as repositories
from agentroom_git.core.ids import HUMAN, AgentName, Oid
from agentroom_git.core.refnames import RefNames
from agentroom_git.errors import UsageError
from agentroom_git.git.objects import GitHistory
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import Worktree, identity_here, list_worktrees
from agentroom_git.room import copies
from agentroom_git.room.config import Config
from agentroom_git.room.copies import Copy
from agentroom_git.room.standing_config import read_as_agent, read_as_user
from agentroom_git.system.clock import Clock
from agentroom_git.system.entropy import random_key
from agentroom_git.system.failpoint import Failpoint, silent

GATE_FOLDER = ".gate"


class NoRoomError(UsageError):
    """The repository has no room yet."""


class NotAnAgentError(UsageError):
    """A command that only an agent can give was given outside an agent's worktree."""


@dataclass(frozen=True, slots=True)
class Room:
    """`me` is the agent in whose worktree the program runs, or None in the user's own checkout.

    `config_problem` says why the user's configuration cannot be followed, so that `config` is what it said last.
    `failpoint` is called with the name of each step that moves a ref or changes a worktree, before it. `copy` is set
    where the room was opened in another clone: then it is only read.
    """

    repo: Repo
    refs: Refs
    history: GitHistory
    names: RefNames
    config: Config
    clock: Clock
    new_key: Callable[[], str]
    checkout: Path
    me: AgentName | None
    failpoint: Failpoint = silent
    config_problem: str = ""
    copy: Copy | None = None

    @property
    def private(self) -> Path:
        """This room's folder for locks, caches and logs under the git common dir."""
        return copies.private_folder(self.repo, self.names, self.copy)

    @property
    def sidecar_lock(self) -> Path:
        """The lock that the repository's sidecar holds: whether one runs is only what it says."""
        return self.repo.private_dir / "sidecar.lock"

    @property
    def writer(self) -> AgentName:
        """Whose log this process writes."""
        return self.me or HUMAN

    @property
    def worktrees_dir(self) -> Path:
        """The folder that holds the agents' worktrees."""
        default = f"../{self.checkout.name}.agents"
        return Path(os.path.normpath(self.checkout / (self.config.worktrees or default)))

    @property
    def gate_dir(self) -> Path:
        """The worktree in which the user's check runs: nobody's, whatever branch the check may switch it to."""
        return self.worktrees_dir / GATE_FOLDER / self.names.room

    def integration(self) -> Oid:
        """Return the tip of integration; raise `NoRoomError` where the room was never opened."""
        tip = self.refs.get(self.names.integration)
        if tip is None:
            hint = copies.how_to_read(self.repo, self.refs, self.names, self.copy)
            what = "there is no" if self.copy is None else "the branches were not fetched of the"
            raise NoRoomError(f"{what} room {self.names.room!r} in this repository", hint=hint)
        self.history.follow(tip)
        return tip

    def agent(self) -> AgentName:
        """Return the acting agent; raise `NotAnAgentError` outside an agent's worktree."""
        if self.me is None:
            raise NotAnAgentError(
                f"{self.checkout} is not an agent's worktree",
                hint="run it inside one, or say who: --as NAME",
            )
        return self.me

    def worktrees(self) -> dict[AgentName, Worktree]:
        """Return the agents' worktrees of this room by agent; of two for one agent the sound one."""
        found: dict[AgentName, Worktree] = {}
        for worktree in list_worktrees(self.repo):
            identity = worktree.identity
            if identity is None or identity.room != self.names.room or worktree.path.parent.name == GATE_FOLDER:
                continue
            if identity.agent not in found or found[identity.agent].problem:
                found[identity.agent] = worktree
        return found


def open_room(
    start: Path,
    clock: Clock,
    *,
    speaking_as: AgentName | None = None,
    with_any_config: bool = False,
    to_read: bool = False,
    new_key: Callable[[], str] = random_key,
    failpoint: Failpoint = silent,
) -> Room:
    """Open the room of the repository around `start`; it need not have been opened by `init` yet.

    The acting agent is the one whose worktree `start` is in. `speaking_as` is for people and scripts outside any
    agent's worktree; inside one it must name that agent. `with_any_config` is for what the user needs also while the
    configuration cannot be followed: what it said last holds then, as it does for agents. Raises `CopiedRoomError` for
    a room that was opened in another clone, unless it is only `to_read`.
    """
    repo = repositories.open_repo(start)
    checkout = _main_checkout(repo, start)
    identity = identity_here(repo)
    if identity is None and not with_any_config:
        config, problem = read_as_user(checkout, repo.private_dir), ""
    else:
        config, problem = read_as_agent(checkout, repo.private_dir)
    if identity is not None and speaking_as not in (None, identity.agent):
        raise UsageError(f"this is the worktree of {identity.agent}", hint="leave out --as, or run it outside")
    me = identity.agent if identity else speaking_as
    names = RefNames(identity.room if identity else config.room)
    refs = Refs(repo.handle, repo.common_dir, clock, repo.private_dir / names.room / "refs.lock", failpoint)
    copy = copies.find_copy(repo, refs, names)
    if copy is not None:
        if not to_read:
            raise copies.refuse_to_act(copy)
        refs = replace(refs, lock=copies.private_folder(repo, names, copy) / "refs.lock")
        names = copies.names_at(names, copy.remote)
    history = GitHistory(repo.handle)
    room = Room(repo, refs, history, names, config, clock, new_key, checkout, me, failpoint, problem, copy)
    if identity is None and speaking_as is not None:
        _refuse_unknown_agent(room, speaking_as)
    return room


def acting_as(room: Room, agent: AgentName) -> Room:
    """Return the room as the agent itself would open it."""
    return replace(room, me=agent)


def _refuse_unknown_agent(room: Room, agent: AgentName) -> None:
    if room.refs.get(room.names.log(agent)) is None:
        raise UsageError(f"no agent {agent!r} has joined this room", hint=f"run: agentroom join {agent}")


def _main_checkout(repo: Repo, start: Path) -> Path:
    main = repositories.open_repo(repo.common_dir) if repo.is_linked else repo
    if main.worktree is not None:
        return main.worktree
    hint = "clone it, and open the room in the clone"
    if repo.common_dir.name == ".git":
        hint = f"if some tool set core.bare: git -C {repo.common_dir.parent} config core.bare false"
    raise repositories.UnsupportedRepositoryError(f"the repository of {start} is bare", hint=hint)
