"""The names of a room's refs: a contract, other programs are written against them."""

from dataclasses import dataclass

from agentroom_git.core.ids import AgentName, RoomName

LOCAL = "refs/heads/"


@dataclass(frozen=True, slots=True)
class RefNames:
    """`heads` is where the branches are: here, or as a fetch from another clone's remote left them."""

    room: RoomName
    heads: str = LOCAL

    @property
    def branches(self) -> str:
        """The prefix of the room's branches."""
        return f"{self.heads}agentroom/{self.room}/"

    def branch(self, agent: AgentName) -> str:
        """Return the short name of the agent's branch."""
        return f"agentroom/{self.room}/{agent}"

    def branch_ref(self, agent: AgentName) -> str:
        return f"{self.heads}{self.branch(agent)}"

    @property
    def integration(self) -> str:
        return f"{self.branches}integration"

    @property
    def green(self) -> str:
        """The newest fold that passed the check."""
        return f"{self.branches}green"

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
