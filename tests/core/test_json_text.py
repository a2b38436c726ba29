"""Editing JSON in place: what is asked for changes, and not one other character."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.json_text import JsonTextError, add, load, put, take, take_items

COMMENTED = """\
// my settings
{
    "theme": "dark", // not light
    "mcpServers": {
        /* mine */
        "other": {"command": "x",},
    },
}
"""


def test_what_is_there_keeps_its_comments_and_layout() -> None:
    changed = put(COMMENTED, ("mcpServers", "agentroom"), {"command": "agentroom"})

    assert changed == COMMENTED.replace(
        '"x",},\n', '"x",},\n        "agentroom": {\n            "command": "agentroom"\n        }\n'
    )
    assert take(changed, ("mcpServers", "agentroom")) == COMMENTED.replace('"x",},\n', '"x",}\n')


@pytest.mark.parametrize("text", ["", "{}", "{}\n", "{ }", "{\n}\n", '{"a": 1}', '{"a": {"b": 2}}\n'])
def test_what_is_put_is_there_and_can_be_taken_out_again(text: str) -> None:
    before = load(text)
    changed = put(text, ("a2", "b", "c"), [1, {"d": None}])

    assert load(changed) == before | {"a2": {"b": {"c": [1, {"d": None}]}}}
    assert load(take(changed, ("a2", "b", "c"))) == before


def test_a_value_that_is_there_is_replaced() -> None:
    assert put('{"a": {"b": 1}, "c": 2}', ("a", "b"), "new") == '{"a": {"b": "new"}, "c": 2}'


def test_an_item_is_added_once() -> None:
    once = add('{"allow": ["x"]}', ("allow",), "y")

    assert once == '{"allow": ["x", "y"]}'
    assert add(once, ("allow",), "y") == once


def test_items_of_ours_are_taken_and_others_stay() -> None:
    text = '{"hooks": {"Stop": [{"c": "mine"}, {"c": "ours"}], "End": [{"c": "ours"}]}}'

    def is_ours(item: Any) -> bool:
        return item["c"] == "ours"

    left = take_items(take_items(text, ("hooks", "Stop"), is_ours), ("hooks", "End"), is_ours)
    assert load(left) == {"hooks": {"Stop": [{"c": "mine"}]}}
    assert take_items(left, ("hooks", "Nothing"), is_ours) == left


def test_what_is_not_there_is_taken_from_nowhere() -> None:
    assert take(COMMENTED, ("mcpServers", "agentroom")) == COMMENTED


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a"}', '{"a": 1 "b": 2}', "{} x", '{"a": nope}', "[" * 10_000, '{"a": "\\q"}']
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError):
        put(text, ("a",), 1)


def test_something_else_where_an_object_belongs_is_refused() -> None:
    with pytest.raises(JsonTextError):
        put('{"mcpServers": []}', ("mcpServers", "agentroom"), {})
    with pytest.raises(JsonTextError):
        add('{"allow": {}}', ("allow",), "x")


KEYS = st.sampled_from(["a", "b", 'q"', "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(before=st.dictionaries(KEYS, VALUES, max_size=3), value=VALUES, indent=st.sampled_from([None, 2, "\t"]))
def test_any_object_takes_a_member_and_gives_it_back(before: dict[str, Any], value: Any, indent: Any) -> None:
    text = json.dumps(before, indent=indent)
    changed = put(text, ("new", "member"), value)

    assert load(changed) == before | {"new": {"member": value}}
    assert load(take(changed, ("new", "member"))) == before
