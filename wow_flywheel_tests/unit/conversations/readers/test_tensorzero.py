"""Rows of TensorZero become conversations with feedback and demonstrations."""

import json
from typing import Any

from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples, reading

read = reading("tensorzero")

FIRST, SECOND = "019a53e3-5a00-7000-8000-000000000001", "019a53e4-4460-7000-8000-000000000002"
EPISODE = "019a53e3-5a00-7000-8000-00000000000e"
TEXT = [{"type": "text", "text": "Hello!"}]


def inference(name: str, messages: list[Any], output: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "function_name": "support",
        "variant_name": "v1",
        "episode_id": EPISODE,
        "input": json.dumps({"system": "Be kind.", "messages": messages}),
        "output": json.dumps(output),
        "processing_time_ms": 1500,
        "tags": {"user_id": "u-1"},
    } | more


ASKED = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
CALL = inference(FIRST, ASKED, TEXT)


def test_an_inference_is_a_record_at_the_time_in_its_id() -> None:
    found = read([CALL, {"inference_id": FIRST, "model_name": "m-1", "input_tokens": 7, "output_tokens": 3}])
    (record,) = found.records
    assert found.parts == {}
    assert (record["conversation_id"], record["user_id"], record["scenario"]) == (f"{EPISODE}:support", "u-1", "support")
    assert record["model"] == "m-1"
    assert (record["started_at"], record["ended_at"]) == ("2025-11-05T12:00:00Z", "2025-11-05T12:00:01.500000Z")
    assert [message["content"] for message in record["messages"]] == ["Be kind.", "Hi", "Hello!"]
    assert record["messages"][-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3}


def test_the_inferences_of_an_episode_with_a_tool_are_one_record() -> None:
    call = {"type": "tool_call", "id": "c1", "name": None, "raw_name": "order", "arguments": {"number": 7}}
    history = [
        *ASKED,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "id": "c1", "name": "order", "result": "sent"}]},
    ]
    (record,) = read([inference(SECOND, history, TEXT), inference(FIRST, ASKED, [call])]).records
    assert [message["role"] for message in record["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    assert record["messages"][2]["tool_calls"] == [{"id": "c1", "name": "order", "arguments": '{"number": 7}'}]


def test_feedback_on_an_inference_or_its_episode_is_kept() -> None:
    rows = [
        {"id": "1", "target_id": FIRST, "metric_name": "solved", "value": True},
        {"id": "2", "target_id": EPISODE, "metric_name": "rating", "value": 4},
        {"id": "3", "target_id": FIRST, "target_type": "inference", "value": "Nice."},
        {"id": "4", "target_id": FIRST, "metric_name": "latency", "value": 88.5},
        {"id": "5", "target_id": SECOND, "metric_name": "solved", "value": False},
    ]
    found = read([*rows, CALL])
    assert found.records[0]["feedback"] == {"thumb": "up", "score": 4, "comment": "Nice."}
    assert found.parts == {"no_conversation": 1, "unclear_score": 1}


def test_a_demonstration_is_a_conversation_of_its_own_with_a_thumb_up() -> None:
    row = {"id": "1", "inference_id": FIRST, "value": json.dumps([{"type": "text", "text": "Good day!"}])}
    records = {record["conversation_id"]: record for record in read([row, CALL]).records}
    said = {name: (record["messages"][-1]["content"], record["feedback"]) for name, record in records.items()}
    assert said == {f"{EPISODE}:support": ("Hello!", None), f"{FIRST}-demonstration": ("Good day!", {"thumb": "up"})}


def test_a_template_and_an_image_are_kept_as_text() -> None:
    blocks = [
        {"type": "template", "name": "user", "arguments": {"topic": "snow"}},
        {"type": "image", "image": {"url": "https://a.example/b.png", "mime_type": "image/png"}},
    ]
    (record,) = read([inference(FIRST, [{"role": "user", "content": blocks}], TEXT)]).records
    assert record["messages"][1]["content"] == '{"topic": "snow"}\n<IMAGE: https://a.example/b.png>'


def test_what_is_left_out_is_counted_by_reason() -> None:
    rows = [
        inference(FIRST, ASKED, None),
        inference(SECOND, ASKED, TEXT, output_schema={}),
        inference("no-uuid", ASKED, TEXT),
        inference(SECOND, [], TEXT),
        {"hello": "world"},
    ]
    found = read(rows)
    assert found.records == []
    assert found.parts == {"no_messages": 1, "no_reply": 1, "no_time": 1, "not_a_call": 1, "unknown_document": 1}


@needs_samples
def test_real_datapoints_with_an_output_are_records_and_the_others_are_counted() -> None:
    rows = [json.loads(line) for line in (SAMPLES / "tensorzero" / "chat_datapoint_fixture.jsonl").read_text().splitlines()]
    found = read(rows)
    answered = [row for row in rows if row["output"] not in {None, ""}]
    episodes = {row["episode_id"] for row in answered}  # the rows without one ask the same question
    assert len(found.records) == len(episodes) > 20
    assert found.parts == {"no_reply": len(rows) - len(answered), "superseded": 1}
