"""The tools: each opens the room, calls one use case, and returns its value with the messages that are unread.

None takes the name of an agent to act as: who calls is whose worktree the server was started in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from mcp.types import ToolAnnotations
from pydantic import Field

from agentroom_git.core.claims import MAX_PATHS, MAX_REASON, MAX_TTL, MIN_TTL
from agentroom_git.mcp_server import results
from agentroom_git.mcp_server.results import (
    BroadcastAnswer,
    ClaimAnswer,
    HandoffAnswer,
    Inbox,
    ReadAnswer,
    ReleaseAnswer,
    StatusAnswer,
    SyncAnswer,
)
from agentroom_git.mcp_server.seat import Here, acting, looking, with_unread
from agentroom_git.mcp_server.tasks import note, tasks, wait
from agentroom_git.room import coordination, leases, messages, turn
from agentroom_git.room.contests import open_records
from agentroom_git.room.present_names import as_named_now
from agentroom_git.room.status import read_status

PATH_RULE = "Relative to the top of the repository, or absolute; a folder stands for everything below it."
MAX_WAIT_SECONDS = 600
CLAIM_RULE = "Globs as in .gitignore (src/**/*.py) and resources (port:5432) can be claimed, too."
Paths = Annotated[
    list[str],
    Field(description=f"Files or folders to claim, all or none. {PATH_RULE} {CLAIM_RULE}", max_length=MAX_PATHS),
]


def claim(
    here: Here,
    paths: Paths,
    reason: Annotated[str, Field(description="What you are about to do there.", max_length=MAX_REASON)] = "",
    ttl_seconds: Annotated[
        int | None, Field(description="How long it lasts without a sign of life of yours.", ge=MIN_TTL, le=MAX_TTL)
    ] = None,
    shared: Annotated[bool, Field(description="Others may claim it shared, too.")] = False,
    wait_seconds: Annotated[
        float, Field(description="Queue for it that long, first come first served.", ge=0, le=MAX_WAIT_SECONDS)
    ] = 0,
) -> ClaimAnswer:
    with acting(here) as room:
        answer = coordination.claim(room, paths, reason=reason, ttl=ttl_seconds, shared=shared, wait=wait_seconds)
        losses = coordination.lost_claims(room)
        found = with_unread(room, results.claim_answer(answer, losses))
        coordination.mark_told(room, losses)
        return found


def handoff(
    here: Here,
    paths: Annotated[list[str], Field(description=f"What you hold and give away. {PATH_RULE}", max_length=MAX_PATHS)],
    to: Annotated[str, Field(description="The agent that gets it.")],
) -> HandoffAnswer:
    with acting(here) as room:
        return with_unread(room, results.handoff_answer(coordination.handoff(room, paths, to)))


def release(
    here: Here,
    paths: Annotated[list[str] | None, Field(description="What to give back; without it, everything.")] = None,
) -> ReleaseAnswer:
    with acting(here) as room:
        return with_unread(room, results.release_answer(turn.release(room, paths)))


def broadcast(
    here: Here,
    text: Annotated[str, Field(description="What they need to know.", max_length=messages.MAX_TEXT)],
    topic: Annotated[str, Field(description="What it is about, in a word.", max_length=messages.MAX_TOPIC)] = "",
    to: Annotated[str, Field(description="Only for this agent; without it, for everyone.")] = "",
) -> BroadcastAnswer:
    with acting(here) as room:
        recorded = messages.broadcast(room, text, topic=topic, to=to)
        return with_unread(room, BroadcastAnswer(told=to or "everyone", at=recorded.event.at))


def read(
    here: Here,
    limit: Annotated[int, Field(description="At most this many.", ge=1, le=100)] = messages.DEFAULT_LIMIT,
) -> ReadAnswer:
    with acting(here) as room:
        leases.beat(room)
        return with_unread(room, ReadAnswer(), limit=limit, max_bytes=messages.MAX_BYTES)


def status(
    here: Here,
    paths: Annotated[list[str] | None, Field(description=f"Only what concerns these. {PATH_RULE}")] = None,
) -> StatusAnswer:
    with looking(here) as room:
        leases.beat(room)
        found = read_status(room, paths or ())
        contested = found.contested if paths or room.me is None else results.concerning(room.me, found.contested)
        return with_unread(room, results.status_answer(found, contested, room))


def sync(
    here: Here,
    message: Annotated[str, Field(description="Subject of the commit that your edits are saved in.")] = "",
) -> SyncAnswer:
    with acting(here) as room:
        done = turn.take_turn(room, message=message)
        records = as_named_now(room, open_records(room))
        return with_unread(room, results.sync_answer(done, results.concerning(room.me, records), room))


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as clients see it. Some clients call no tool whose annotations leave open that it destroys something."""

    run: Callable[..., Inbox]
    title: str
    description: str
    changes_nothing: bool
    may_be_repeated: bool

    @property
    def annotations(self) -> ToolAnnotations:
        return ToolAnnotations(
            title=self.title,
            read_only_hint=self.changes_nothing,
            destructive_hint=False,
            idempotent_hint=self.may_be_repeated,
            open_world_hint=False,
        )


OFFERS = (
    Offer(
        claim,
        "Claim paths",
        "Claim files or folders before you edit them, all or none. granted false is an answer, not an error: held_by"
        " says who holds what and why, free what you can claim instead. A claim lasts while you call tools.",
        changes_nothing=False,
        may_be_repeated=True,
    ),
    Offer(
        release,
        "Give back claims",
        "Give back what you claimed, as soon as you have synced your work there. Without paths: everything.",
        changes_nothing=False,
        may_be_repeated=True,
    ),
    Offer(
        handoff,
        "Hand over claims",
        "Pass claims of yours on to another agent in one step, so that nobody comes in between; it is told.",
        changes_nothing=False,
        may_be_repeated=False,
    ),
    Offer(
        broadcast,
        "Tell the others",
        "Tell all agents of the room, or one, what they need to know: a changed interface, a decision, a question.",
        changes_nothing=False,
        may_be_repeated=False,
    ),
    Offer(
        read,
        "Read messages",
        "Return messages that you have not seen, oldest first, each once. They also come with every other answer.",
        # It moves the reader's own cursor: called again, it returns something else.
        changes_nothing=False,
        may_be_repeated=False,
    ),
    Offer(
        status,
        "Look at the room",
        "Who is here, who holds what, whose work came in last, who waits for what, and contested regions.",
        # But for the caller's own cursor, as with a letter box that is looked into on the way.
        changes_nothing=True,
        may_be_repeated=True,
    ),
    Offer(
        sync,
        "Save, merge, catch up",
        "Commit your edits, merge everyone's commits, and bring the others' work into your worktree, now. Call it when"
        " a piece of work is done. received lists files that changed under you; contested what you and another changed"
        " differently.",
        changes_nothing=False,
        may_be_repeated=True,
    ),
    Offer(
        tasks,
        "Share out the work",
        "The room's task list: add what is to be done, list it, claim a task before you work on it, say done."
        " found lists unimplemented markers in the code. A contested region is a task of whose version does not stand.",
        changes_nothing=False,
        may_be_repeated=False,
    ),
    Offer(
        note,
        "Use the scratchpad",
        "Put down what the others may need later: a decision, a finding, an interface. Without text: read the newest.",
        changes_nothing=False,
        may_be_repeated=False,
    ),
    Offer(
        wait,
        "Wait for the others",
        "Block until there is a message for you, or something that others held is free; costs no tokens. Do other work"
        " first if there is any: tasks lists it.",
        changes_nothing=False,
        may_be_repeated=True,
    ),
)
