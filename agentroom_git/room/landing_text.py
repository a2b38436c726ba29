"""What landed commits and a branch for review say of themselves: who did it, from which commits of the room, and how.

Everything that an agent said is put on one line of printable characters first; the trailers are ours.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from agentroom_git.core import trailers
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Recorded, TaskDone
from agentroom_git.core.ids import BASE, HUMAN, AgentName, Oid
from agentroom_git.room import contests, logs
from agentroom_git.room.gate.reading import last_check
from agentroom_git.room.landed import ADDRESS
from agentroom_git.room.portions import Portion
from agentroom_git.room.room import Room

MAX_NAMED = 200
"""Commits that a message names; what is more is in the room's own history."""
_NOBODY = frozenset({BASE, HUMAN, "agentroom"})


def subject_of(room: Room, portion: Portion) -> str:
    """Return the subject of the commit for a portion: its agent's own words."""
    subjects = _done_tasks(room, portion) if len(portion.commits) > 1 else []
    subjects = subjects or _subjects(room, portion)
    if not subjects:
        return f"land {portion.agent}'s part of room {room.names.room}"
    more = f" (and {len(subjects) - 1} more)" if len(subjects) > 1 else ""
    return one_line(subjects[0], 120) + more


def _done_tasks(room: Room, portion: Portion) -> list[str]:
    """Return the titles of the tasks that the agent did since the first of these commits."""
    begin = datetime.fromtimestamp(room.history.commit(portion.commits[0]).commit_time, UTC).isoformat()
    events = [item.event for item in logs.read_log(room, portion.agent) if isinstance(item, Recorded)]
    # Times to the second: a commit has no more.
    since = [one.body for one in reversed(events) if one.at[:19] >= begin[:19]]
    return list(dict.fromkeys(body.title for body in since if isinstance(body, TaskDone)))


def _subjects(room: Room, portion: Portion) -> list[str]:
    """Return what the commits say, each once; what autosave says only where nothing else is said."""
    found = list(dict.fromkeys(room.history.subject(commit) for commit in portion.commits))
    said = [text for text in found if not any(text.startswith(f"{name}: save ") for name in portion.authors)]
    return said or found


def message_of(room: Room, portion: Portion, *, landed: Oid | None, title: str = "") -> str:
    """Return the message of the commit for a portion; the last one names the fold that it lands."""
    subjects = _subjects(room, portion)
    if len(portion.commits) == 1 and not title:
        body = _body(room, portion.commits[0])
    else:
        body = "\n".join(f"- {one_line(text, 200)}" for text in subjects)
    lines = [(trailers.ROOM, str(room.names.room))]
    lines += [(trailers.COMMIT, id) for id in portion.commits[:MAX_NAMED]]
    if landed is not None:
        lines.append((trailers.LANDED, landed))
    lines += [(trailers.CO_AUTHOR, f"{name} <{name}{ADDRESS}>") for name in portion.authors if name not in _NOBODY]
    return trailers.compose(title or subject_of(room, portion), body, lines)


def _body(room: Room, commit: Oid) -> str:
    """Return the commit's own text below its subject, without trailers, a line at a time."""
    message = room.history.message(commit).rstrip()
    _, _, body = message.partition("\n\n")
    if trailers.parse(message):
        body = body.rpartition("\n\n")[0]
    return "\n".join(one_line(line) for line in body.split("\n"))


def merge_message(room: Room, branch: str, portions: Sequence[Portion], *, landed: Oid, title: str = "") -> str:
    """Return the message of a merge of integration: what each agent did."""
    authors = sorted({name for portion in portions for name in portion.authors} - _NOBODY)
    body = "\n".join(f"- {portion.agent}: {subject_of(room, portion)}" for portion in portions)
    lines = [(trailers.ROOM, str(room.names.room)), (trailers.LANDED, landed)]
    lines += [(trailers.CO_AUTHOR, f"{name} <{name}{ADDRESS}>") for name in authors]
    return trailers.compose(title or f"Merge room {room.names.room} into {branch}", body, lines)


def describe_branch(room: Room, portions: Sequence[Portion], fold: Oid) -> str:
    """Return what a branch for review says of itself, as Markdown, from the room's log: who did what, and how it went.

    Agents' words are shown as code, so that nothing in them is taken for a mention, a link or a command of the forge.
    """
    lines = [f"Work of {', '.join(agents_in(portions)) or 'the room'} in room `{room.names.room}`.", ""]
    for portion in portions:
        lines.append(f"### {portion.agent}: {len(portion.commits)} commits, {len(portion.paths)} files")
        lines += ["", *(f"- {_code(text)}" for text in _subjects(room, portion)), ""]
    settled = [contest for contest in contests.read_contests(room) if not contest.is_open and not contest.replaced_by]
    if settled:
        lines += ["### Contested and settled", ""]
        lines += [f"- {_code(one.record.path)}: {_code(one.how)} by {one.closed_by}" for one in settled] + [""]
    check = last_check(room, fold)
    if check is not None:
        lines += [f"The check {check.result} on `{fold[:10]}` in {check.seconds} s.", ""]
    lines.append(
        f"The room's own history: `git log --notes agentroom/{room.names.room}/integration`, from `{fold[:10]}`."
    )
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{one_line(text, 200).replace('`', chr(39))}`"


def agents_in(portions: Sequence[Portion]) -> tuple[AgentName, ...]:
    return tuple(sorted({name for portion in portions for name in portion.authors} - _NOBODY))
