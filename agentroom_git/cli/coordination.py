"""The agents' verbs: claim, release, handoff, claims, broadcast, read."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, from_here, here
from agentroom_git.cli.output import duration, print_json, say
from agentroom_git.core.escape import one_line

if TYPE_CHECKING:
    from agentroom_git.core.claims import Claim, Returned
    from agentroom_git.room.coordination import Refusal
    from agentroom_git.room.messages import Unread
    from agentroom_git.room.room import Room

REFUSED = 3
Reason = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for the others to read.")]


def register(app: typer.Typer) -> None:
    for command in (claim, release, handoff, claims, broadcast, read):
        app.command()(command)


def claim(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, quoted globs ('*.py'), resources (port:5432)."),
    ],
    reason: Reason = "",
    ttl: Annotated[int | None, typer.Option(metavar="S", help="Lease in seconds; activity renews it.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="Others may hold it shared, too.")] = False,
    wait: Annotated[float, typer.Option(metavar="S", help="Queue for it, first come first served.")] = 0.0,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Claim paths before changing them, all or none. Exit code 3: somebody else holds one."""
    from agentroom_git.room import coordination

    room = here(speaking_as)
    named = [_from_here(room, path) for path in paths]
    answer = coordination.claim(room, named, reason=reason, ttl=ttl, shared=shared, wait=wait)
    if as_json:
        print_json(answer)
    elif isinstance(answer, coordination.Refusal):
        _say_refusal(answer)
    else:
        for one in answer.claims:
            say(f"claimed {one.path} (token {one.token})")
        for one in answer.took_over:
            say(f"taken over from {one.agent}: {one.path}")
        for link in answer.imports:
            say(f"look: {link.path} imports {link.target}; {link.holder} holds one of them")
        for near in answer.forecast:
            say(f"look: {near.path}, held by {near.holder}, changed in {near.commits} of {near.of} commits with these")
    _say_lost(room)
    if isinstance(answer, coordination.Refusal):
        raise typer.Exit(REFUSED)


def _from_here(room: "Room", path: str) -> str:
    """Return what was named in the current folder; a glob without a slash is meant for every folder below it."""
    from agentroom_git.core.patterns import is_glob, is_resource, parse_pattern

    if not path.startswith(("/", "./", "../")) and any(sign in path for sign in "*?[:\\"):
        named = parse_pattern(path)
        if is_resource(named):
            return named
        path = named if is_glob(named) else path
    return from_here(room, path) + ("/" if path.endswith("/") else "")


def _say_refusal(answer: "Refusal") -> None:
    for held in answer.conflicts:
        why = f': "{held.claim.reason}"' if held.claim.reason else ""
        since = f"since {held.claim.granted}, {duration(held.left)} left"
        say(f"refused: {held.claim.agent} holds {held.claim.path}{why}, {since}")
    if answer.waiting:
        say(f"refused: first in the queue: {', '.join(answer.waiting)}")
    if answer.free:
        say(f"free: {', '.join(answer.free)}")


def _say_lost(room: "Room") -> None:
    """Tell the agent, on standard error, which of its claims others took over."""
    from agentroom_git.room import coordination

    if room.me is None:
        return
    losses = coordination.lost_claims(room)
    for one in losses.lost:
        typer.echo(one_line(f"lost: {one.taker} took over {one.claim.path} (token {one.claim.token})"), err=True)
    coordination.mark_told(room, losses)


def release(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="What to give back.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Give back everything.")] = False,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Give back claims. Exit code 3: none, as somebody else holds what you named."""
    from agentroom_git.errors import UsageError
    from agentroom_git.room import turn

    if bool(paths) == everything:
        raise UsageError("nothing to release", hint="name paths, or say --all")
    room = here(speaking_as)
    answer = turn.release(room, [_from_here(room, path) for path in paths] if paths else None)
    if as_json:
        print_json(answer)
    else:
        _say_returned(answer)
    if answer.foreign and not answer.claims:
        raise typer.Exit(REFUSED)


def _say_returned(answer: "Returned") -> None:
    for one in answer.claims:
        say(f"released {one.path}")
    for one in answer.foreign:
        say(f"not released: {one.agent} holds {one.path} now")
    for path in answer.unknown:
        say(f"not held by anybody: {path}")
    if not (answer.claims or answer.foreign or answer.unknown):
        say("nothing was held")


def handoff(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="What you hold and give away.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who gets it.")],
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Pass claims on to another agent, all or none. Exit code 3: you do not hold one of them."""
    from agentroom_git.core.claims import NotHanded
    from agentroom_git.room import coordination

    room = here(speaking_as)
    answer = coordination.handoff(room, [_from_here(room, path) for path in paths], to)
    if as_json:
        print_json(answer)
    elif isinstance(answer, NotHanded):
        for one in answer.foreign:
            say(f"not handed over: {one.agent} holds {one.path}")
        for path in answer.unknown:
            say(f"not held by anybody: {path}")
        for one in answer.kept:
            say(f"not handed over: you would keep {one.path}, which overlaps; name it, too")
    else:
        for one in answer.claims:
            say(f"{one.agent} holds {one.path} now (token {one.token})")
    if isinstance(answer, NotHanded):
        raise typer.Exit(REFUSED)


def claims(as_json: Json = False) -> None:
    """List who holds what."""
    from agentroom_git.room import coordination

    room = here(to_read=True)
    room.integration()
    found = coordination.live_claims(room)
    if as_json:
        print_json(found)
        return
    for held in found:
        say(describe_claim(held.claim, held.left, is_copy=room.copy is not None))
    if not found:
        say("nothing is claimed")


def describe_claim(claim: "Claim", left: float, *, is_copy: bool) -> str:
    """Return one claim as a line; in a copy nobody can say how long it still runs."""
    mode = " (shared)" if claim.shared else ""
    why = f': "{claim.reason}"' if claim.reason else ""
    runs = f"{duration(left)} left" if left > 0 else "run out: the next who asks takes it over"
    if is_copy:
        runs = f"for {duration(claim.ttl)} at a time"
    return f"{claim.agent} holds {claim.path}{mode}{why}, {runs}"


def broadcast(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the others need to know.")],
    topic: Annotated[str, typer.Option(metavar="T", help="What it is about.")] = "",
    to: Annotated[str, typer.Option(metavar="NAME", help="Only for this agent.")] = "",
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Tell the room, or one agent, something."""
    from agentroom_git.room import messages

    recorded = messages.broadcast(here(speaking_as), text, topic=topic, to=to)
    if as_json:
        print_json(recorded)
    else:
        say(f"told {to or 'the room'}")


def read(
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most this many.")] = 20,
    peek: Annotated[bool, typer.Option("--peek", help="Leave them unread.")] = False,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Show unread messages, oldest first, each once."""
    from agentroom_git.room import messages

    room = here(speaking_as, to_read=peek)
    if peek:
        _show_unread(messages.read(room, limit=limit, peek=True), as_json)
        return
    with messages.taking(room, limit=limit) as found:
        _show_unread(found, as_json)


def _show_unread(found: "Unread", as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for message in found.messages:
        topic = f" [{message.topic}]" if message.topic else ""
        say(f"{message.at} {message.sender}{topic}: {message.text}")
    if found.more:
        say(f"{found.more} more wait: read again")
    elif not found.messages:
        say("nothing unread")
