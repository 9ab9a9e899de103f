"""Logs of other tools in a day's folder: read as they are, each line accounted for."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read
from wow_flywheel_tests.unit.conversations.test_plain_calls import OTHER, TURNS, conversation, document


def put(root: Path, name: str, documents: list[Any]) -> None:
    path = root / f"dt={DAY}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in documents)
    if name.endswith(".parquet"):
        texts = [{field: json.dumps(value) for field, value in each.items() if isinstance(value, dict)} for each in documents]
        rows = [each | text for each, text in zip(documents, texts, strict=True)]
        pl.DataFrame(rows).write_parquet(path)
    elif name.endswith(".json"):
        path.write_text(json.dumps(documents, indent=2))
    else:
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def told(day: DayRead) -> dict[str, list[str]]:
    rows = day.conversations.select("conversation_id", "messages").rows()
    return {name: [each["content"] or each["tool_calls"][0]["name"] for each in messages] for name, messages in rows}


WHOLE = ["Be kind.", "Where is my order?", "find", '{"eta": "2 days"}', "In two days. 好", "Thanks", "Bye"]


def span(number: int, turns: list[dict[str, Any]], **about: str) -> dict[str, Any]:
    """A call of a model as a span with the messages of OpenTelemetry."""

    def parts(turn: dict[str, Any]) -> dict[str, Any]:
        if turn["role"] == "tool":
            held = [{"type": "tool_call_response", "id": turn["tool_call_id"], "response": json.loads(turn["content"])}]
        else:
            held = [{"type": "text", "content": turn["content"]}] if turn["content"] else []
            held += [
                {"type": "tool_call", "id": call["id"], "name": call["function"]["name"],
                 "arguments": json.loads(call["function"]["arguments"])}
                for call in turn.get("tool_calls", ())
            ]  # fmt: skip
        return {"role": turn["role"], "parts": held}

    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([parts(each) for each in turns[:-1]]),
        "gen_ai.output.messages": json.dumps([parts(turns[-1]) | {"finish_reason": "stop"}]),
    } | about
    return {
        "traceId": f"trace-{number}",
        "spanId": f"span-{number}",
        "startTimeUnixNano": str((1_762_329_600 + number) * 10**9),
        "endTimeUnixNano": str((1_762_329_600 + number) * 10**9 + 5),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


def export(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


TOOL_SPAN = {"traceId": "t", "spanId": "s", "startTimeUnixNano": "1", "attributes": [
    {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}]}  # fmt: skip


def test_calls_of_a_gateway_beside_native_records(tmp_path: Path) -> None:
    first, second, third = conversation(session_id="s-1")
    put(tmp_path, "a.jsonl", [line("c-1") + b"\n"])
    put(tmp_path, "calls-1.jsonl", [first, b"\n", second, b"{\n"])
    put(tmp_path, "calls-2.jsonl.gz", [third, document(OTHER, 50, user_id="u")])
    day = read(tmp_path)
    assert told(day) == {"c-1": ["Where is my order?", "On its way."], "s-1": WHOLE, "r-50": ["Be kind.", "Cancel it", "Done"]}
    places = day.conversations.select("conversation_id", "source_file", "source_line").sort("conversation_id").rows()
    assert places == [
        ("c-1", f"dt={DAY}/a.jsonl", 1), ("r-50", f"dt={DAY}/calls-2.jsonl.gz", 2), ("s-1", f"dt={DAY}/calls-1.jsonl", 1),
    ]  # fmt: skip
    assert dict(day.counts) == {
        "files": 3, "lines": 7, "conversations": 3, "conversation_lines": 5, "quarantined": 1, "duplicates": 0, "blank": 1,
        "ignored": 0, "redactions": 0,
    }  # fmt: skip
    assert day.quarantine.select("source_file", "source_line", "reason").rows() == [(f"dt={DAY}/calls-1.jsonl", 4, "not_json")]
    assert day.formats == {"native": 1, "openai": 2}


def test_a_retry_is_read_with_care_and_counted(tmp_path: Path) -> None:
    calls = conversation(session_id="s-1")
    late = [*TURNS[:5], {"role": "assistant", "content": "See you"}]
    put(tmp_path, "a.jsonl", [*conversation(20, session_id="s-2"), *calls, document(late, 9, session_id="s-1")])
    day = read(tmp_path)
    assert told(day) == {"s-2": WHOLE, "s-1": [*WHOLE[:-1], "See you"]}
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (7, 6, {"superseded": 1})


def test_spans(tmp_path: Path) -> None:
    about = {"gen_ai.conversation.id": "s-1", "user.id": "u"}
    put(tmp_path, "a.jsonl", [
        export(span(0, TURNS[:2], **about), span(50, OTHER, **{"session.id": "s-2"})),
        export(TOOL_SPAN),
        export(span(1, TURNS[:4], **about), TOOL_SPAN),
        export(span(2, TURNS, **about)),
    ])  # fmt: skip
    day = read(tmp_path)
    assert told(day) == {"s-1": WHOLE[1:], "s-2": ["Cancel it", "Done"]}
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (4, 3, {"not_a_call": 1})


def test_a_line_that_two_conversations_share_is_read_in_one_way(tmp_path: Path) -> None:
    """One of the two is not plain, so both are read with care, and the line counts once."""
    put(tmp_path, "a.jsonl", [
        export(span(0, TURNS[:2], **{"session.id": "s-1"}), span(50, OTHER, **{"session.id": "s-2"})),
        export(span(51, OTHER, **{"session.id": "s-2"})),
        export(span(1, TURNS[:4], **{"session.id": "s-1"})),
    ])  # fmt: skip
    day = read(tmp_path)
    assert told(day) == {"s-1": WHOLE[1:5], "s-2": ["Cancel it", "Done"]}
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (3, 2, {"repeated": 1})


def langfuse(number: int, asked: list[dict[str, Any]], reply: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"o-{number}", "traceId": f"t-{number}", "type": "GENERATION", "startTime": f"2026-11-05T08:00:0{number}Z",
        "input": {"messages": asked}, "output": reply, "model": "m",
    }  # fmt: skip


def test_rows_of_langfuse_and_their_scores(tmp_path: Path) -> None:
    rows = [
        langfuse(1, OTHER[:1], OTHER[1]),
        {"id": "x", "traceId": "t-1", "name": "thumb", "value": 1, "source": "API", "dataType": "NUMERIC"},
        {"id": "y", "traceId": "t-1", "name": "judge", "value": 0.2, "source": "EVAL", "dataType": "NUMERIC"},
        {"id": "z", "traceId": "t-9", "name": "thumb", "value": 1, "source": "API", "dataType": "NUMERIC"},
        langfuse(2, OTHER[:1], OTHER[1]) | {"type": "SPAN", "input": None, "output": None},
    ]
    put(tmp_path, "a.jsonl", rows)
    day = read(tmp_path)
    assert list(told(day).values()) == [["Cancel it", "Done"]]
    assert day.conversations["feedback"][0]["thumb"] == "up"
    assert (day.counts["lines"], day.counts["conversation_lines"]) == (5, 2)
    assert day.ignored == {"automatic_score": 1, "no_conversation": 1, "not_a_call": 1}


def test_json_that_is_no_document_is_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", [*conversation(), b"null\n", b"[]\n", b"5\n", b'"x"\n', b"[" * 2000 + b"]" * 2000 + b"\n"])
    day = read(tmp_path)
    assert (day.counts["lines"], day.counts["conversation_lines"]) == (8, 3)
    assert (day.ignored, day.quarantine["reason"].to_list()) == ({}, ["unknown_document"] * 4 + ["too_deep"])


def test_a_record_that_breaks_the_contract_is_quarantined(tmp_path: Path) -> None:
    only_assistant = document([{"role": "assistant", "content": "hi"}, {"role": "assistant", "content": "anyone?"}], 0)
    put(tmp_path, "a.jsonl", [only_assistant, *conversation(10)])
    day = read(tmp_path)
    assert day.quarantine.select("source_line", "reason").rows() == [(1, "no_user_turn")]
    assert (day.counts["lines"], day.counts["conversations"], day.counts["quarantined"]) == (4, 1, 1)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_any_packing(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, conversation(session_id="s-1"))
    day = read(tmp_path)
    assert told(day) == {"s-1": WHOLE}
    assert (day.counts["lines"], day.counts["conversation_lines"], day.formats) == (3, 3, {"openai": 1})


@pytest.mark.parametrize("name", ["a.json", "b.json.gz"])
def test_native_records_in_one_document(tmp_path: Path, name: str) -> None:
    data = b"[" + line("c-1") + b",\n" + line("c-2")[:-1] + b', "user_id": "x"}]'
    path = tmp_path / f"dt={DAY}" / name
    path.parent.mkdir()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    day = read(tmp_path)
    assert list(told(day)) == ["c-1"]
    assert day.quarantine.select("source_line", "reason").rows() == [(2, "duplicate_key")]


def test_lines_in_a_file_named_json(tmp_path: Path) -> None:
    path = tmp_path / f"dt={DAY}" / "a.json"
    path.parent.mkdir()
    path.write_bytes(line("c-1") + b"\n{\n" + line("c-2"))
    day = read(tmp_path)
    assert (list(told(day)), day.counts["quarantined"]) == (["c-1", "c-2"], 1)


def test_quarantine_says_where_a_line_of_another_format_begins(tmp_path: Path) -> None:
    """A conversation put together from plain calls whose id another one has: the place of its first line."""
    calls = conversation(session_id="c-1")
    put(tmp_path, "a.jsonl", [line("c-1") + b"\n"])
    put(tmp_path, "b.jsonl", [document(OTHER, 50, user_id="u"), *calls])
    before = len(json.dumps(document(OTHER, 50, user_id="u"))) + 1
    (row,) = read(tmp_path).quarantine.to_dicts()
    assert (row["reason"], row["source_file"]) == ("duplicate_id", f"dt={DAY}/b.jsonl")
    assert (row["source_line"], row["byte_offset"]) == (2, before)


def test_conversations_of_a_line_are_counted_also_where_one_of_them_is_not_kept(tmp_path: Path) -> None:
    """One line tells of two conversations, and another file has one of them with other words."""
    put(tmp_path, "a.jsonl", [line("s-1") + b"\n"])
    put(tmp_path, "b.jsonl", [export(span(0, OTHER, **{"session.id": "s-1"}), span(50, OTHER, **{"session.id": "s-2"}))])
    day = read(tmp_path)
    assert day.conversations["conversation_id"].to_list() == ["s-2", "s-1"]
    assert (day.counts["conversations"], day.counts["lines"], day.quarantine["reason"].to_list()) == (2, 2, ["duplicate_id"])


def test_attributes_from_a_table_have_nulls_for_the_other_types(tmp_path: Path) -> None:
    about = {"session.id": "s-1"}
    first = span(0, OTHER, **about)
    for each in first["attributes"]:
        each["value"]["intValue"] = None
    put(tmp_path, "a.jsonl", [export(first), export(first | {"spanId": "", "events": []})])
    (row,) = read(tmp_path).conversations.to_dicts()
    assert [each["content"] for each in row["messages"]] == [each["content"] for each in OTHER]


def test_rows_of_different_kinds_in_one_table(tmp_path: Path) -> None:
    """Each row has the columns of all kinds; those that are null are not there."""
    name = "019a53e3-5a00-7000-8000-000000000001"
    inference = {"id": name, "function_name": "support", "input": json.dumps({"messages": [{"role": "user", "content": "Hi"}]}),
                 "output": json.dumps([{"type": "text", "text": "Hello"}])}  # fmt: skip
    score = {"id": "1", "target_id": name, "metric_name": "solved", "value": True}
    put(tmp_path, "a.parquet", [inference | dict.fromkeys(score.keys() - {"id"}), dict.fromkeys(inference) | score])
    day = read(tmp_path)
    (row,) = day.conversations.to_dicts()
    assert ([each["content"] for each in row["messages"]], row["feedback"]["thumb"]) == (["Hi", "Hello"], "up")
    assert (day.counts["conversation_lines"], day.counts["lines"]) == (2, 2)


def evaluation(number: int, **about: str) -> dict[str, Any]:
    listed = [{"key": f"gen_ai.evaluation.{key.replace('__', '.')}", "value": {"stringValue": about[key]}} for key in about]
    record = {"eventName": "gen_ai.evaluation.result", "traceId": f"trace-{number}", "spanId": f"span-{number}"}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record | {"attributes": listed}]}]}]}


def test_feedback_that_comes_apart_joins_calls_that_are_read_at_once(tmp_path: Path) -> None:
    calls = conversation(session_id="s-1")
    name = calls[-1]["response"]["id"]
    put(tmp_path, "a.jsonl", [*calls, *conversation(20, session_id="s-2")])
    put(tmp_path, "later.jsonl", [
        {"response_id": name, "feedback": {"thumb": "up"}}, {"session_id": "s-2", "feedback": {"comment": "Too slow."}},
        {"session_id": "s-9", "feedback": {"thumb": "up"}},
    ])  # fmt: skip
    day = read(tmp_path)
    said = {
        name: (each["thumb"], each["comment"]) for name, each in day.conversations.select("conversation_id", "feedback").rows()
    }
    assert said == {"s-1": ("up", None), "s-2": (None, "Too slow.")}
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (9, 8, {"no_conversation": 1})


def test_evaluations_that_come_apart_join_spans_that_are_read_at_once(tmp_path: Path) -> None:
    about = {"gen_ai.conversation.id": "s-1", "user.id": "u"}
    put(tmp_path, "a.jsonl", [export(span(0, TURNS[:2], **about)), export(span(1, TURNS[:4], **about))])
    put(tmp_path, "logs.jsonl", [
        evaluation(1, name="user_feedback", score__label="bad"), evaluation(0, name="faithfulness", score__label="good"),
    ])  # fmt: skip
    day = read(tmp_path)
    assert day.conversations["feedback"][0]["thumb"] == "down"
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (4, 3, {"automatic_score": 1})


def test_an_id_with_half_a_character_is_a_reason_for_quarantine(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", [*conversation(session_id="s-1"), document(OTHER, 50, session_id="s-\ud800")])
    day = read(tmp_path)
    assert (list(told(day)), day.quarantine["reason"].to_list(), day.counts["lines"]) == (["s-1"], ["bad_encoding"], 4)


NAMED = [
    {"role": "user", "content": "I am nora. Where is it?"},
    {"role": "assistant", "content": "Hello Nora Quist, on its way."},
]


@pytest.mark.parametrize(
    "documents",
    [
        [document(NAMED, 1, customer_name="Nora Quist")],
        [document(NAMED, 1, metadata={"customer": {"name": "Nora Quist"}})],
        [document(NAMED, 1, context={"user": {"name": "Nora Quist"}})],
        [export(span(1, NAMED, **{"customer.name": "Nora Quist"}))],
        [
            {
                "resourceSpans": [
                    {
                        "resource": {"attributes": [{"key": "user.name", "value": {"stringValue": "Nora Quist"}}]},
                        "scopeSpans": [{"spans": [span(1, NAMED)]}],
                    }
                ]
            }
        ],
    ],
    ids=["field", "metadata", "nested", "attribute", "resource"],
)
def test_names_that_another_tool_logs_are_redacted(tmp_path: Path, documents: list[Any]) -> None:
    put(tmp_path, "a.jsonl", documents)
    (said,) = told(read(tmp_path)).values()
    assert said[-2:] == ["I am <NAME_1>. Where is it?", "Hello <NAME_1>, on its way."]


def test_a_conversation_that_contradicts_is_kept_aside_though_its_line_counts_for_another(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", conversation(session_id="s-1")[:1])
    spans = (span(5, OTHER, **{"session.id": "s-2"}), span(9, OTHER, **{"session.id": "s-1"}))
    put(tmp_path, "b.jsonl", [export(*spans)])
    day = read(tmp_path)
    assert told(day) == {"s-1": ["Be kind.", "Where is my order?", "find"], "s-2": ["Cancel it", "Done"]}
    assert day.quarantine.select("reason", "conversation_id", "source_file").rows() == [
        ("duplicate_id", "s-1", f"dt={DAY}/b.jsonl")
    ]
    assert (day.counts["lines"], day.counts["conversation_lines"], day.counts["quarantined"]) == (2, 2, 0)
