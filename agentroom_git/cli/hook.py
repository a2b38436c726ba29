"""`agentroom hook CLIENT`: what agents' command lines call before and after their tools, at start and at stop.

The event comes as JSON on standard input, the answer goes as JSON to standard output. Most answers are "go on" and are
given from a cache that proves its own freshness, before anything but the standard library is imported. Whatever fails
lets the agent go on, and is written down.
"""

import os
import sys

from agentroom_git.agents.dialects import AFTER, BEFORE, DIALECTS, END, PROMPT, START, STOP, Dialect, Event
from agentroom_git.room import hookcache, reading, toolmark
from agentroom_git.room.hookcache import Known, Seat, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentroom_git.room.room import Room

MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_LOG_BYTES = 256 * 1024


def main(arguments: list[str]) -> int:
    """Answer one event; the exit code is 0 whatever happens, but 1 for a client that is not known."""
    dialect = DIALECTS.get(arguments[0]) if len(arguments) == 1 else None
    if dialect is None:
        sys.stderr.write(f"agentroom: hook takes one of: {', '.join(DIALECTS)}\n")
        return 1
    seat: Seat | None = None
    try:
        record = parse_json(sys.stdin.buffer.read(MAX_EVENT_BYTES).decode().strip())
        event = dialect.decode(record if isinstance(record, dict) else {}, os.getcwd())
        seat = _find_seat(event)
        if seat is not None:
            _follow(seat, dialect, event)
    except Exception as error:  # noqa: BLE001 - a hook must never stand in an agent's way
        _write_down(seat, error)
    return 0


def _follow(seat: Seat, dialect: Dialect, event: Event) -> None:
    """Answer the event, and keep sync away meanwhile: before a tool, also until it has ended."""
    if event.kind == BEFORE:
        toolmark.follow(seat.git_dir, "PreToolUse", event.tool)
    try:
        if not (event.kind == AFTER and _look_at_writes(seat, dialect, event)):
            _answer(seat, dialect, event)
    finally:
        if event.kind != BEFORE:
            toolmark.clear(seat.git_dir)


def _find_seat(event: Event) -> Seat | None:
    """Return the agent's seat: where its session was started, before the folder that it happens to be in now."""
    for place in (os.environ.get("CLAUDE_PROJECT_DIR", ""), event.cwd, os.getcwd()):
        seat = hookcache.find_seat(os.path.realpath(place)) if place else None
        if seat is not None:
            return seat
    return None


def _write(answer: "dict[str, Any]") -> None:
    import json

    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _write_down(seat: Seat | None, error: Exception) -> None:
    if seat is None:
        return
    import json
    import time

    try:
        line = json.dumps({"at": time.time(), "agent": seat.agent, "error": f"{type(error).__name__}: {error}"})
        log = seat.failed_open
        os.makedirs(os.path.dirname(log), exist_ok=True)
        if os.path.exists(log) and os.path.getsize(log) > MAX_LOG_BYTES:
            os.replace(log, f"{log}.old")
        with open(log, "a", encoding="utf-8") as file:
            file.write(line[:2000] + "\n")
    except OSError:
        return


def _answer(seat: Seat, dialect: Dialect, event: Event) -> None:
    if not event.kind:
        return
    known = hookcache.read_known(seat)
    if known is not None and _is_settled(known, seat, dialect, event):
        return
    _find_libraries()
    if event.kind == BEFORE:
        _judge(seat, dialect, event)
    elif event.kind in (AFTER, PROMPT, START):
        _bring_news(seat, dialect, event)
    elif event.kind == STOP:
        _mind_stop(seat, dialect, event)
    elif event.kind == END and not event.goes_on and not _is_under_run(seat):
        _end(seat)


def _find_libraries() -> None:
    """Make what is installed importable, where Python was started without it (hooks/agent.py)."""
    if sys.flags.no_site and "site" not in sys.modules:
        import site

        site.main()


def _is_settled(known: Known, seat: Seat, dialect: Dialect, event: Event) -> bool:
    """Return whether what is known is enough to go on without a word."""
    if event.kind == PROMPT or (event.kind == AFTER and dialect.tells_before):
        return not known.has_news
    if event.kind == AFTER:
        return not known.has_news and _is_free(known, seat, event)
    return event.kind == BEFORE and _is_free(known, seat, event)


def _is_free(known: Known, seat: Seat, event: Event) -> bool:
    if known.level == "off":
        return True
    if hookcache.may_write(event.command) and (known.others or known.globs or "git" in event.command):
        return False
    return all(hookcache.is_free(known, seat, path) for path in event.paths)


def _room(seat: Seat) -> "Room":
    from pathlib import Path

    from agentroom_git.room.room import open_room
    from agentroom_git.system.clock import SystemClock

    return open_room(Path(seat.top), SystemClock())


def _look_at_writes(seat: Seat, dialect: Dialect, event: Event) -> bool:
    """Note what a tool showed and wrote; say, and return whether, something had to be done about a whole file."""
    paths = reading.follow(seat, event.shown, event.paths, event.command, is_whole=event.is_whole)
    if not paths:
        return False
    _find_libraries()
    from agentroom_git.room import stale

    said = stale.look_at_own(_room(seat), seat, paths)
    if said:
        _write(dialect.tell(event, said))
    return bool(said)


def _judge(seat: Seat, dialect: Dialect, event: Event) -> None:
    from pathlib import Path

    from agentroom_git.room import enforcement

    room = _room(seat)
    judged = enforcement.judge(room, [Path(path) for path in event.paths], event.command, Path(event.folder))
    if not judged.is_allowed:
        toolmark.clear(seat.git_dir)
        _write(dialect.refuse(event, judged.text))
        return
    enforcement.learn(room, seat)
    if judged.text and dialect.tells_before:
        _write(dialect.tell(event, judged.text))


def _bring_news(seat: Seat, dialect: Dialect, event: Event) -> None:
    """Say what the agent has to know; messages are marked as read when they have been written, so that a kill shows
    them again."""
    from agentroom_git.room import briefing, coordination, enforcement, messages

    room = _room(seat)
    losses = coordination.lost_claims(room)
    late = _late_word(room, dialect, event)
    said = briefing.describe(room, losses) if event.kind == START else briefing.remind(losses, late)
    with messages.taking(room, max_bytes=briefing.room_for_messages(said)) as found:
        text = briefing.compose(said, found)
        if text:
            _write(dialect.tell(event, text))
    coordination.mark_told(room, losses)
    if not found.messages:
        enforcement.learn(room, seat)


def _late_word(room: "Room", dialect: Dialect, event: Event) -> str:
    """Return what the dialect could not say before the tool ran."""
    from pathlib import Path

    from agentroom_git.room import enforcement

    if event.kind != AFTER or dialect.tells_before:
        return ""
    return enforcement.remind(room, [Path(path) for path in event.paths], event.command, Path(event.folder))


def _mind_stop(seat: Seat, dialect: Dialect, event: Event) -> None:
    from agentroom_git.room import abandonment, running, saving

    room = _room(seat)
    if _is_under_run(seat) and not running.is_running(room, room.agent()):
        # Its client was faster: `agentroom run` has looked after what is left.
        return
    saving.save_own(room, "at the end of a turn")
    urge = abandonment.at_stop(room, event.session, is_again=event.is_again)
    if urge:
        _write(dialect.keep_on(urge))


def _is_under_run(seat: Seat) -> bool:
    """Return whether `agentroom run` started the agent: it looks after what is left when the command has ended."""
    return os.environ.get("AGENTROOM_AGENT") == seat.agent


def _end(seat: Seat) -> None:
    from agentroom_git.room import abandonment, saving

    room = _room(seat)
    saving.save_own(room, "at the end of its session")
    abandonment.at_end(room)
