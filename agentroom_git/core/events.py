"""What happened in a room: immutable events.

Order is the Lamport clock, then the writer, then the commit that carries the event; wall time is for display only. As
text they are lines of JSON (`core/event_line.py`).
"""

from dataclasses import dataclass
from typing import ClassVar

from agentroom_git.core.checks import Blamed, Checked, Chosen
from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import SIDECAR, AgentName, Oid
from agentroom_git.core.landings import Landed, Undid


@dataclass(frozen=True, slots=True)
class Opened:
    """The room was opened over `base`, the user's branch."""

    type: ClassVar[str] = "opened"
    base: str
    commit: str

    def subject(self) -> str:
        return f"opened the room on {self.base}"


@dataclass(frozen=True, slots=True)
class Joined:
    type: ClassVar[str] = "joined"
    worktree: str
    branch: str
    command: str

    def subject(self) -> str:
        return f"joined to run {self.command}" if self.command else "joined"


@dataclass(frozen=True, slots=True)
class Left:
    """`exit_code` is that of the agent's command, or -1 where none was run."""

    type: ClassVar[str] = "left"
    exit_code: int
    archived: tuple[str, ...]

    def subject(self) -> str:
        code = f" (exit {self.exit_code})" if self.exit_code >= 0 else ""
        kept = f"; kept {', '.join(self.archived)}" if self.archived else ""
        return f"left{code}{kept}"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`to` is one agent's name, or empty for the whole room."""

    type: ClassVar[str] = "broadcast"
    text: str
    topic: str
    to: str

    def subject(self) -> str:
        topic = f" [{self.topic}]" if self.topic else ""
        return f"said{' to ' + self.to if self.to else ''}{topic}: {self.text}"


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """The reader has been shown everything up to these events, one `<writer> <commit>` a log."""

    type: ClassVar[str] = "read"
    cursor: tuple[str, ...]

    def subject(self) -> str:
        return "read the room"


@dataclass(frozen=True, slots=True)
class Rewrote:
    """`agent`'s branch moved from `old` to `new` other than forward; `join` is the commit that was folded for it."""

    type: ClassVar[str] = "rewrote"
    agent: str
    old: str
    new: str
    join: str

    def subject(self) -> str:
        return f"{self.agent} rewrote {self.old[:10]} as {self.new[:10]}"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the sidecar has to tell the agents named in `to`."""

    type: ClassVar[str] = "notice"
    kind: str
    to: tuple[str, ...]
    text: str
    paths: tuple[str, ...]

    def subject(self) -> str:
        return f"told {', '.join(self.to)}: {self.text}"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What the sidecar told by the event `notice` is over: who has not read it need not read either."""

    type: ClassVar[str] = "withdrawn"
    notice: str
    to: tuple[str, ...]
    text: str
    paths: tuple[str, ...]

    def subject(self) -> str:
        return f"withdrew for {', '.join(self.to)}: {self.text}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """One token for each path, in the same order."""

    type: ClassVar[str] = "claimed"
    paths: tuple[str, ...]
    tokens: tuple[str, ...]
    reason: str
    ttl: int
    shared: bool
    took_over: tuple[str, ...]

    def subject(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        over = f" (taken over from {', '.join(self.took_over)})" if self.took_over else ""
        return f"claimed {', '.join(self.paths)}{reason}{over}"


@dataclass(frozen=True, slots=True)
class Released:
    type: ClassVar[str] = "released"
    paths: tuple[str, ...]
    tokens: tuple[str, ...]

    def subject(self) -> str:
        return f"released {', '.join(self.paths)}"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Claims passed on to another agent; `tokens` are the new ones, in the order of the paths."""

    type: ClassVar[str] = "handed_over"
    paths: tuple[str, ...]
    tokens: tuple[str, ...]
    to: str

    def subject(self) -> str:
        return f"handed {', '.join(self.paths)} to {self.to}"


@dataclass(frozen=True, slots=True)
class Renewed:
    type: ClassVar[str] = "renewed"
    tokens: tuple[str, ...]

    def subject(self) -> str:
        return "renewed its claims"


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim was refused because `holders` hold `paths`."""

    type: ClassVar[str] = "refused"
    paths: tuple[str, ...]
    holders: tuple[str, ...]
    reason: str

    def subject(self) -> str:
        reason = f" (wanted for: {self.reason})" if self.reason else ""
        return f"was refused {', '.join(self.paths)}, held by {', '.join(self.holders)}{reason}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A contested region was closed by `by`: `how` is what was taken, or that it was edited."""

    type: ClassVar[str] = "resolved"
    contested: str
    path: str
    by: str
    how: str

    def subject(self) -> str:
        return f"{self.by} resolved {self.contested} in {self.path} ({self.how})"


@dataclass(frozen=True, slots=True)
class Reopened:
    """A region that was contested and closed is contested again, between the same texts."""

    type: ClassVar[str] = "reopened"
    contested: str
    path: str

    def subject(self) -> str:
        return f"{self.path} is contested again as in {self.contested}"


@dataclass(frozen=True, slots=True)
class Replaced:
    """The record `contested` was closed by another of the same region, `newer`, which has its versions and more."""

    type: ClassVar[str] = "replaced"
    contested: str
    path: str
    newer: str

    @property
    def by(self) -> str:
        return SIDECAR

    @property
    def how(self) -> str:
        return f"replaced by {self.newer}"

    def subject(self) -> str:
        return f"{self.contested} in {self.path} was replaced by {self.newer}"


@dataclass(frozen=True, slots=True)
class TaskAdded:
    """`needs` are the ids of tasks that come first; `origin` is the marker it was made from, `PATH: TEXT`, or empty."""

    type: ClassVar[str] = "task-added"
    title: str
    acceptance: str
    needs: tuple[str, ...]
    origin: str

    def subject(self) -> str:
        done = f" (done when: {self.acceptance})" if self.acceptance else ""
        needs = f" (needs {', '.join(self.needs)})" if self.needs else ""
        return f"added a task: {self.title}{done}{needs}"


@dataclass(frozen=True, slots=True)
class TaskDone:
    """`title` and `text` are for readers: the task is known by its id, `text` is what the agent said of its work."""

    type: ClassVar[str] = "task-done"
    task: str
    title: str
    text: str

    def subject(self) -> str:
        return f"did task {self.task}: {self.title}{f' ({self.text})' if self.text else ''}"


@dataclass(frozen=True, slots=True)
class TaskDropped:
    """Nobody is to do the task any more."""

    type: ClassVar[str] = "task-dropped"
    task: str
    title: str
    text: str

    def subject(self) -> str:
        return f"dropped task {self.task}: {self.title}{f' ({self.text})' if self.text else ''}"


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of the room's scratchpad."""

    type: ClassVar[str] = "noted"
    text: str
    topic: str

    def subject(self) -> str:
        return f"noted{f' [{self.topic}]' if self.topic else ''}: {self.text}"


@dataclass(frozen=True, slots=True)
class Assigned:
    """The agent was given a task when it was started; it is its own until it is closed or somebody else claims it."""

    type: ClassVar[str] = "assigned"
    task: str
    title: str

    def subject(self) -> str:
        return f"was given task {self.task}: {self.title}"


@dataclass(frozen=True, slots=True)
class Urged:
    """The agent was about to end with work left, and was asked to go on.

    `how` is `stop` (by its hook) or `restart` (its command is started again); `progress` is a fingerprint of what it
    had done until then.
    """

    type: ClassVar[str] = "urged"
    how: str
    session: str
    progress: str
    left: tuple[str, ...]

    def subject(self) -> str:
        return f"{'was started again' if self.how == 'restart' else 'was asked to go on'}: {'; '.join(self.left)}"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The agent ended with work left, `tasks` among it; `reason` is why it was let go."""

    type: ClassVar[str] = "abandoned"
    reason: str
    session: str
    progress: str
    left: tuple[str, ...]
    tasks: tuple[str, ...]

    def subject(self) -> str:
        return f"ended with work left ({self.reason}): {'; '.join(self.left)}"


Body = (
    Opened
    | Joined
    | Left
    | Broadcast
    | ReadUpTo
    | Rewrote
    | Notice
    | Withdrawn
    | Claimed
    | Released
    | HandedOver
    | Renewed
    | Refused
    | Resolved
    | Reopened
    | Replaced
    | Landed
    | Undid
    | TaskAdded
    | TaskDone
    | TaskDropped
    | Noted
    | Checked
    | Blamed
    | Chosen
    | Assigned
    | Urged
    | Abandoned
)


@dataclass(frozen=True, slots=True)
class Event:
    """`seen` is the integration tip that the writer saw; `key` makes a retried write recognisable."""

    agent: AgentName
    lamport: int
    at: str
    seen: str
    key: str
    body: Body

    def subject(self) -> str:
        """Return the event as one printable line, without who and when."""
        return one_line(self.body.subject(), 400)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event and the commit that carries it."""

    id: Oid
    event: Event

    @property
    def order(self) -> tuple[int, str, str]:
        return (self.event.lamport, self.event.agent, self.id)
