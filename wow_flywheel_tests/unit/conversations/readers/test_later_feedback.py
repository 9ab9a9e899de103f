"""Feedback that comes apart from what it is about: documents, log records, rows."""

from typing import Any

import pytest

from wow_flywheel.conversations.readers.feedback import feedback_document
from wow_flywheel_tests.unit.conversations.readers.samples import reading
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS

CALLS = DOCUMENTS["openai"][:2]
SPANS = DOCUMENTS["otel"][:2]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"conversation_id": "c-1", "feedback": {"thumb": "up"}}, ("c-1", {"thumb": "up"})),
        ({"conversation_id": "c-1", "feedback": {"rating": 2, "comment": "No."}}, ("c-1", {"score": 2, "comment": "No."})),
        ({"conversation_id": "c-1", "feedback": {"thumb": "sideways"}}, ("c-1", {})),
        ({"conversation_id": "c-1", "feedback": {"thumb": "up"}, "messages": []}, None),
        ({"conversation_id": "c-1", "feedback": None}, None),
        ({"conversation_id": 5, "feedback": {"thumb": "up"}}, None),
        (["conversation_id", "feedback"], None),
    ],
)
def test_a_document_of_feedback_names_its_conversation(document: Any, expected: Any) -> None:
    assert feedback_document(document) == expected


@pytest.mark.parametrize("name", ["call_id", "response_id", "session_id"])
def test_feedback_on_a_gateways_call_or_session(name: str) -> None:
    target = "s-1" if name == "session_id" else "r-1"
    found = reading("openai")([{name: target, "feedback": {"thumb": "down"}}, *CALLS])
    assert found.records[0]["feedback"] == {"thumb": "down"}
    assert found.sources == [(0, 1, 2)]


def test_of_two_targets_the_more_precise_one_that_is_here_counts() -> None:
    said = {"response_id": "gone", "session_id": "s-1", "feedback": {"thumb": "down"}}
    assert reading("openai")([said, *CALLS]).records[0]["feedback"] == {"thumb": "down"}
    both = [{"response_id": "r-2", "feedback": {"thumb": "up"}}, {"session_id": "s-1", "feedback": {"thumb": "down"}}]
    assert reading("openai")([*both, *CALLS]).records[0]["feedback"] == {"thumb": "up"}


def evaluation(where: str, **about: Any) -> dict[str, Any]:
    listed = [{"key": f"gen_ai.evaluation.{key.replace('__', '.')}", "value": {"string_value": about[key]}} for key in about]
    if where == "session":
        listed.append({"key": "gen_ai.conversation.id", "value": {"string_value": "s-1"}})
    ids = {"span": {"trace_id": "t-1", "span_id": "s-2"}, "trace": {"trace_id": "t-1"}, "session": {}}[where]
    record = {"event_name": "gen_ai.evaluation.result", "attributes": listed} | ids
    return {"resource_logs": [{"scope_logs": [{"log_records": [record]}]}]}


@pytest.mark.parametrize("where", ["span", "trace", "session"])
def test_an_evaluation_by_a_person_as_a_log_record(where: str) -> None:
    said = evaluation(where, name="helpful", evaluator__type="human", score__label="bad", explanation="No.")
    found = reading("otel")([*SPANS, said])
    assert found.records[0]["feedback"] == {"thumb": "down", "comment": "No."}
    judged = reading("otel")([*SPANS, evaluation(where, name="helpful", score__label="bad")])
    assert (judged.records[0]["feedback"], judged.ignored) == (None, {2: "automatic_score"})


def test_an_evaluation_as_an_event_of_the_span() -> None:
    spans = reading("otel")
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [dict(_span())]}]}]}
    assert spans([document]).records[0]["feedback"] == {"score": 4.0}


def _span() -> dict[str, Any]:
    (span,) = SPANS[0]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    about = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "csat"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 4.0}},
    ]
    return {**span, "events": [{"name": "gen_ai.evaluation.result", "attributes": about}]}


def test_a_corrected_output_of_langfuse_and_a_score_of_the_session() -> None:
    rows = DOCUMENTS["langfuse"][:4]
    score = {"id": "x", "session_id": "s-1", "name": "csat", "value": 5, "data_type": "NUMERIC", "source": "ANNOTATION"}
    (record,) = reading("langfuse")([score, *rows]).records
    assert record["feedback"] == {"score": 5}
