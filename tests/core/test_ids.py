"""Names from outside become refs, folders and note lines: what is let in, and what every refusal tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.ids import (
    DEVICE_NAMES,
    HUMAN,
    RESERVED,
    SIDECAR,
    BadNameError,
    is_oid,
    parse_agent,
    parse_oid,
    parse_room,
    parse_writer,
)

GOOD = ["a", "7", "alice", "agent-1", "agent_1", "a-b_c", "x" * 32]
MALFORMED = [
    "",
    " ",
    "alice ",
    "a b",
    "a/b",
    "../x",
    "..",
    ".",
    "a..b",
    ".alice",
    "alice.",
    "alice.lock",
    "-alice",
    "--help",
    "alice-",
    "_alice",
    "x" * 33,
    "a\nb",
    "alice\n",
    "a\0b",
    "a\x1b[31m",
    "a\u202eb",
    "al\u0456ce",  # Cyrillic i
    "ａｌｉｃｅ",
    "bücher",
    "@{-1}",
    "a~1",
    "a:b",
    "a\\b",
    "a*",
    "\udcff",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert parse_agent(name) == parse_room(name) == parse_writer(name) == name


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("parse", [parse_agent, parse_room, parse_writer])
def test_a_malformed_name_is_refused_with_the_grammar_in_the_hint(parse: object, name: str) -> None:
    with pytest.raises(BadNameError) as refused:
        parse(name)  # type: ignore[operator]
    assert refused.value.exit_code == 2
    assert refused.value.message.isprintable()
    assert refused.value.message.isascii()
    assert "a-z" in refused.value.hint


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_no_agent_but_may_be_a_room(name: str) -> None:
    with pytest.raises(BadNameError, match="is reserved") as refused:
        parse_agent(name)
    assert repr(f"{name}-1") in refused.value.hint
    assert parse_room(name) == name


@pytest.mark.parametrize("name", sorted(DEVICE_NAMES))
def test_a_device_name_is_refused_with_another_to_try(name: str) -> None:
    for parse in (parse_agent, parse_room):
        with pytest.raises(BadNameError, match="device name") as refused:
            parse(name)
        assert parse(f"{name}-1") in refused.value.hint


@pytest.mark.parametrize("name", ["human", "user", "system", "admin", "overseer", "all", "sidecar"])
def test_no_agent_speaks_with_authority(name: str) -> None:
    assert name in RESERVED


@pytest.mark.parametrize("name", ["Alice", "ALICE", "aLICE", "alicE"])
def test_names_that_differ_only_in_case_are_one_name(name: str) -> None:
    with pytest.raises(BadNameError) as refused:
        parse_agent(name)
    assert refused.value.hint == "use 'alice'"


def test_the_sidecar_and_the_human_write_logs_but_are_no_agents() -> None:
    assert (parse_writer("sidecar"), parse_writer("human")) == (SIDECAR, HUMAN)
    for name in (SIDECAR, HUMAN):
        with pytest.raises(BadNameError):
            parse_agent(name)


@given(st.text(max_size=40))
def test_what_is_let_in_is_one_lower_case_component_of_a_ref(raw: str) -> None:
    try:
        name = parse_agent(raw)
    except BadNameError:
        return
    assert name == raw
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert name[0].isalnum()


def test_an_object_id_is_forty_lower_case_hexadecimal_digits() -> None:
    good = "0123456789abcdef0123456789abcdef01234567"
    assert parse_oid(good) == good
    for bad in ("", good[:-1], good + "0", good.upper(), good + "\n", "-" + good[1:], "g" * 40):
        assert not is_oid(bad)
        with pytest.raises(ValueError, match="not a full object id"):
            parse_oid(bad)
