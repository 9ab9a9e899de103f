"""The unified output, and logged conversations as training chat: nothing lost, nothing in the wrong place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.dialogue import (
    Action,
    DialogueAction,
    Message,
    ToolCall,
    assistant_actions,
    openai_message,
    to_chat,
    tool_results,
)
from wow_flywheel_tests.unit.inspection.talk import agent, tool, user


def called(*calls: tuple[str | None, str, str], content: str | None = None) -> Message:
    """An assistant turn with calls: id, name, arguments as logged."""
    made: list[ToolCall] = [{"id": key, "name": name, "arguments": arguments} for key, name, arguments in calls]
    return {"role": "assistant", "content": content, "tool_calls": made}


def said(reply: str | None = None, name: str | None = None, **arguments: Any) -> str:
    return DialogueAction(reply=reply, action=Action(name=name, arguments=arguments) if name else None).to_json()


def test_a_talk_becomes_chat_turn_by_turn() -> None:
    talk = [user("Where is 7?"), called(("a", "find", '{"order": 7}')), tool("a", city="Porto"), agent("In Porto.")]
    assert to_chat(talk) == [
        {"role": "user", "content": "Where is 7?"},
        {"role": "assistant", "content": said(None, "find", order=7)},
        {"role": "tool", "content": '{"city": "Porto"}'},
        {"role": "assistant", "content": said("In Porto.")},
    ]


def test_parallel_calls_follow_each_other_each_with_its_own_result() -> None:
    talk = [called(("a", "find", "{}"), ("b", "look", "{}"), content="One moment."), tool("b", n=2), tool("a", n=1)]
    assert [message["content"] for message in to_chat(talk)] == [
        said("One moment.", "find"),
        '{"n": 1}',
        said(None, "look"),
        '{"n": 2}',
    ]


def test_ids_that_begin_anew_in_every_turn_keep_results_with_their_own_calls() -> None:
    both = called(("0", "find", "{}"), ("1", "look", "{}"))
    talk = [
        both,
        tool("0", n=1),
        tool("1", n=2),
        both,
        tool("0", n=3),
        tool("1", n=4),
        called(("0", "last", "{}")),
        tool("0", n=5),
    ]
    contents = [message["content"] for message in to_chat(talk)]
    assert [json.loads(content)["n"] for content in contents if "n" in json.loads(content)] == [1, 2, 3, 4, 5]
    assert contents[-2:] == [said(None, "last"), '{"n": 5}']
    assert [tool_results(talk, turn) for turn in (0, 3, 6)] == [{"0": 1, "1": 2}, {"0": 4, "1": 5}, {"0": 7}]


def test_a_result_that_comes_late_still_belongs_to_its_call() -> None:
    talk = [called(("a", "find", "{}")), agent("One moment."), tool("a", n=1), tool("a", n=2), tool("z", n=3)]
    assert tool_results(talk, 0) == {"a": 2}


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ("", {}),
        ('{"a": [1]}', {"a": [1]}),
        ("[1]", {"_raw": [1]}),
        ("{a: 1}", {"_raw": "{a: 1}"}),
        ('{"q": "\\ud83d"}', {"_raw": '{"q": "\\ud83d"}'}),
        ('{"n": NaN}', {"_raw": '{"n": NaN}'}),
        ('{"n": 1e999}', {"_raw": '{"n": 1e999}'}),
        ('{"n": ' + "9" * 5000 + "}", {"_raw": '{"n": ' + "9" * 5000 + "}"}),
        ("[" * 5000 + "]" * 5000, {"_raw": "[" * 5000 + "]" * 5000}),
    ],
    ids=["none", "object", "list", "no JSON", "half a character", "NaN", "infinite", "huge", "deep"],
)
def test_arguments_that_are_no_json_object_are_kept_as_they_are(arguments: str, kept: dict[str, Any]) -> None:
    (output,) = assistant_actions(called(("a", "find", arguments)))
    assert output.action == Action(name="find", arguments=kept)
    assert json.loads(output.to_json().encode())["action"]["arguments"] == kept


def test_a_turn_with_nothing_in_it_gives_no_output() -> None:
    assert assistant_actions({"role": "assistant", "content": ""}) == []


@pytest.mark.parametrize("text", ["", "hi", "[]", '{"reply": ""}', '{"reply": "a", "mood": 1}', '{"action": {"name": ""}}'])
def test_what_neither_replies_nor_acts_is_no_output(text: str) -> None:
    assert DialogueAction.from_json(text) is None


def test_an_output_as_an_openai_message() -> None:
    output = DialogueAction(reply="一刻。", action=Action(name="find", arguments={"城市": "波尔图"}))
    function = {"name": "find", "arguments": '{"城市": "波尔图"}'}
    assert openai_message(output, "c1") == {
        "role": "assistant",
        "content": "一刻。",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    assert openai_message(DialogueAction(reply="Hi."), "c1") == {"role": "assistant", "content": "Hi."}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(reply=st.none() | TEXT, name=st.none() | TEXT.filter(bool), arguments=st.dictionaries(TEXT, VALUES, max_size=3))
def test_an_output_written_and_read_again_is_the_same(reply: str | None, name: str | None, arguments: dict[str, Any]) -> None:
    output = DialogueAction(reply=reply, action=Action(name=name, arguments=arguments) if name else None)
    assert DialogueAction.from_json(output.to_json()) == (output if reply or name else None)
