"""A reply that was logged as its stream is one turn, whatever carries its pieces."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.streams import streamed
from wow_flywheel_tests.unit.conversations.logs import DAY, read
from wow_flywheel_tests.unit.conversations.readers.samples import reading

NOON = 1_793_880_000
ASKED = [{"role": "user", "content": "Where is order 7?"}]
ARGUMENTS = '{"order": 7, "note": "好"}'
CALLS = [{"id": "c-1", "name": "find", "arguments": ARGUMENTS}, {"id": "c-2", "name": "wait", "arguments": '{"s": 1}'}]
SAID = [{"role": "assistant", "content": "One moment.", "tool_calls": CALLS}]


def chunk(delta: dict[str, Any], index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": None}
    return {"id": "r-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice]} | more


def piece(index: int, name: str | None, arguments: str, call_id: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": call_id} if call_id else {})]}


CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "One "}),
    chunk({"content": "moment."}),
    chunk(piece(0, "find", "", "c-1")),
    chunk(piece(0, None, ARGUMENTS[:9])),
    chunk(piece(1, "wait", '{"s"', "c-2")),
    chunk(piece(0, None, ARGUMENTS[9:])),
    chunk(piece(1, None, ": 1}")),
    chunk({}) | {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9}},
]
MESSAGE = {"type": "message", "id": "i-0", "role": "assistant", "content": [{"type": "output_text", "text": "One moment."}]}
ITEMS = [
    MESSAGE,
    {"type": "function_call", "id": "i-1", "call_id": "c-1", "name": "find", "arguments": ARGUMENTS},
    {"type": "function_call", "id": "i-2", "call_id": "c-2", "name": "wait", "arguments": '{"s": 1}'},
]
USAGE = {"input_tokens": 5, "output_tokens": 9}
RESPONSES = [
    {"type": "response.created", "response": {"id": "r-1", "model": "m-1", "output": [], "usage": None}},
    {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE | {"content": []}},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "i-0", "delta": "One "},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "i-0", "delta": "moment."},
    {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "One moment."},
    {"type": "response.output_item.added", "output_index": 1, "item": ITEMS[1] | {"arguments": ""}},
    {"type": "response.output_item.added", "output_index": 2, "item": ITEMS[2] | {"arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": ARGUMENTS[:9]},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"s": 1}'},
    {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": ARGUMENTS[9:]},
]
RESPONSES_DONE = [
    {"type": "response.output_item.done", "output_index": place, "item": item} for place, item in enumerate(ITEMS)
]
COMPLETED = {"type": "response.completed", "response": {"id": "r-1", "model": "m-1", "output": ITEMS, "usage": USAGE}}


def block(index: int, kind: str, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind} | delta}


def opened(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


ANTHROPIC = [
    {"type": "message_start", "message": {"id": "r-1", "type": "message", "role": "assistant", "model": "m-1", "content": [],
                                          "usage": {"input_tokens": 5, "output_tokens": 1}}},
    opened(0, type="thinking", thinking=""),
    block(0, "thinking_delta", thinking="hm"),
    {"type": "ping"},
    opened(1, type="text", text=""),
    block(1, "text_delta", text="One "),
    block(1, "text_delta", text="moment."),
    {"type": "content_block_stop", "index": 1},
    opened(2, type="tool_use", id="c-1", name="find", input={}),
    block(2, "input_json_delta", partial_json=""),
    block(2, "input_json_delta", partial_json=ARGUMENTS[:9]),
    block(2, "input_json_delta", partial_json=ARGUMENTS[9:]),
    opened(3, type="tool_use", id="c-2", name="wait", input={}),
    block(3, "input_json_delta", partial_json='{"s": 1}'),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]  # fmt: skip
STREAMS = {
    "chunks": CHUNKS,
    "chunks without their kind": [{key: value for key, value in each.items() if key != "object"} for each in CHUNKS],
    "responses": [*RESPONSES, *RESPONSES_DONE, COMPLETED],
    "responses without the end": [*RESPONSES, *RESPONSES_DONE],
    "responses cut off": RESPONSES,
    "anthropic": ANTHROPIC,
}


def sent(events: list[dict[str, Any]], end: str = "\n") -> str:
    """The text of server-sent events."""
    named = [f"event: {each.get('type', 'message')}{end}data: {json.dumps(each)}{end}{end}" for each in events]
    return f": keep-alive{end}{end}" + "".join(named) + f"data: [DONE]{end}{end}"


def logged(response: Any, **more: Any) -> dict[str, Any]:
    return {"timestamp": NOON, "session_id": "s", "request": {"messages": ASKED, "stream": True}, "response": response} | more


@pytest.mark.parametrize(
    "carried", [list, json.dumps, sent, lambda each: sent(each, "\r\n"), lambda each: [sent([one]) for one in each]]
)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_one_turn(name: str, carried: Any) -> None:
    (record,) = reading("openai")([logged(carried(STREAMS[name]))]).records
    asked, reply = record["messages"]
    assert (asked["content"], reply["role"], reply["content"]) == ("Where is order 7?", "assistant", "One moment.")
    assert reply["tool_calls"] == CALLS
    assert record["model"] == "m-1"
    cut = name.startswith("responses ")
    assert reply.get("usage") == (None if cut else {"prompt_tokens": 5, "completion_tokens": 9})


def test_chunk_lines_of_several_choices(tmp_path: Path) -> None:
    """Their deltas take turns; the first choice counts, the other one is counted."""
    said = [(0, "Yes"), (1, "No"), (0, ", of"), (1, "t today"), (0, " course.")]
    documents = [logged(chunk({"content": text}, index)) for index, text in said]
    found = reading("openai")(documents)
    assert [each["content"] for each in found.records[0]["messages"]] == ["Where is order 7?", "Yes, of course."]
    assert (found.parts, found.sources) == ({"other_choice": 1}, [(0, 1, 2, 3, 4)])
    folder = tmp_path / f"dt={DAY}"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(b"\n".join(json.dumps(each).encode() for each in documents))
    day = read(tmp_path)
    assert (day.counts["lines"], day.counts["conversation_lines"], day.other_choices) == (5, 5, 1)


def test_further_choices_are_counted() -> None:
    choices = [{"index": index, "message": {"role": "assistant", "content": text}} for index, text in enumerate("abc")]
    found = reading("openai")([logged({"id": "r", "choices": choices})])
    assert [each["content"] for each in found.records[0]["messages"]] == ["Where is order 7?", "a"]
    assert found.parts == {"other_choice": 2}


def test_calls_whose_chunks_have_no_index() -> None:
    """Each id begins a call; what has none goes on with the last."""
    pieces = [("c-1", "find", "{"), (None, None, "}"), ("c-2", "wait", "{}")]
    deltas = [{"tool_calls": [{"id": key, "function": {"name": name, "arguments": text}}]} for key, name, text in pieces]
    (message,) = chat_messages([chunk(each) for each in deltas]) or []
    assert [(each["id"], each["name"], each["arguments"]) for each in message["tool_calls"]] == [
        ("c-1", "find", "{}"), ("c-2", "wait", "{}"),
    ]  # fmt: skip


def test_a_stream_with_a_broken_event_is_quarantined() -> None:
    text = sent(CHUNKS).replace('"moment."', '"mom')
    found = reading("openai")([logged(text)])
    assert {index: error.reason for index, error in found.broken.items()} == {0: "not_json"}


@pytest.mark.parametrize("text", ["data: my numbers are 1, 2, 3", "data:\n\n{}", "event: wedding\nIt is in May.", "data: [1]"])
def test_text_that_only_begins_like_a_stream(text: str) -> None:
    assert streamed(text) is None


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_any_pieces_of_a_text_are_put_together(pieces: list[str], end: str) -> None:
    chunks = [chunk({"content": each}) for each in pieces] or [chunk({})]
    anthropic = [ANTHROPIC[0], *(block(0, "text_delta", text=each) for each in pieces)]
    for value in (chunks, sent(chunks, end)):
        assert streamed(value)["choices"][0]["message"]["content"] == "".join(pieces)  # type: ignore[index]
    whole = streamed(sent(anthropic, end))
    assert "".join(each["text"] for each in (whole or {})["content"]) == "".join(pieces)


def test_a_key_twice_in_an_event_is_damage() -> None:
    with pytest.raises(BrokenRecordError) as raised:
        streamed('data: {"choices": [{"delta": {"content": "a", "content": "b"}}]}\n\n')
    assert raised.value.reason == "duplicate_key"
