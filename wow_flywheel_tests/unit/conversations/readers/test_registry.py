"""A format is recognised by its first document."""

import json
from typing import Any

import pytest

from wow_flywheel.conversations.readers.registry import READERS, detect
from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples, reading

DOCUMENTS: list[tuple[str | None, Any]] = [
    ("openai", {"request": {"messages": []}, "response": {"choices": []}}),
    ("langfuse", {"trace": {"id": "t-1"}, "observations": []}),
    ("langfuse", {"id": "o-1", "traceId": "t-1", "startTime": "2026-11-05T08:00:00Z", "type": "SPAN"}),
    ("langfuse", {"id": "s-1", "trace_id": "t-1", "name": "thumb", "value": 1, "data_type": "NUMERIC"}),
    ("langfuse", {"id": "t-1", "timestamp": "2026-11-05T08:00:00Z", "sessionId": None, "userId": None}),
    ("langfuse", {"data": [{"id": "t-1", "observations": []}], "meta": {}}),
    ("otel", {"resourceSpans": []}),
    ("tensorzero", {"id": "i-1", "function_name": "f", "input": "{}", "output": "[]"}),
    ("tensorzero", {"id": "f-1", "target_id": "i-1", "metric_name": "solved", "value": True}),
    ("otel", {"resource_logs": []}),
    ("langfuse", {"id": "s-2", "sessionId": "s", "name": "thumb", "value": 1, "dataType": "BOOLEAN"}),
    ("langsmith", {"id": "r-1", "run_type": "llm", "inputs": {}, "dotted_order": ""}),
    ("langsmith", {"id": "f-1", "run_id": "r-1", "key": "thumb", "score": 1}),
    ("openai", {"response_id": "chatcmpl-1", "feedback": {"thumb": "up"}}),
    ("native", {"conversation_id": "c-1", "messages": []}),
    ("native", {"conversation_id": "c-1", "feedback": {"thumb": "up"}}),
    (None, {"conversation_id": "c-1"}),
    (None, {}),
    (None, []),
    (None, "text"),
]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_a_document_shows_its_format(name: str | None, document: Any) -> None:
    assert detect(document) == name


@pytest.mark.parametrize("name", READERS)
def test_every_reader_counts_what_it_does_not_know(name: str) -> None:
    found = reading(name)([None, 5, "text", [], {"hello": "world"}])
    assert found.records == []
    assert found.parts == {"unknown_document": 5}


@needs_samples
def test_real_documents_show_their_format() -> None:
    assert {detect(json.loads(path.read_text())) for path in SAMPLES.glob("langfuse/*.trace.json")} == {"langfuse"}
    with (SAMPLES / "tensorzero" / "chat_datapoint_fixture.jsonl").open() as lines:
        assert detect(json.loads(next(lines))) == "tensorzero"
    recorded = json.loads((SAMPLES / "nvidia_flywheel" / "chat_completion.recorded.json").read_text())
    assert detect(recorded[0]) == "openai"
