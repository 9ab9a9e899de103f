"""No document crashes a reader, and whatever comes out of one is a native record."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.readers.registry import READERS, detect
from wow_flywheel.conversations.record import parse_record
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.readers.samples import reading

FIELDS = {
    "openai": "request response timestamp messages choices message id usage user metadata feedback thumb object chunks created",
    "langfuse": "trace observations id traceId type startTime endTime input output scores name value source dataType sessionId "
    "userId metadata timestamp data usageDetails stringValue comment observationId parentObservationId",
    "otel": "resourceSpans scopeSpans spans attributes key value stringValue intValue arrayValue kvlistValue values events "
    "name traceId spanId startTimeUnixNano resource",
    "langsmith": "id run_type trace_id dotted_order parent_run_id start_time end_time inputs outputs extra metadata session_id "
    "run_id key score value comment correction feedback_source type messages generations prompts",
    "tensorzero": "id function_name input output episode_id tags value target_id inference_id metric_name model_name messages "
    "input_tokens processing_time_ms variant_name",
}
TEXTS = [
    "GENERATION", "2026-11-05T08:00:00Z", "019a53e3-5a00-7000-8000-000000000001", "chat.completion.chunk", "gen_ai.prompt",
    "chat", "gen_ai.operation.name", "annotations.0.annotation.label", "BOOLEAN",
    '[{"role": "user", "content": "hi"}]', "\ud800",
]  # fmt: skip
SPOKEN = st.sampled_from([[{"role": "user", "content": "hi"}], {"role": "assistant", "content": "hello"}, {"messages": []}])


def documents(name: str) -> st.SearchStrategy[Any]:
    fields = st.sampled_from([*FIELDS[name].split(), "role", "content"])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | st.text(max_size=3) | SPOKEN
    value = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=8), max_leaves=25
    )
    return st.dictionaries(fields, value, max_size=10) | value


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(100), deadline=None)
@given(data=st.data())
def test_no_document_crashes_a_reader(name: str, data: st.DataObject) -> None:
    given_documents = data.draw(st.lists(documents(name), max_size=3))
    for document in given_documents:
        assert detect(document) in {None, *READERS}
    found = reading(name)(given_documents)
    assert all(count > 0 for count in found.parts.values())
    for record in found.records:
        assert parse_record(json.dumps(record).encode())["conversation_id"] == record["conversation_id"]


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("langfuse", {"id": "s-1", "traceId": "t-1", "name": "thumb", "value": [1], "dataType": "BOOLEAN"}),
        (
            "otel",
            {
                "resourceSpans": [
                    {"scopeSpans": [{"spans": [{"attributes": [{"key": "gen_ai.operation.name", "value": [1]}]}]}]}
                ]
            },
        ),
    ],
)
def test_a_list_where_a_word_belongs_is_left_out(name: str, document: dict[str, object]) -> None:
    found = reading(name)([document])
    assert found.records == []
    assert sum(found.parts.values()) == 1
