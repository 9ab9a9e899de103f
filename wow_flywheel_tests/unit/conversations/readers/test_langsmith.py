"""Runs of LangSmith become conversations, whatever shape their inputs and outputs have."""

import json
from typing import Any

import pytest

from wow_flywheel_tests.unit.conversations.readers.samples import reading

read = reading("langsmith")

ROOT = "00000000-0000-0000-0000-0000000000a0"
MODEL = "00000000-0000-0000-0000-0000000000a1"
LATER = "00000000-0000-0000-0000-0000000000a2"
CALLED = {"name": "order", "args": {"number": 7}, "id": "c1", "type": "tool_call"}


def lc(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    name = ["langchain", "schema", "messages", kind]
    return {"lc": 1, "type": "constructor", "id": name, "kwargs": {"content": content} | more}


def run(name: str, kind: str, inputs: Any, outputs: Any, **more: Any) -> dict[str, Any]:
    above = "" if name == ROOT else f"20261105T080000000000Z{ROOT}."
    return {
        "id": name,
        "trace_id": ROOT,
        "run_type": kind,
        "name": "agent" if name == ROOT else "ChatOpenAI",
        "dotted_order": f"{above}20261105T08000{name[-1]}000000Z{name}",
        "start_time": f"2026-11-05T08:00:0{name[-1]}",
        "end_time": f"2026-11-05T08:00:0{name[-1]}.5",
        "inputs": inputs,
        "outputs": outputs,
        "extra": {"metadata": {"ls_model_name": "m-1"}},
        "session_id": "11111111-0000-0000-0000-000000000000",
        "session_name": "project",
    } | more


CHAIN = run(
    ROOT, "chain", {"input": "Where is order 7?"}, {"output": "On its way."},
    extra={"metadata": {"thread_id": "s-1", "user_id": "u-1"}},
)  # fmt: skip
FIRST = run(
    MODEL, "llm", {"messages": [[lc("SystemMessage", "Be kind."), lc("HumanMessage", "Where is order 7?")]]},
    {"generations": [[{"text": "", "message": lc("AIMessage", "", tool_calls=[CALLED])}]],
     "llm_output": {"token_usage": {"prompt_tokens": 9, "completion_tokens": 4}}},
)  # fmt: skip
ORDER = {"id": "c1", "function": {"name": "order", "arguments": {"number": 7}}}
HISTORY = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is order 7?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c1", "function": {"name": "order", "arguments": {"number": 7}}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "sent"},
]
SECOND = run(LATER, "llm", {"messages": HISTORY}, {"choices": [{"message": {"role": "assistant", "content": "On its way."}}]})


@pytest.mark.parametrize("as_text", [False, True])
def test_the_models_of_a_trace_are_one_conversation(as_text: bool) -> None:
    rows = [
        {name: json.dumps(value) if as_text and isinstance(value, dict) else value for name, value in each.items()}
        for each in (SECOND, CHAIN, FIRST)
    ]
    found = read(rows)
    (record,) = found.records
    assert (record["conversation_id"], record["user_id"], record["scenario"]) == ("s-1", "u-1", "agent")
    assert (record["model"], record["started_at"]) == ("m-1", "2026-11-05T08:00:01Z")
    said = [(each["role"], each["content"]) for each in record["messages"]]
    assert said == [
        ("system", "Be kind."), ("user", "Where is order 7?"), ("assistant", None), ("tool", "sent"),
        ("assistant", "On its way."),
    ]  # fmt: skip
    assert record["messages"][2]["tool_calls"] == [{"id": "c1", "name": "order", "arguments": '{"number": 7}'}]
    assert record["messages"][2]["usage"] == {"prompt_tokens": 9, "completion_tokens": 4}
    assert (found.sources, found.ignored) == ([(0, 2)], {1: "not_a_call"})


def test_without_a_model_the_root_is_the_call() -> None:
    tool = run(MODEL, "tool", {"input": "7"}, {"output": "sent"})
    found = read([tool, CHAIN])
    assert [each["content"] for each in found.records[0]["messages"]] == ["Where is order 7?", "On its way."]
    assert (found.sources, found.ignored) == ([(1,)], {0: "not_a_call"})


def test_the_project_is_no_conversation() -> None:
    other = FIRST | {"id": "x", "trace_id": "x", "dotted_order": "", "inputs": {"messages": [["human", "Bye"]]}}
    alone = FIRST | {"extra": None}
    assert len({record["conversation_id"] for record in read([alone, other]).records}) == 2


def test_a_run_that_failed_or_was_logged_before_it_ended_counts_once() -> None:
    failed = SECOND | {"id": "f", "outputs": None, "error": "timeout"}
    found = read([CHAIN, FIRST, SECOND, SECOND | {"outputs": None}, failed])
    assert (found.sources, found.ignored) == ([(1, 2)], {0: "not_a_call", 3: "repeated", 4: "no_reply"})


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ({"key": "user_score", "score": 1}, {"thumb": "up"}),
        ({"key": "user_score", "score": 0.0, "comment": "Too late."}, {"thumb": "down", "comment": "Too late."}),
        ({"key": "star_rating", "score": 1}, {"score": 1}),
        ({"key": "note", "value": "thumbs_down"}, {"thumb": "down"}),
        ({"key": "user_score", "score": 1, "feedback_source": {"type": "model"}}, None),
        ({"key": "latency", "score": 88}, None),
    ],
)
@pytest.mark.parametrize("target", [ROOT, MODEL, LATER])
def test_feedback_joins_by_run_or_trace(feedback: dict[str, Any], expected: Any, target: str) -> None:
    row = {"id": "f-1", "run_id": target, "created_at": "2026-11-06T08:00:00"} | feedback
    assert read([row, CHAIN, FIRST, SECOND]).records[0]["feedback"] == expected


@pytest.mark.parametrize(
    "correction", ["It is here.", {"output": "It is here."}, {"role": "assistant", "content": "It is here."}]
)
def test_a_correction_is_a_conversation_with_a_thumb_up(correction: Any) -> None:
    rows = [{"id": f"f-{n}", "run_id": ROOT, "key": "c", "correction": each} for n, each in enumerate(["No.", correction])]
    found = read([CHAIN, FIRST, SECOND, *rows])
    records = {record["conversation_id"]: record for record in found.records}
    assert set(records) == {"s-1", f"{LATER}-demonstration"}
    better = records[f"{LATER}-demonstration"]
    assert (better["messages"][-1]["content"], better["feedback"]) == ("It is here.", {"thumb": "up"})
    assert found.ignored[3] == "superseded"
