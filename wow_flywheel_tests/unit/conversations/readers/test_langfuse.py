"""Traces of Langfuse, whole or as rows, become conversations with what people said of them."""

import json
from typing import Any

import pytest

from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples, reading

read = reading("langfuse")

TRACE = {"id": "t-1", "name": "support", "timestamp": "2026-11-05T08:00:00.000Z", "sessionId": "s-1", "userId": "u-1"}


def generation(number: int, asked: Any, answered: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"o-{number}",
        "traceId": "t-1",
        "type": "GENERATION",
        "startTime": f"2026-11-05T08:00:0{number}.000Z",
        "endTime": f"2026-11-05T08:00:0{number}.500Z",
        "model": "m-1",
        "input": json.dumps(asked),
        "output": json.dumps(answered),
        "usageDetails": {"input": 7, "output": 3},
    } | more


CALL = generation(1, [{"role": "user", "content": "Hi"}], {"role": "assistant", "content": "Hello!"})


def score(name: str, value: Any, **more: Any) -> dict[str, Any]:
    at = {"id": f"score-{name}", "timestamp": "2026-11-05T09:00:00Z", "dataType": "NUMERIC", "source": "API", "traceId": "t-1"}
    return at | {"name": name, "value": value} | more


def test_a_trace_with_its_observations_is_a_record() -> None:
    (record,) = read([{"trace": TRACE, "observations": [CALL]}]).records
    assert (record["conversation_id"], record["user_id"], record["scenario"]) == ("s-1", "u-1", "support")
    assert (record["started_at"], record["ended_at"]) == ("2026-11-05T08:00:01Z", "2026-11-05T08:00:01.500000Z")
    assert [message["content"] for message in record["messages"]] == ["Hi", "Hello!"]
    assert record["messages"][1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3}


def test_rows_in_any_order_and_in_the_databases_spelling_give_the_same_record() -> None:
    snake = {"id": "o-1", "trace_id": "t-1", "type": "GENERATION", "start_time": CALL["startTime"], "end_time": CALL["endTime"]}
    snake |= {"input": CALL["input"], "output": CALL["output"], "provided_model_name": "m-1"}
    trace = {"id": "t-1", "name": "support", "timestamp": TRACE["timestamp"], "session_id": "s-1", "user_id": "u-1"}
    rows = read([score("thumb", 1), snake | {"usage_details": CALL["usageDetails"]}, trace])
    whole = read([{"trace": TRACE | {"scores": [score("thumb", 1)]}, "observations": [CALL]}])
    page = read([{"data": [score("thumb", 1)]}, {"data": [TRACE | {"observations": [CALL]}]}])
    assert rows.records == whole.records == page.records
    assert [each.sources for each in (rows, whole, page)] == [[(0, 1, 2)], [(0,)], [(0, 1)]]
    assert rows.records[0]["feedback"] == {"thumb": "up"}


@pytest.mark.parametrize(
    ("given", "feedback"),
    [
        (score("user-feedback", 0, comment="Wrong."), {"thumb": "down", "comment": "Wrong."}),
        (score("stars", 4), {"score": 4}),
        (score("csat", 5, source="ANNOTATION"), {"score": 5}),
        (score("ok", 1, dataType="BOOLEAN"), {"thumb": "up"}),
        (score("vote", 0, dataType="CATEGORICAL", stringValue="thumbs_up"), {"thumb": "up"}),
        (score("vote", 1, traceId=None, sessionId="s-1"), {"thumb": "up"}),
        (score("vote", -1, observationId="o-1"), {"thumb": "down"}),
    ],
)
def test_what_people_scored_is_feedback(given: dict[str, Any], feedback: dict[str, Any]) -> None:
    found = read([{"trace": TRACE, "observations": [CALL], "scores": [given]}])
    assert found.records[0]["feedback"] == feedback
    assert found.parts == {}


@pytest.mark.parametrize(
    ("given", "reason"),
    [(score("toxicity", 1, source="EVAL"), "automatic_score"), (score("length", 57), "unclear_score")],
)
def test_what_models_scored_and_unclear_numbers_are_no_feedback(given: dict[str, Any], reason: str) -> None:
    found = read([{"trace": TRACE, "observations": [CALL], "scores": [given]}])
    assert found.records[0]["feedback"] is None
    assert found.parts == {reason: 1}


def test_a_session_spreads_over_traces() -> None:
    later = generation(2, "And now?", "Bye!", traceId="t-2")
    (record,) = read([TRACE, TRACE | {"id": "t-2"}, later, CALL]).records
    assert [message["content"] for message in record["messages"]] == ["Hi", "Hello!", "And now?", "Bye!"]


def test_a_trace_without_generations_is_read_from_its_widest_span() -> None:
    span = generation(1, {"messages": [{"type": "human", "content": "Hi"}]}, "Hello!", type="SPAN")
    inner = generation(2, {"query": "Hi"}, {"hits": []}, type="TOOL", parentObservationId="o-1")
    found = read([{"trace": TRACE, "observations": [inner, span]}])
    assert [message["content"] for message in found.records[0]["messages"]] == ["Hi", "Hello!"]
    assert found.parts == {"not_a_call": 2}


def test_what_is_left_out_is_counted_by_reason() -> None:
    failed = generation(2, [{"role": "user", "content": "Hi"}], None)
    timeless = generation(3, [{"role": "user", "content": "Hi"}], "Hello!", startTime=None)
    found = read([{"trace": TRACE, "observations": [failed, timeless]}, {"hello": "world"}, 5])
    assert found.records == []
    assert found.parts == {"no_reply": 1, "no_time": 1, "unknown_document": 2}


@needs_samples
def test_every_real_trace_is_one_conversation() -> None:
    traces = sorted(SAMPLES.glob("langfuse/*.trace.json"))
    found = {path.name: read([json.loads(path.read_text())]) for path in traces}
    assert len(found) == 12
    assert {name: len(each.records) for name, each in found.items()} == dict.fromkeys(found, 1)
    losses = {"not_a_call", "automatic_score", "no_messages", "superseded", "helper_call", "repeated"}
    assert all(set(each.parts) <= losses for each in found.values())


def test_a_call_whose_request_was_not_logged_goes_on_after_its_tools() -> None:
    weather = [{"type": "tool_use", "id": f"c{n}", "name": "weather", "input": {"city": n}} for n in (1, 2)]
    rows = [
        CALL | {"id": "o-1", "startTime": "2026-11-05T08:00:01Z", "output": [{"role": "assistant", "content": "A moment."}]},
        *(
            CALL | {"id": f"o-{2 + n}", "startTime": f"2026-11-05T08:00:0{2 + n}Z", "input": {}, "output": {"content": [each]}}
            for n, each in enumerate(weather)
        ),
        *(
            CALL | {"id": f"o-{4 + n}", "type": "TOOL", "name": "weather", "startTime": f"2026-11-05T08:00:0{4 + n}Z"}
            | {"input": {"city": n}, "output": {"content": [{"type": "text", "text": f"Sunny {n}"}]}}
            for n in (1, 2)
        ),
        CALL | {"id": "o-9", "startTime": "2026-11-05T08:00:09Z", "input": {}, "output": "Both sunny."},
    ]  # fmt: skip
    found = read(rows)
    (record,) = found.records
    told = [(each["role"], each["content"], each.get("tool_call_id")) for each in record["messages"][-6:]]
    assert told == [
        ("assistant", "A moment.", None), ("assistant", None, None), ("assistant", None, None),
        ("tool", "Sunny 1", "c1"), ("tool", "Sunny 2", "c2"), ("assistant", "Both sunny.", None),
    ]  # fmt: skip
    assert found.sources == [(0, 1, 2, 3, 4, 5)]


def test_a_row_that_says_more_completes_the_earlier_one() -> None:
    begun = {name: each for name, each in CALL.items() if name not in {"output", "endTime"}}
    found = read([begun, CALL, begun, CALL | {"statusMessage": None}])
    assert (len(found.records), found.sources) == (1, [(1,)])
    assert found.ignored == {0: "repeated", 2: "repeated", 3: "repeated"}
