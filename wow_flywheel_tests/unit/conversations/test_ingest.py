"""A day of logs: what is read, what is quarantined and why, and that every line is accounted for."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.fields import REASONS
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.forget.tombstones import Forgotten, hashed
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read, read_line, record, write

USER = {"role": "user", "content": "hi"}
CALL = {"id": "1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
NO_TIME = "is neither an RFC 3339 timestamp nor a time since 1970"


def messages(*more: object) -> list[object]:
    return [USER, *more]


def assistant(**changes: object) -> dict[str, object]:
    return {"role": "assistant", "content": "ok"} | changes


BROKEN = {
    "not_json": [
        (b"{", "the line is not JSON"),
        (b"hello", "the line is not JSON"),
        (line()[:-1], "the line is not JSON"),
        (line(score=float("nan")), "NaN is not JSON"),
        (line(feedback={"score": float("inf")}), "Infinity is not JSON"),
        (line()[:-1] + b",}", "the line is not JSON"),
    ],
    "not_an_object": [(b"[]", "the line is a JSON list, not an object"), (b'"x"', "the line is a JSON str, not an object")],
    "bad_encoding": [
        (line().replace(b"refund", b"caf\xe9"), "the line is not UTF-8"),
        (line().replace(b"On its way.", b"\\ud83d"), "messages[1].content has a lone surrogate"),
    ],
    "too_deep": [(line().replace(b'"refund"', b"[" * 100_000 + b"]" * 100_000), "the JSON is nested too deeply")],
    "duplicate_key": [
        (line()[:-1] + b', "user_id": "u-2"}', "the record names a key twice"),
        (line().replace(b'"content": "On its', b'"content": "No.", "content": "On its'), "messages[1] names a key twice"),
        (line(feedback={"thumb": "up"}).replace(b'"up"', b'"up", "thumb": "down"'), "feedback names a key twice"),
        (
            line(messages=messages(assistant(usage={"prompt_tokens": 1}))).replace(b's": 1}', b's": 1, "prompt_tokens": 2}'),
            "messages[1].usage names a key twice",
        ),
        (
            line(messages=messages(assistant(tool_calls=[CALL]))).replace(b'"find"', b'"find", "name": "pay"'),
            "messages[1].tool_calls[0].function names a key twice",
        ),
        (
            line(messages=messages(assistant(tool_calls=[CALL]))).replace(b'"id": "1"', b'"id": "1", "id": "2"'),
            "messages[1].tool_calls[0] names a key twice",
        ),
        (
            line(messages=messages(assistant(tool_calls=[{"name": "g", "arguments": [{"a": 1}]}]))).replace(
                b'"a": 1', b'"a": 1, "a": 2'
            ),
            "messages[1].tool_calls[0].arguments names a key twice",
        ),
    ],
    "missing_field": [
        (line(user_id=...), "user_id is missing or null"),
        (line(started_at=None), "started_at is missing or null"),
        (line("  "), "conversation_id is empty"),
        (line(messages=...), "messages is missing or null"),
        (
            line(messages=messages(assistant(tool_calls=[{"function": {"arguments": "{}"}}]))),
            "messages[1].tool_calls[0].name is missing or null",
        ),
    ],
    "wrong_type": [
        (line(user_id=7), "user_id is not a string"),
        (line(messages={}), "messages is not a list"),
        (line(messages=["hi"]), "messages[0] is not an object"),
        (line(messages=[USER | {"content": 5}]), "messages[0].content is neither text nor a list of parts"),
        (
            line(messages=[USER | {"content": [{"type": ["x"]}]}]),
            "messages[0].content[0] is not an object with a type",
        ),
        (
            line(messages=[USER | {"content": [{"type": "video"}]}]),
            "messages[0].content[0] is no text, image, audio or file part",
        ),
        (line(messages=messages(assistant(tool_calls={}))), "messages[1].tool_calls is not a list"),
        (line(messages=messages(assistant(usage=[]))), "messages[1].usage is not an object"),
        (
            line(messages=messages(assistant(usage={"prompt_tokens": -1}))),
            "messages[1].usage.prompt_tokens is not a whole number of tokens",
        ),
        (line(feedback="up"), "feedback is not an object"),
    ],
    "unknown_role": [
        (line(messages=messages({"role": "agent"})), "messages[1].role is not one of assistant, system, tool, user"),
        (line(messages=messages({"role": ["user"]})), "messages[1].role is not one of assistant, system, tool, user"),
    ],
    "no_messages": [(line(messages=[]), "messages is empty")],
    "no_user_turn": [(line(messages=[assistant()]), "messages has no message of role user")],
    "bad_timestamp": [
        (line(started_at="yesterday"), f"started_at {NO_TIME}"),
        (line(started_at="2026-11-05"), f"started_at {NO_TIME}"),
        (line(ended_at=17623296), f"ended_at {NO_TIME}"),
        (line(messages=[USER | {"created_at": "2026-13-05T08:00:00Z"}]), f"messages[0].created_at {NO_TIME}"),
        (line(started_at="0001-01-01T00:00:00+14:00"), f"started_at {NO_TIME}"),
    ],
    "ended_before_started": [(line(ended_at="2026-11-05T07:59:59Z"), "ended_at is earlier than started_at")],
    "bad_feedback": [
        (line(feedback={"thumb": "sideways"}), "feedback.thumb is neither up nor down"),
        (line(feedback={"thumb": ["up"]}), "feedback.thumb is neither up nor down"),
        (line(feedback={"score": 6}), "feedback.score is not a rating from 1 to 5"),
        (line(feedback={"rating": True}), "feedback.score is not a rating from 1 to 5"),
    ],
}


@pytest.mark.parametrize(
    ("reason", "data", "detail"),
    [(reason, *case) for reason, cases in BROKEN.items() for case in cases],
    ids=[f"{reason}-{i}" for reason, cases in BROKEN.items() for i in range(len(cases))],
)
def test_a_broken_line_is_quarantined_with_its_reason(tmp_path: Path, reason: str, data: bytes, detail: str) -> None:
    day = read_line(tmp_path, b"\n" + line("good") + b"\r\n" + data)
    assert day.quarantine.select("source_file", "source_line", "byte_offset", "reason", "detail").rows() == [
        (f"dt={DAY}/a.jsonl", 3, len(line("good")) + 3, reason, detail)
    ]
    assert day.conversations["conversation_id"].to_list() == ["good"]
    assert dict(day.counts) == {
        "files": 1, "lines": 3, "conversations": 1, "conversation_lines": 1, "quarantined": 1, "duplicates": 0, "blank": 1,
        "ignored": 0, "redactions": 0,
    }  # fmt: skip


def test_every_reason_is_tested() -> None:
    assert {*BROKEN, "too_long", "truncated_file", "duplicate_id", "unknown_field", "unknown_document"} == set(REASONS)


def test_a_valid_record_as_it_is_stored(tmp_path: Path) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"order": 7}'}}
    parts = [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_image", "image_url": "https://x.example/j.png"},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    ]
    logged = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": parts, "created_at": "2026-11-05T16:00:00.25+08:00"},
        {"role": "assistant", "content": None, "tool_calls": [call, {"name": "g", "arguments": {"a": "é"}}], "usage": {}},
        {"role": "tool", "content": '{"eta": "2 days"}', "tool_call_id": "call_1"},
        {"role": "assistant", "content": "Two days.", "action": "tell_eta", "tool_calls": [], "name": "",
         "usage": {"prompt_tokens": 12.0, "completion_tokens": 3, "total_tokens": 15}},
    ]  # fmt: skip
    feedback = {"rating": 4, "comment": "ok, a@b.com"}
    day = read_line(tmp_path, line(locale="", channel=None, scenario=..., messages=logged, feedback=feedback, extra=1))
    row = day.conversations.to_dicts()[0]
    empty = dict.fromkeys(("content", "created_at", "action", "tool_calls", "tool_call_id", "usage"))
    image = "See\n[image: https://x.example/i.png]\n[image: inline]\n[image: https://x.example/j.png]\n[audio]"
    assert row == {
        "dt": DAY, "conversation_id": "c-1", "user_id": "u-1", "channel": None, "scenario": "unknown", "locale": None,
        "model": "agent-1", "started_at": datetime(2026, 11, 5, 8, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 5, 8, 1, tzinfo=UTC),
        "messages": [
            empty | {"role": "system", "content": "Be kind."},
            empty | {"role": "user", "content": image, "created_at": datetime(2026, 11, 5, 8, 0, 0, 250_000, tzinfo=UTC)},
            empty | {"role": "assistant", "tool_calls": [
                {"id": "call_1", "name": "find", "arguments": '{"order": 7}'},
                {"id": None, "name": "g", "arguments": '{"a": "é"}'},
            ]},
            empty | {"role": "tool", "content": '{"eta": "2 days"}', "tool_call_id": "call_1"},
            empty | {"role": "assistant", "content": "Two days.", "action": "tell_eta",
                     "usage": {"prompt_tokens": 12, "completion_tokens": 3}},
        ],
        "feedback": {"thumb": None, "score": 4.0, "comment": "ok, <EMAIL_1>"}, "extra": None, "logged_ids": None,
            "redactions": 1,
        "source_file": f"dt={DAY}/a.jsonl", "source_line": 1,
    }  # fmt: skip
    assert day.conversations.schema == pl.Schema(CONVERSATIONS.columns)
    assert day.quarantine.schema == pl.Schema(QUARANTINE.columns)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_formats_say_the_same(tmp_path: Path, name: str) -> None:
    data = b"\xef\xbb\xbf" + line("c-1") + b"\r\n\n" + line("c-2", user_id="\u2028 \x85 u") + b"\n" + b"{}\n" + line("c-3")
    write(tmp_path, data, name)
    day = read(tmp_path)
    assert day.conversations.select("conversation_id", "source_line").rows() == [("c-1", 1), ("c-2", 3), ("c-3", 5)]
    assert day.quarantine["byte_offset"].to_list() == [data.index(b"\n{}\n") + 1]


def test_parquet_rows_are_records(tmp_path: Path) -> None:
    rows = [record("c-1", feedback={"thumb": None, "score": None}), record("c-2", feedback={"thumb": "up", "score": None})]
    frame = pl.DataFrame(rows).with_columns(pl.col("started_at").str.to_datetime(time_zone="UTC"))
    path = tmp_path / f"dt={DAY}" / "part" / "b.parquet"
    path.parent.mkdir(parents=True)
    broken = frame.with_columns(user_id=pl.lit(None, pl.String), conversation_id=pl.lit("c-3")).head(1)
    pl.concat([frame, broken]).write_parquet(path)
    day = read(tmp_path)
    assert day.conversations["conversation_id"].to_list() == ["c-1", "c-2"]
    assert day.conversations["feedback"].to_list() == [None, {"thumb": "up", "score": None, "comment": None}]
    assert day.conversations["started_at"][0] == datetime(2026, 11, 5, 8, tzinfo=UTC)
    assert day.quarantine.select("conversation_id", "source_line", "byte_offset", "reason").rows() == [
        ("c-3", 3, 2, "missing_field")
    ]


def test_quarantine_keeps_the_redacted_line(tmp_path: Path) -> None:
    day = read_line(tmp_path, line("c-9", user_id=["a@b.com", "13800138000"]))
    kept = day.quarantine.to_dicts()[0]
    assert json.loads(kept["redacted_line"])["user_id"] == ["<EMAIL_1>", "<PHONE_1>"]
    assert (kept["conversation_id"], kept["dt"]) == ("c-9", DAY)


def test_personal_values_are_redacted_everywhere(tmp_path: Path) -> None:
    call = {"id": "1", "function": {"name": "find", "arguments": '{"email": "a@b.com", "n": 1}'}}
    logged = [
        {"role": "user", "content": "I am a@b.com"},
        {"role": "assistant", "content": "Hi", "tool_calls": [call]},
        {"role": "tool", "content": '{"phone": 13800138000, "id": 4155552671}', "tool_call_id": "1"},
        {"role": "assistant", "content": "Is it 13800138000?"},
    ]
    day = read_line(tmp_path, line(user_id="a@b.com", messages=logged, feedback={"thumb": "up", "comment": "call 13800138000"}))
    row = day.conversations.to_dicts()[0]
    assert [each["content"] for each in row["messages"]] == [
        "I am <EMAIL_1>", "Hi", '{"phone": "<PHONE_1>", "id": 4155552671}', "Is it <PHONE_1>?",
    ]  # fmt: skip
    assert row["messages"][1]["tool_calls"][0]["arguments"] == '{"email": "<EMAIL_1>", "n": 1}'
    assert row["feedback"]["comment"] == "call <PHONE_1>"
    assert row["user_id"].startswith("anon-")
    assert (row["redactions"], day.counts["redactions"]) == (6, 6)


def test_copies_and_earlier_versions_are_duplicates_and_contradictions_are_quarantined(tmp_path: Path) -> None:
    longer = [*record()["messages"], {"role": "user", "content": "Thanks"}]
    went_on = line(messages=longer, ended_at="2026-11-05T08:05:00Z", feedback={"thumb": "up"})
    other = line(messages=[{"role": "user", "content": "Another one"}])
    write(tmp_path, b"\n".join([line(), line(), other, line("c-2")]), "a.jsonl")
    write(tmp_path, b"\n".join([went_on, line()]), "b.jsonl.gz")
    day = read(tmp_path)
    assert day.conversations.select("conversation_id", "source_file", "source_line").rows() == [
        ("c-1", f"dt={DAY}/b.jsonl.gz", 1),
        ("c-2", f"dt={DAY}/a.jsonl", 4),
    ]
    assert day.quarantine.select("conversation_id", "source_line", "reason").rows() == [("c-1", 3, "duplicate_id")]
    assert [day.counts[name] for name in ("lines", "conversations", "quarantined", "duplicates")] == [6, 2, 1, 3]


def test_a_time_without_offset_is_read_in_the_business_timezone(tmp_path: Path) -> None:
    write(tmp_path, line(started_at="2026-11-05T08:00:00", ended_at="2026-11-05 08:30:00"))
    source = LogSource.at(str(tmp_path))
    started = {zone: read_day(source, DAY, timezone=zone).conversations["started_at"][0] for zone in ("UTC", "Asia/Shanghai")}
    assert started == {"UTC": datetime(2026, 11, 5, 8, tzinfo=UTC), "Asia/Shanghai": datetime(2026, 11, 5, 0, tzinfo=UTC)}


def test_days_without_lines(tmp_path: Path) -> None:
    write(tmp_path, b"\n \n")
    assert dict(read(tmp_path).counts) == {
        "files": 1, "lines": 2, "conversations": 0, "conversation_lines": 0, "quarantined": 0, "duplicates": 0, "blank": 2,
        "ignored": 0, "redactions": 0,
    }  # fmt: skip
    assert read_day(LogSource.at(str(tmp_path)), DAY.replace(day=6)).counts["files"] == 0


def test_a_forgotten_customer_is_ignored_even_in_broken_lines(tmp_path: Path) -> None:
    gone = Forgotten("salt", frozenset({hashed("salt", "u-9")}))
    write(tmp_path, b"\n".join([line("c-1"), line("c-2", user_id="u-9"), line("c-3", user_id="u-9")[:-9], b"{"]))
    day = read_day(LogSource.at(str(tmp_path)), DAY, forgotten=gone)
    assert day.conversations["conversation_id"].to_list() == ["c-1"]
    assert day.quarantine["source_line"].to_list() == [4]
    assert (day.counts["lines"], day.counts["ignored"], day.ignored) == (4, 2, {"forgotten": 2})


def test_names_that_are_found_in_what_was_said_go_everywhere(tmp_path: Path) -> None:
    logged = [
        {"role": "user", "content": "Ann Lee here"},
        {"role": "tool", "content": '{"for": "Ann Lee"}', "tool_call_id": "1"},
    ]
    write(tmp_path, line(messages=logged))
    day = read_day(LogSource.at(str(tmp_path)), DAY, people=lambda texts: ["Ann Lee"] if "Ann Lee here" in texts else [])
    assert [each["content"] for each in day.conversations["messages"][0]] == ["<NAME_1> here", '{"for": "<NAME_1>"}']


def test_originals_are_handed_to_the_vault(tmp_path: Path) -> None:
    kept: dict[str, dict[str, str]] = {}

    class Kept:
        def keep(self, day: date, conversation_id: str, originals: Mapping[str, str]) -> None:
            kept[f"{day} {conversation_id}"] = dict(originals)

        def flush(self, day: date) -> None:
            raise AssertionError(day)

    write(tmp_path, line(messages=[{"role": "user", "content": "I am a@b.com"}]) + b"\n" + line("c-2"))
    read_day(LogSource.at(str(tmp_path)), DAY, vault=Kept())
    assert kept == {f"{DAY} c-1": {"<EMAIL_1>": "a@b.com"}}


def test_a_refusal_is_what_the_reply_says(tmp_path: Path) -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    day = read_line(tmp_path, line(messages=[{"role": "user", "content": "hi"}, refused]))
    assert [each["content"] for each in day.conversations["messages"][0]] == ["hi", "I can't help with that."]
