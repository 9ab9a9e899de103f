"""Each framework's shape, in small: what a team may log beside the real samples."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.messages import ROLES
from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text

ARGUMENTS = {"city": "Berlin"}
CALL = {"id": "c1", "name": "weather", "arguments": '{"city": "Berlin"}'}
USER = {"role": "user", "content": "Weather?"}
REPLY = {"role": "assistant", "content": "Sunny."}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "content": "18°C", "tool_call_id": "c1"}
TURN = [USER, ASKED, ANSWER, REPLY]


def said(value: Any, role: str = "assistant") -> list[dict[str, Any]]:
    """The messages in a value, without fields that hold nothing and without the names of results."""
    found = chat_messages(value, role) or []
    return [{name: each for name, each in message.items() if name != "name" and _says(name, each)} for message in found]


def _says(name: str, value: Any) -> bool:
    return value is not None or name == "content"


def function(arguments: Any = ARGUMENTS, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather", "arguments": arguments}} | more


SHAPES: dict[str, Any] = {
    "openai chat": [USER, {"role": "assistant", "content": None, "tool_calls": [function(id="c1")]}, ANSWER, REPLY],
    "openai chat, arguments as text": [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [function('{"city": "Berlin"}', id="c1")]},
        ANSWER,
        REPLY,
    ],
    "openai responses": {
        "instructions": None,
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": '{"city": "Berlin"}'},
            {"type": "function_call_output", "call_id": "c1", "output": "18°C"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Sunny."}]},
        ],
    },
    "otel parts": [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": ARGUMENTS}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "18°C"}]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "Sunny."}]},
    ],
    "gen_ai events": [
        {"event.name": "gen_ai.user.message", "content": "Weather?"},
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "tool_calls": [function(id="c1")]},
        {"event.name": "gen_ai.tool.message", "content": "18°C", "id": "c1", "tool_call_id": "c1"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Sunny."}},
    ],
    "openinference, flattened": {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Weather?",
        "llm.input_messages.1.message.role": "assistant",
        "llm.input_messages.1.message.tool_calls.0.tool_call.id": "c1",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "weather",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"city": "Berlin"}',
        "llm.input_messages.2.message.role": "tool",
        "llm.input_messages.2.message.content": "18°C",
        "llm.input_messages.2.message.tool_call_id": "c1",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "Sunny.",
    },
    "openllmetry, flattened": {
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "Weather?",
        "gen_ai.prompt.1.role": "assistant",
        "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "weather",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"city": "Berlin"}',
        "gen_ai.prompt.2.role": "tool",
        "gen_ai.prompt.2.content": "18°C",
        "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Sunny.",
    },
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "weather", "args": ARGUMENTS}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "weather", "response": "18°C"}}]},
            {"role": "model", "parts": [{"text": "thinking", "thought": True}, {"text": "Sunny."}]},
        ]
    },
    "anthropic": {
        "messages": [
            USER,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "tool_use", "id": "c1", "name": "weather", "input": ARGUMENTS},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "18°C"}]}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "Sunny."}]},
        ]
    },
    "bedrock converse": {
        "messages": [
            {"role": "user", "content": [{"text": "Weather?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "weather", "input": ARGUMENTS}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "18°C"}]}}]},
            {"role": "assistant", "content": [{"text": "Sunny."}]},
        ]
    },
    "langchain": {
        "messages": [
            [
                {"type": "human", "content": "Weather?"},
                {"type": "ai", "content": "", "tool_calls": [{"name": "weather", "args": ARGUMENTS, "id": "c1"}]},
                {"type": "tool", "content": "18°C", "tool_call_id": "c1"},
                {"type": "AIMessageChunk", "content": "Sunny."},
            ]
        ]
    },
    "langchain, serialised": [
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "HumanMessage"],
            "kwargs": {"content": "Weather?", "type": "human"},
        },
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "AIMessage"],
            "kwargs": {"content": "", "additional_kwargs": {"tool_calls": [function(id="c1")]}},
        },
        {"type": "tool", "data": {"content": "18°C", "tool_call_id": "c1"}},
        ["ai", "Sunny."],
    ],
    "vercel ai sdk": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "args": ARGUMENTS}],
            },
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "c1",
                        "toolName": "weather",
                        "output": {"type": "text", "value": "18°C"},
                    }
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "Sunny."}]},
        ]
    },
    "llamaindex": {
        "messages": [
            {"role": "MessageRole.USER", "blocks": [{"block_type": "text", "text": "Weather?"}], "additional_kwargs": {}},
            {"role": "assistant", "blocks": [], "additional_kwargs": {"tool_calls": [function(id="c1")]}},
            {
                "role": "tool",
                "blocks": [{"block_type": "text", "text": "18°C"}],
                "additional_kwargs": {"tool_call_id": "c1", "name": "weather"},
            },
            {"role": "assistant", "blocks": [{"block_type": "text", "text": "Sunny."}]},
        ]
    },
    "semantic kernel": [
        {"Role": {"Label": "user"}, "Items": [{"$type": "TextContent", "Text": "Weather?"}]},
        {
            "Role": {"Label": "Assistant"},
            "Items": [{"$type": "FunctionCallContent", "Id": "c1", "FunctionName": "weather", "Arguments": ARGUMENTS}],
        },
        {"Role": {"Label": "Tool"}, "Items": [{"$type": "FunctionResultContent", "CallId": "c1", "Result": "18°C"}]},
        {"Role": {"Label": "assistant"}, "Items": [{"$type": "TextContent", "Text": "Sunny."}]},
    ],
    "microsoft agent": [
        {"role": "user", "contents": [{"$type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "contents": [{"$type": "functionCall", "callId": "c1", "name": "weather", "arguments": ARGUMENTS}],
        },
        {"role": "tool", "contents": [{"$type": "functionResult", "callId": "c1", "result": "18°C"}]},
        {"role": "assistant", "contents": [{"$type": "text", "text": "Sunny."}]},
    ],
    "koog": [
        USER,
        {"role": "tool", "content": json.dumps([function('{"city": "Berlin"}', id="c1")])},
        ANSWER,
        REPLY,
    ],
    "pydantic-ai": [
        {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "Weather?"}]},
        {
            "kind": "response",
            "parts": [{"part_kind": "tool-call", "tool_name": "weather", "args": ARGUMENTS, "tool_call_id": "c1"}],
        },
        {
            "kind": "request",
            "parts": [{"part_kind": "tool-return", "tool_name": "weather", "content": "18°C", "tool_call_id": "c1"}],
        },
        {"kind": "response", "parts": [{"part_kind": "text", "content": "Sunny."}]},
    ],
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("encodings", [0, 1, 2])
def test_every_framework_says_the_same_turn(name: str, encodings: int) -> None:
    value = SHAPES[name]
    for _ in range(encodings):
        value = json.dumps(value)
    turn = [message | {"content": message.get("content") or None} for message in said(value, "user")]
    assert turn == TURN


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({"choices": [{"message": REPLY}]}, "Sunny."),
        ({"choices": [{"index": 0, "delta": {"content": "Sunny."}}]}, "Sunny."),
        ({"choices": [{"text": "Sunny."}]}, "Sunny."),
        ({"object": "response", "instructions": "Be kind.", "output": [{"type": "message", **REPLY}]}, "Sunny."),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": "Sunny."}]}}]}, "Sunny."),
        ({"output": {"message": {"role": "assistant", "content": [{"text": "Sunny."}]}}, "stopReason": "end_turn"}, "Sunny."),
        ({"generations": [[{"text": "Sunny.", "message": {"kwargs": {"content": "Sunny."}, "id": ["AIMessage"]}}]]}, "Sunny."),
        ({"generations": [[{"text": "Sunny."}]]}, "Sunny."),
        ({"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": "Sunny."}]}, "raw": {}}, "Sunny."),
        ({"text": "Sunny.", "finishReason": "stop"}, "Sunny."),
        ({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Sunny."}]}, "Sunny."),
        ({"role": "assistant", "content": '[{"type": "text", "text": "Sunny."}]'}, "Sunny."),
        ({"role": "assistant", "content": {"day": "sunny"}}, '{"day": "sunny"}'),
        ({"message.role": "assistant", "message.content": "Sunny."}, "Sunny."),
    ],
)
def test_a_reply_is_found_in_every_response(value: Any, content: str) -> None:
    assert said(value) == [{"role": "assistant", "content": content}]


@pytest.mark.parametrize(
    "value",
    [
        {"system": "Be kind.", "messages": [USER]},
        {"system": [{"type": "text", "text": "Be kind."}], "messages": [USER]},
        {"instructions": "Be kind.", "input": "Weather?"},
        {"system": "Be kind.", "prompt": "Weather?"},
        {
            "systemInstruction": {"parts": [{"text": "Be kind."}]},
            "contents": [{"role": "user", "parts": [{"text": "Weather?"}]}],
        },
        {"config": {"system_instruction": "Be kind."}, "contents": [{"parts": [{"text": "Weather?"}]}]},
        [{"role": "developer", "content": "Be kind."}, USER],
        {
            "kind": "request",
            "parts": [
                {"part_kind": "system-prompt", "content": "Be kind."},
                {"part_kind": "user-prompt", "content": ["Weather?"]},
            ],
        },
    ],
)
def test_instructions_come_first_wherever_a_request_keeps_them(value: Any) -> None:
    assert said(value, "user") == [{"role": "system", "content": "Be kind."}, USER]


def test_parallel_calls_are_one_turn() -> None:
    calls = [{"type": "function_call", "call_id": f"c{n}", "name": "weather", "arguments": "{}"} for n in (1, 2)]
    bare = [{"toolCallId": f"c{n}", "toolName": "weather", "input": "{}"} for n in (1, 2)]
    meant = [{"id": f"c{n}", "name": "weather", "arguments": "{}"} for n in (1, 2)]
    spoken = [{"type": "message", "role": "assistant", "content": "A moment."}, *calls]
    assert said(calls) == said(bare) == [{"role": "assistant", "content": None, "tool_calls": meant}]
    assert said({"output": spoken}) == [{"role": "assistant", "content": "A moment.", "tool_calls": meant}]


def test_a_call_named_in_the_parts_and_beside_them_counts_once() -> None:
    content = [{"type": "text", "text": "A moment."}, {"type": "tool_use", "id": "c1", "name": "weather", "input": ARGUMENTS}]
    calls = [{"name": "weather", "args": ARGUMENTS, "id": "c1"}]
    assert said({"type": "ai", "content": content, "tool_calls": calls}) == [
        {"role": "assistant", "content": "A moment.", "tool_calls": [CALL]}
    ]


def test_a_customers_words_after_a_result_stay_the_customers() -> None:
    content = [{"type": "tool_result", "tool_use_id": "c1", "content": "18°C"}, {"type": "text", "text": "Weather?"}]
    assert said([{"role": "user", "content": content}]) == [ANSWER, USER]


def test_a_result_inside_an_assistants_message_stands_between_call_and_reply() -> None:
    content = [
        {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": ARGUMENTS},
        {"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "result": "18°C"},
        {"type": "text", "text": "Sunny."},
    ]
    assert said([{"role": "assistant", "content": content}]) == TURN[1:]


def test_the_legacy_function_call_is_a_call() -> None:
    value = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": '{"city": "Berlin"}'}}
    assert said(value)[0]["tool_calls"] == [CALL | {"id": None}]


def test_an_id_given_as_a_list_is_its_last_element() -> None:
    part = {"type": "tool_call", "id": ["run_1", "c1"], "name": "weather", "arguments": ARGUMENTS}
    assert said([{"role": "assistant", "parts": [part]}])[0]["tool_calls"] == [CALL]


@pytest.mark.parametrize(
    ("part", "reference"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}, "<IMAGE: https://a.example/b.png>"),
        ({"type": "input_image", "image_url": "https://a.example/b.png"}, "<IMAGE: https://a.example/b.png>"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, "<IMAGE: inline>"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}, "<IMAGE: inline>"),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}, "<IMAGE: https://a.example/b.png>"),
        ({"type": "image", "image": "https://a.example/b.png"}, "<IMAGE: https://a.example/b.png>"),
        ({"type": "file", "data": "AAAA", "mediaType": "image/png"}, "<IMAGE: inline>"),
        ({"type": "file", "file": {"filename": "bill.pdf", "file_data": "AAAA"}}, "<FILE: bill.pdf>"),
        ({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}, "<AUDIO: inline>"),
        ({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b.png"}}, "<IMAGE: gs://a/b.png>"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "<AUDIO: inline>"),
    ],
)
def test_an_image_is_kept_as_a_reference(part: dict[str, Any], reference: str) -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}
    assert said([message]) == [{"role": "user", "content": f"What is this?\n{reference}"}]


def test_openinference_keeps_content_in_numbered_parts() -> None:
    start = "llm.input_messages.0.message.contents"
    value = {
        "llm.input_messages.0.message.role": "user",
        f"{start}.0.message_content.type": "text",
        f"{start}.0.message_content.text": "What is this?",
        f"{start}.1.message_content.type": "image",
        f"{start}.1.message_content.image.image.url": "https://a.example/b.png",
    }
    assert said(value) == [{"role": "user", "content": "What is this?\n<IMAGE: https://a.example/b.png>"}]


def test_tools_that_a_tracer_lists_among_the_messages_are_left_out() -> None:
    tool = {"role": "tool", "content": {"type": "function", "function": {"name": "weather", "parameters": {}}}}
    assert said([USER, tool]) == [USER]


def test_a_tools_parsed_result_stays_json() -> None:
    assert said([{"role": "tool", "content": [{"url": "a"}], "tool_call_id": "c1"}])[0]["content"] == '[{"url": "a"}]'


@pytest.mark.parametrize(
    "value",
    [None, 5, True, "Weather?", "", "{", '"end"', {}, [], {"city": "Berlin"}, [{"city": "Berlin"}], ["a"], {"content": "role"},
     {"input": {"city": "Berlin"}}, {"input": "Berlin"}, {"content": [{"url": "a"}]}, {"role": "user"}],
)  # fmt: skip
def test_what_is_no_conversation_gives_none(value: Any) -> None:
    assert chat_messages(value) is None


def test_plain_text_is_a_message_where_the_caller_knows_its_role() -> None:
    assert messages_or_text("Weather?", "user") == messages_or_text('"Weather?"', "user") == [USER]
    assert [messages_or_text(value, "user") for value in ("null", " ", {"city": "Berlin"})] == [[], [], []]


WORDS = st.sampled_from(
    ["role", "content", "parts", "type", "text", "user", "tool", "human", "tool_call", "tool_calls", "function", "name", "id",
     "arguments", "messages", "message", "contents", "input", "output", "choices", "kwargs", "data", "image", "source", "args",
     "additional_kwargs", "functionResponse", "toolCallId", "toolName", "message.role", "gen_ai.prompt.0.role", "Role",
     "prompt", "generations", "event.name", "part_kind", "tool_result", "image_url", "config", "system",
     "llm.input_messages.0.message.x"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=6),
    max_leaves=20,
)


@given(JSON, st.integers(0, 2))
def test_no_json_value_crashes_and_what_comes_out_is_native(value: Any, encodings: int) -> None:
    for _ in range(encodings):
        value = json.dumps(value)
    with suppress(BrokenRecordError):
        messages = chat_messages(value) or []
        check_native(messages)


def check_native(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        assert message["role"] in ROLES
        assert message.get("content") is None or isinstance(message["content"], str)
        assert message.get("tool_call_id") is None or isinstance(message["tool_call_id"], str)
        for call in message.get("tool_calls") or ():
            assert isinstance(call["name"], str)
            assert isinstance(call["arguments"], str)


def test_json_nested_too_deeply_is_no_conversation() -> None:
    value: Any = [USER]
    for _ in range(100_000):
        value = {"message": value}
    assert chat_messages(value) is None
    while isinstance(value, dict):  # taken apart by hand: freeing it in one go would recurse
        value = value["message"]
