"""The agents' verbs: claim, release, claims, broadcast, read."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, from_here, here
from agentroom_git.cli.output import duration, print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.messages import Unread

REFUSED = 3
Reason = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for the others to read.")]


def register(app: typer.Typer) -> None:
    for command in (claim, release, claims, broadcast, read):
        app.command()(command)


def claim(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files or folders; a folder with all in it.")],
    reason: Reason = "",
    ttl: Annotated[int | None, typer.Option(metavar="S", help="Lease in seconds; activity renews it.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="Others may hold it shared, too.")] = False,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Claim paths before changing them, all or none. Exit code 3: somebody else holds one."""
    from agentroom_git.room import coordination

    room = here(speaking_as)
    answer = coordination.claim(room, [from_here(room, path) for path in paths], reason=reason, ttl=ttl, shared=shared)
    if as_json:
        print_json(answer)
    elif isinstance(answer, coordination.Refusal):
        for held in answer.conflicts:
            why = f': "{held.claim.reason}"' if held.claim.reason else ""
            say(f"refused: {held.claim.agent} holds {held.claim.path}{why}, {duration(held.left)} left")
        if answer.free:
            say(f"free: {', '.join(answer.free)}")
    else:
        for one in answer.claims:
            say(f"claimed {one.path} (token {one.token})")
        for one in answer.took_over:
            say(f"taken over from {one.agent}: {one.path}")
    if isinstance(answer, coordination.Refusal):
        raise typer.Exit(REFUSED)


def release(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="What to give back.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Give back everything.")] = False,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Give back claims."""
    from agentroom_git.errors import UsageError
    from agentroom_git.room import coordination

    if bool(paths) == everything:
        raise UsageError("nothing to release", hint="name paths, or say --all")
    room = here(speaking_as)
    answer = coordination.release(room, [from_here(room, path) for path in paths] if paths else None)
    if as_json:
        print_json(answer)
        return
    for one in answer.claims:
        say(f"released {one.path}")
    for one in answer.foreign:
        say(f"not released: {one.agent} holds {one.path} now")
    for path in answer.unknown:
        say(f"not held by anybody: {path}")
    if not (answer.claims or answer.foreign or answer.unknown):
        say("nothing was held")


def claims(as_json: Json = False) -> None:
    """List who holds what."""
    from agentroom_git.room import coordination

    room = here()
    room.integration()
    found = coordination.live_claims(room)
    if as_json:
        print_json(found)
        return
    for held in found:
        say(describe_claim(held.claim.agent, held.claim.path, held.claim.reason, held.left, held.claim.shared))
    if not found:
        say("nothing is claimed")


def describe_claim(agent: str, path: str, reason: str, left: float, shared: bool) -> str:
    """Return one claim as a line."""
    mode = " (shared)" if shared else ""
    why = f': "{reason}"' if reason else ""
    runs = f"{duration(left)} left" if left > 0 else "run out: the next who asks takes it over"
    return f"{agent} holds {path}{mode}{why}, {runs}"


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

    room = here(speaking_as)
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
