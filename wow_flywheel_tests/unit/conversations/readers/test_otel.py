"""OTLP exports become conversations, whichever convention their spans follow."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.conversations.readers.samples import reading

read = reading("otel")

USER, REPLY = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}
PARTS_IN = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
PARTS_OUT = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello!"}]}]


def otlp(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [otlp(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {"stringValue": value}


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": otlp(value)} for name, value in values.items()]


def span(values: dict[str, Any], number: int = 1, events: tuple[tuple[str, dict[str, Any]], ...] = ()) -> dict[str, Any]:
    return {
        "traceId": "t-1",
        "spanId": f"span-{number}",
        "startTimeUnixNano": f"{1_762_344_000 + number}000000000",
        "endTimeUnixNano": f"{1_762_344_002 + number}000000000",
        "attributes": attributes(values),
        "events": [{"name": name, "attributes": attributes(held)} for name, held in events],
    }


def export(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": attributes({"service.name": "support"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": list(spans)}]}]}


CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}
CONVENTIONS: dict[str, dict[str, Any]] = {
    "current, as JSON text": span(
        CHAT | {"gen_ai.input.messages": json.dumps(PARTS_IN), "gen_ai.output.messages": json.dumps(PARTS_OUT)}
    ),
    "current, structured": span(CHAT | {"gen_ai.input.messages": PARTS_IN, "gen_ai.output.messages": PARTS_OUT}),
    "current, in an event": span(
        CHAT,
        events=(
            (
                "gen_ai.client.inference.operation.details",
                {"gen_ai.input.messages": PARTS_IN, "gen_ai.output.messages": PARTS_OUT},
            ),
        ),
    ),
    "legacy, one event a message": span(
        CHAT,
        events=(("gen_ai.user.message", USER), ("gen_ai.choice", {"index": 0, "message": json.dumps(REPLY)})),
    ),
    "legacy, content of an event as JSON": span(
        CHAT,
        events=(
            ("gen_ai.user.message", {"gen_ai.event.content": json.dumps(USER)}),
            ("gen_ai.choice", {"gen_ai.event.content": json.dumps({"index": 0, "message": REPLY})}),
        ),
    ),
    "legacy, prompt and completion as events": span(
        CHAT,
        events=(
            ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([USER])}),
            ("gen_ai.content.completion", {"gen_ai.completion": json.dumps([REPLY])}),
        ),
    ),
    "legacy, all events in one attribute": span(
        CHAT
        | {
            "events": json.dumps(
                [USER | {"event.name": "gen_ai.user.message"}, {"event.name": "gen_ai.choice", "index": 0, "message": REPLY}]
            )
        }
    ),
    "openllmetry": span(
        {
            "llm.request.type": "chat",
            "gen_ai.response.model": "m-1",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Hello!",
        }
    ),
    "openinference": span(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "m-1",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "Hi",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "Hello!",
        }
    ),
    "openinference, values only": span(
        {"openinference.span.kind": "LLM", "llm.model_name": "m-1", "input.value": "Hi", "output.value": "Hello!"}
    ),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_tells_the_same_call(name: str) -> None:
    found = read([export(CONVENTIONS[name])])
    (record,) = found.records
    assert [(message["role"], message["content"]) for message in record["messages"]] == [
        ("user", "Hi"),
        ("assistant", "Hello!"),
    ]
    assert (record["conversation_id"], record["scenario"], record["model"]) == ("span-1", "support", "m-1")
    assert (record["started_at"], record["ended_at"]) == ("2025-11-05T12:00:01Z", "2025-11-05T12:00:03Z")
    assert found.parts == {}


def test_session_user_instructions_and_usage_are_found() -> None:
    values = CHAT | {
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}]),
        "gen_ai.input.messages": json.dumps(PARTS_IN),
        "gen_ai.output.messages": json.dumps(PARTS_OUT),
        "gen_ai.conversation.id": "s-1",
        "user.id": "u-1",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
    }
    (record,) = read([export(span(values))]).records
    assert (record["conversation_id"], record["user_id"]) == ("s-1", "u-1")
    assert record["messages"][0] == {"role": "system", "content": "Be kind.", "created_at": "2025-11-05T12:00:01Z"}
    assert record["messages"][-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3}


def test_annotations_of_people_are_feedback_and_those_of_models_are_not() -> None:
    noted = {
        "openinference.span.kind": "CHAIN",
        "annotations.0.annotation.name": "user_feedback",
        "annotations.0.annotation.annotator_kind": "HUMAN",
        "annotations.0.annotation.label": "thumbs-up",
        "annotations.0.annotation.score": 1,
        "annotations.0.annotation.explanation": "Nice.",
        "annotations.1.annotation.name": "toxicity",
        "annotations.1.annotation.annotator_kind": "LLM",
        "annotations.1.annotation.score": 0,
        "annotations.2.annotation.name": "length",
        "annotations.2.annotation.score": 57,
    }
    found = read([export(span(noted, 0), CONVENTIONS["openinference"])])
    assert found.records[0]["feedback"] == {"thumb": "up", "comment": "Nice."}
    assert found.parts == {"automatic_score": 1, "not_a_call": 1, "unclear_score": 1}


def test_the_calls_of_a_turn_are_one_record() -> None:
    call = {"type": "tool_call", "id": "c1", "name": "order", "arguments": {"number": 7}}
    asked = [*PARTS_IN, {"role": "assistant", "parts": [call]}]
    result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"state": "sent"}}]}
    first = CHAT | {"gen_ai.input.messages": PARTS_IN, "gen_ai.output.messages": asked[1:]}
    second = CHAT | {"gen_ai.input.messages": [*asked, result], "gen_ai.output.messages": PARTS_OUT}
    (record,) = read([export(span(second, 2)), export(span(first, 1))]).records
    assert [message["role"] for message in record["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert record["messages"][2]["content"] == '{"state": "sent"}'


def test_what_is_left_out_is_counted_by_reason() -> None:
    tool = span({"gen_ai.operation.name": "execute_tool"})
    silent = span(CHAT, 2)
    failed = span(CHAT | {"gen_ai.input.messages": PARTS_IN}, 3)
    found = read([{"hello": "world"}, export(tool, silent, failed)])
    assert found.records == []
    assert found.parts == {"no_messages": 1, "no_reply": 1, "not_a_call": 1, "unknown_document": 1}


def camel_to_snake(value: Any) -> Any:
    if isinstance(value, list):
        return [camel_to_snake(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): camel_to_snake(each) for name, each in value.items()}


def structured(value: Any) -> Any:
    """A value as OTLP nests it: lists and objects by their types."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [structured(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": name, "value": structured(each)} for name, each in value.items()]}}
    return {"stringValue": value}


def log_record(span: str, name: str, about: dict[str, Any], body: Any = None) -> dict[str, Any]:
    attributes = [{"key": key, "value": structured(value)} for key, value in about.items()]
    record = {
        "eventName": name,
        "traceId": "t",
        "spanId": span,
        "attributes": attributes,
        "timeUnixNano": "1762344000000000000",
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record | ({"body": structured(body)} if body else {})]}]}]}


def bare_span(name: str) -> dict[str, Any]:
    operation = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    span = {"traceId": "t", "spanId": name, "startTimeUnixNano": 1_762_344_000_000_000_000, "attributes": [operation]}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


@pytest.mark.parametrize("spelled", [lambda each: each, camel_to_snake])
def test_messages_in_log_records_belong_to_their_span(spelled: Any) -> None:
    about = {"gen_ai.input.messages": PARTS_IN, "gen_ai.output.messages": PARTS_OUT}
    details = log_record("a", "gen_ai.client.inference.operation.details", about)
    events = [
        log_record("b", "gen_ai.user.message", {}, {"content": "Bye"}),
        log_record("b", "gen_ai.choice", {}, {"index": "0", "message": {"role": "assistant", "content": "Goodbye!"}}),
    ]
    found = read(map(spelled, [details, *events, bare_span("a"), bare_span("b")]))
    told = sorted(
        ([each["content"] for each in record["messages"]], found.sources[n]) for n, record in enumerate(found.records)
    )
    assert told == [(["Bye", "Goodbye!"], (1, 2, 4)), (["Hi", "Hello!"], (0, 3))]


def test_the_spans_of_a_trace_may_lie_in_several_documents_in_any_order() -> None:
    details = [log_record(n, "gen_ai.client.inference.operation.details", {
        "gen_ai.input.messages": said, "gen_ai.output.messages": PARTS_OUT,
    }) for n, said in (("a", PARTS_IN), ("b", [*PARTS_IN, *PARTS_OUT, *PARTS_IN]))]  # fmt: skip
    found = read([bare_span("b"), *details, bare_span("a"), bare_span("a")])
    (record,) = found.records
    assert [each["content"] for each in record["messages"]] == ["Hi", "Hello!", "Hi", "Hello!"]
    assert found.ignored == {4: "no_messages"}


def test_the_vercel_sdk_keeps_calls_apart_from_text() -> None:
    about = {
        "operation.name": "ai.generateText.doGenerate", "ai.prompt.messages": json.dumps([USER]),
        "ai.response.text": "A moment.",
        "ai.response.toolCalls": json.dumps([{"toolCallId": "c1", "toolName": "order", "input": {"number": 7}}]),
    }  # fmt: skip
    document = bare_span("a")
    (span,) = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    span["attributes"] = [{"key": key, "value": {"stringValue": value}} for key, value in about.items()]
    (record,) = read([document]).records
    assert (record["messages"][1]["content"], record["messages"][1]["tool_calls"][0]["name"]) == ("A moment.", "order")


ASKED, REPLIED = [{"role": "user", "content": "Weather?"}], {"role": "assistant", "content": "Sunny."}
CHOICES = {"choices": [{"index": 0, "message": REPLIED}]}
UNUSUAL = {
    "mlflow, its kind as JSON text": {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.spanInputs": json.dumps({"messages": ASKED}),
        "mlflow.spanOutputs": json.dumps(CHOICES),
    },
    "google adk, no kind": {
        "gcp.vertex.agent.llm_request": json.dumps({"contents": [{"role": "user", "parts": [{"text": "Weather?"}]}]}),
        "gcp.vertex.agent.llm_response": json.dumps({"content": {"role": "model", "parts": [{"text": "Sunny."}]}}),
    },
    "logfire, no kind": {
        "request_data": json.dumps({"messages": ASKED}),
        "response_data": json.dumps({"message": REPLIED}),
    },
    "semantic kernel": {
        "gen_ai.operation.name": "chat.completions",
        "gen_ai.prompt": json.dumps(ASKED),
        "gen_ai.completion": json.dumps([REPLIED]),
    },
    "loongsuite": {
        "gen_ai.span.kind": "LLM",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]}]),
    },
    "weave": {
        "weave.span.kind": "llm",
        "input.value": json.dumps({"messages": ASKED}),
        "output.value": "Sunny.",
    },
    "opik": {"opik.span.type": "llm", "input": json.dumps({"messages": ASKED}), "output": json.dumps(CHOICES)},
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_frameworks_that_name_calls_in_their_own_way(name: str, tmp_path: Path) -> None:
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in UNUSUAL[name].items()]
    at = str(1767600000 * 10**9)
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": at, "endTimeUnixNano": at, "attributes": attributes}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    folder = tmp_path / "dt=2026-01-05"
    folder.mkdir()
    (folder / "spans.jsonl").write_text(json.dumps(document) + "\n", encoding="utf-8")
    with read_day(LogSource.of(Settings.from_env({"WOW_LOGS_URI": str(tmp_path)})), date(2026, 1, 5)) as day:
        (messages,) = day.conversations["messages"].to_list()
    assert [(each["role"], each["content"]) for each in messages] == [("user", "Weather?"), ("assistant", "Sunny.")]
