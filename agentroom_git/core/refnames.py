"""The names of a room's refs: a contract, other programs are written against them."""

from dataclasses import dataclass

from agentroom_git.core.ids import AgentName, RoomName


@dataclass(frozen=True, slots=True)
class RefNames:
    room: RoomName

    @property
    def branches(self) -> str:
        """The prefix of the room's branches."""
        return f"refs/heads/agentroom/{self.room}/"

    def branch(self, agent: AgentName) -> str:
        """Return the short name of the agent's branch."""
        return f"agentroom/{self.room}/{agent}"

    def branch_ref(self, agent: AgentName) -> str:
        return f"refs/heads/{self.branch(agent)}"

    @property
    def integration(self) -> str:
        return f"refs/heads/agentroom/{self.room}/integration"

    @property
    def green(self) -> str:
        """The newest fold that passed the check."""
        return f"refs/heads/agentroom/{self.room}/green"

    @property
    def own(self) -> str:
        """The prefix of everything that is not a branch or a note."""
        return f"refs/agentroom/{self.room}/"

    @property
    def claims(self) -> str:
        return f"{self.own}claims"

    @property
    def logs(self) -> str:
        return f"{self.own}log/"

    def log(self, writer: AgentName) -> str:
        return f"{self.logs}{writer}"

    @property
    def contested(self) -> str:
        return f"{self.own}contested/"

    def archive(self, agent: AgentName) -> str:
        return f"{self.archives}{agent}/"

    @property
    def archives(self) -> str:
        return f"{self.own}archive/"

    @property
    def notes(self) -> str:
        return f"refs/notes/agentroom/{self.room}"
