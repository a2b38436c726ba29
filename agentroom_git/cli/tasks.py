"""Working together: task add|list|claim|done|drop, note, wait."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentroom_git.cli.opened import As, Json, here
from agentroom_git.cli.output import duration, print_json, say

if TYPE_CHECKING:
    from agentroom_git.room.task_list import Listed

REFUSED = 3
Id = Annotated[str, typer.Argument(metavar="ID", help="The task, by the beginning of its id.")]
Said = Annotated[str, typer.Argument(metavar="[TEXT]", help="What there is to say about it.")]

task = typer.Typer(help="The room's shared task list.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(task, name="task")
    app.command()(note)
    app.command()(wait)


@task.command("add")
def add(
    title: Annotated[str, typer.Argument(metavar="[TITLE]", help="What is to be done, in a line.")] = "",
    accept: Annotated[str, typer.Option(metavar="TEXT", help="How one sees that it is done.")] = "",
    needs: Annotated[list[str] | None, typer.Option(metavar="ID", help="A task that comes first; repeat it.")] = None,
    marker: Annotated[str, typer.Option("--from", metavar="PATH:LINE", help="The marker it is made from.")] = "",
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Put a task on the list, or make one from an unimplemented marker."""
    from agentroom_git.room import tasks

    room = here(speaking_as)
    if marker:
        made = tasks.add_found(room, marker, title=title, acceptance=accept, needs=needs or ())
    else:
        made = tasks.add(room, title, acceptance=accept, needs=needs or ())
    if as_json:
        print_json(made)
    else:
        say(f"added {made.id}: {made.title}")


@task.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is done and dropped.")] = False,
    found: Annotated[bool, typer.Option("--found", help="Unimplemented markers on integration instead.")] = False,
    marker: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="With --found: look for this word instead; repeat it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what there is to do, who does it, and what waits for what."""
    from agentroom_git.room import tasks

    room = here(to_read=True)
    if found:
        markers = tasks.found_work(room, markers=marker or ())
        if as_json:
            print_json(markers)
            return
        for one in markers:
            say(f"{one.path}:{one.line}: {one.text}")
        if not markers:
            say("no markers")
        return
    listed = tasks.list_tasks(room, everything=everything)
    if as_json:
        print_json(listed)
        return
    for task in listed:
        for line in describe_task(task):
            say(line)
    if not listed:
        say("nothing to do")


def describe_task(one: "Listed") -> list[str]:
    """Return a task as lines: what it is, how one sees that it is done, and its marker where it outlived the task."""
    task = one.task
    lines = [one.summary]
    if task.acceptance and task.is_open:
        lines.append(f"  done when: {task.acceptance}")
    lines += [f"  done, but still there: {marker.path}:{marker.line}: {marker.text}" for marker in one.left]
    return lines


@task.command("claim")
def claim(id: Id, speaking_as: As = "", as_json: Json = False) -> None:
    """Take a task. Exit code 3: somebody else holds it, or others come first."""
    from agentroom_git.room import coordination, tasks

    answer = tasks.claim(here(speaking_as), id)
    if as_json:
        print_json(answer)
    elif isinstance(answer, tasks.NotYet):
        say(f"{answer.task.id} waits for {', '.join(f'{one.id} ({one.title})' for one in answer.waits_for)}")
    elif isinstance(answer, coordination.Refusal):
        for held in answer.conflicts:
            say(f"refused: {held.claim.agent} holds {held.claim.path}, {duration(held.left)} left")
    else:
        for one in answer.claims:
            say(f"claimed {one.path} (token {one.token})")
    if isinstance(answer, tasks.NotYet | coordination.Refusal):
        raise typer.Exit(REFUSED)


@task.command("done")
def done(id: Id, text: Said = "", speaking_as: As = "", as_json: Json = False) -> None:
    """Say that a task is done, and give back the claim on it."""
    from agentroom_git.room import tasks

    finished = tasks.finish(here(speaking_as), id, text)
    if as_json:
        print_json(finished)
        return
    for line in describe_task(finished):
        say(line)


@task.command("drop")
def drop(id: Id, text: Said = "", speaking_as: As = "", as_json: Json = False) -> None:
    """Take a task off the list for everybody. To give it back instead: agentroom release task:ID."""
    from agentroom_git.room import tasks

    dropped = tasks.drop(here(speaking_as), id, text)
    if as_json:
        print_json(dropped)
    else:
        say(f"dropped {dropped.id}: {dropped.title}")


def note(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="What to put on it; without it, read.")] = "",
    topic: Annotated[str, typer.Option(metavar="T", help="What it is about; read only this.")] = "",
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="Read the newest N; 0: all.")] = 20,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Put a line on the room's scratchpad, or read it. Nothing on it is ever changed or taken away."""
    from agentroom_git.room import scratchpad

    room = here(speaking_as, to_read=not text)
    if text:
        recorded = scratchpad.add_note(room, text, topic)
        if as_json:
            print_json(recorded)
        else:
            say(f"noted{f' under {topic}' if topic else ''}")
        return
    page = scratchpad.read_notes(room, topic, limit=limit)
    if as_json:
        print_json(page)
        return
    if page.earlier:
        say(f"{page.earlier} earlier: --limit 0 shows all")
    for one in page.notes:
        say(f"{one.at} {one.agent}{f' [{one.topic}]' if one.topic else ''}: {one.text}")
    if not page.notes:
        say("nothing was noted")


def wait(
    seconds: Annotated[float, typer.Argument(metavar="[SECONDS]", min=0, help="At most this long.")] = 60.0,
    kinds: Annotated[
        list[str] | None, typer.Option("--for", metavar="messages|claims|folds", help="Only for this; repeat it.")
    ] = None,
    speaking_as: As = "",
    as_json: Json = False,
) -> None:
    """Wait until something concerns you: a message, or claims of others that end. Exit code 3: nothing did."""
    from agentroom_git.room import waiting

    woken = waiting.wait(here(speaking_as), seconds, kinds=tuple(kinds or ()))
    if as_json:
        print_json(woken)
    elif woken.reason == waiting.MESSAGES:
        say(f"{woken.unread} unread: agentroom read")
    elif woken.reason == waiting.CLAIMS:
        say(f"no longer held: {', '.join(woken.free)}")
    elif woken.reason == waiting.FOLDS:
        say(f"folded: integration is at {woken.integration[:10]}")
    else:
        say(f"nothing in {duration(woken.seconds)}")
    if not woken.reason:
        raise typer.Exit(REFUSED)
