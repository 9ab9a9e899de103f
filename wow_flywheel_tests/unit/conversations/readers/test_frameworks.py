"""What agent frameworks and model APIs log of the same small conversation: one line each in `frameworks.jsonl`."""

import json
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text

LINES = [json.loads(line) for line in Path(__file__).with_name("frameworks.jsonl").read_text(encoding="utf-8").splitlines()]
Told = tuple[str, str, list[Any]]
QUESTION: Told = ("user", "Weather?", [])
CALL: Told = ("assistant", "", [("weather", {"city": "Berlin"})])
REPLY: Told = ("assistant", "Sunny.", [])
SAYS = {"turn": [QUESTION, CALL, ("tool", "18°C", []), REPLY], "reply": [REPLY], "call": [CALL], "question": [QUESTION]}


def told(messages: list[dict[str, Any]] | None) -> list[Told]:
    return [
        (
            each["role"],
            (each.get("content") or "").strip(),
            [(call["name"], json.loads(call["arguments"])) for call in each.get("tool_calls") or ()],
        )
        for each in messages or ()
    ]


@pytest.mark.parametrize("case", [pytest.param(each, id=f"{each['says']}: {each['name']}") for each in LINES])
@pytest.mark.parametrize("as_text", [False, True])
def test_every_framework_says_the_same(case: dict[str, Any], as_text: bool) -> None:
    logged = json.dumps(case["logged"]) if as_text and not isinstance(case["logged"], str) else case["logged"]
    if case["says"] == "turn":
        assert told(chat_messages(logged, "user")) == SAYS["turn"]
    else:
        assert told(messages_or_text(logged, "user" if case["says"] == "question" else "assistant")) == SAYS[case["says"]]


def test_the_ids_of_calls_and_results_agree() -> None:
    no_ids = {"cohere v1 result", "vapi", "smolagents"}
    for case in LINES:
        if case["says"] == "turn" and case["name"] not in no_ids:
            messages = chat_messages(case["logged"], "user") or []
            assert [messages[1]["tool_calls"][0]["id"], messages[2]["tool_call_id"]] == ["c1", "c1"], case["name"]


def test_a_transcript_in_one_text_is_its_turns() -> None:
    text = "system: Be kind.\nuser: Weather?\nIn Berlin: now\nassistant: Sunny."
    expected: list[Told] = [("system", "Be kind.", []), ("user", "Weather?\nIn Berlin: now", []), ("assistant", "Sunny.", [])]
    assert told(messages_or_text(text, "user")) == expected
    assert told(messages_or_text("Note: user: x", "user")) == [("user", "Note: user: x", [])]


@pytest.mark.parametrize(
    "logged",
    [
        {"city": "Berlin"},
        {"results": [{"title": "x", "url": "y"}]},
        {"result": {"output": 5}},
        {"items": [{"sku": 1, "name": "Pen"}]},
        {"name": "find", "arguments": {"q": "x"}},
        [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
        "['a', 'b']",
        "{'city': 'Berlin'}",
        ["a", "b"],
    ],
)
def test_arguments_results_and_definitions_are_no_messages(logged: Any) -> None:
    assert not chat_messages(logged, "user")
