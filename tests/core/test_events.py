"""The event codec: any text comes back, and nothing but one whole record of this version is believed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.event_line import MAX_LINE, EventError, decode, encode
from agentroom_git.core.events import (
    Broadcast,
    Claimed,
    Event,
    Joined,
    Left,
    Notice,
    Opened,
    ReadUpTo,
    Recorded,
    Refused,
    Released,
    Renewed,
    Rewrote,
)
from agentroom_git.core.ids import AgentName, Oid

TEXT = st.text(st.characters(), max_size=30)  # lone surrogates and controls included
TEXTS = st.lists(TEXT, max_size=4).map(tuple)
NUMBER = st.integers(-(2**40), 2**40)
BODIES = st.one_of(
    st.builds(Opened, TEXT, TEXT),
    st.builds(Joined, TEXT, TEXT, TEXT),
    st.builds(Left, NUMBER, TEXTS),
    st.builds(Broadcast, TEXT, TEXT, TEXT),
    st.builds(ReadUpTo, TEXTS),
    st.builds(Rewrote, TEXT, TEXT, TEXT, TEXT),
    st.builds(Notice, TEXT, TEXTS, TEXT, TEXTS),
    st.builds(Claimed, TEXTS, TEXTS, TEXT, NUMBER, st.booleans(), TEXTS),
    st.builds(Released, TEXTS, TEXTS),
    st.builds(Renewed, TEXTS),
    st.builds(Refused, TEXTS, TEXTS, TEXT),
)
EVENTS = st.builds(Event, TEXT.map(AgentName), st.integers(0, 2**53), TEXT, TEXT, TEXT, BODIES)
SAID = Event(AgentName("alice"), 3, "2025-06-01T00:00:00Z", "", "k1", Broadcast("hello", "", ""))
LINE = encode(SAID)


@given(EVENTS)
def test_an_event_of_any_text_comes_back_from_one_ascii_line(event: Event) -> None:
    line = encode(event)
    assert line.isascii()
    assert line.isprintable()
    assert line.startswith('{"v":1,')
    assert decode(line) == event
    assert encode(decode(line)) == line


@given(EVENTS)
def test_the_subject_is_one_printable_line(event: Event) -> None:
    subject = event.subject()
    assert len(subject.splitlines()) <= 1
    assert len(subject) <= 400
    subject.encode()


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_any_other_text_is_an_event_error(text: str) -> None:
    with pytest.raises(EventError):
        decode(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["v", "type", "agent", "lamport", "at", "seen", "key", "body"]), JSON)
def test_a_field_of_another_kind_is_an_event_error_or_an_event(name: str, value: object) -> None:
    record = json.loads(LINE) | {name: value}
    try:
        event = decode(json.dumps(record))
    except EventError:
        return
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace('"agent":"alice"', '"agent":"alice","agent":"mallory"'),
        LINE.replace('"text":"hello"', '"text":"hello","text":"forged"'),
        LINE.replace('{"v":1', '{"v":1,"v":1'),
    ],
)
def test_a_key_named_twice_is_refused(line: str) -> None:
    with pytest.raises(EventError, match="names a key twice"):
        decode(line)


@pytest.mark.parametrize("version", ["2", "0", '"1"', "1.0", "true", "null", "[1]"])
def test_another_version_is_refused_before_anything_of_it_is_believed(version: str) -> None:
    with pytest.raises(EventError, match="this agentroom reads version 1") as refused:
        decode(f'{{"v":{version},"body":"not even an object"}}')
    assert refused.value.hint.startswith("upgrade agentroom")


def test_an_unknown_type_names_the_remedy() -> None:
    with pytest.raises(EventError, match="unknown event type 'sang'") as refused:
        decode(LINE.replace('"broadcast"', '"sang"'))
    assert refused.value.hint.startswith("upgrade agentroom")


def test_two_records_on_one_line_are_none() -> None:
    with pytest.raises(EventError):
        decode(LINE + LINE)
    with pytest.raises(EventError):
        decode(f"[{LINE}]")


def test_keys_that_a_later_program_added_are_ignored() -> None:
    assert decode(LINE.replace('"v":1,', '"v":1,"mood":"fine",')) == SAID


def test_a_line_over_the_limit_is_refused_when_read() -> None:
    long = encode(replace(SAID, body=Broadcast("x" * MAX_LINE, "", "")))
    with pytest.raises(EventError, match="longer than"):
        decode(long)


def test_a_record_nested_beyond_the_stack_is_an_event_error() -> None:
    for opening in ("[", '{"v":'):
        with pytest.raises(EventError):
            decode((opening * 60_000)[:MAX_LINE])


@pytest.mark.parametrize("lamport", ["-1", "true", "1.5", '"3"', str(2**63), "1" + "0" * 4000])
def test_a_lamport_time_that_no_clock_reaches_is_refused(lamport: str) -> None:
    with pytest.raises(EventError, match="lamport"):
        decode(LINE.replace('"lamport":3', f'"lamport":{lamport}'))


def test_the_order_is_lamport_then_writer_then_commit() -> None:
    def at(lamport: int, agent: str, id: str) -> Recorded:
        return Recorded(Oid(id), replace(SAID, lamport=lamport, agent=AgentName(agent)))

    ordered = [at(1, "bob", "f"), at(2, "alice", "e"), at(2, "alice", "f"), at(2, "bob", "a"), at(10, "alice", "0")]
    assert sorted({*ordered}, key=lambda recorded: recorded.order) == ordered
