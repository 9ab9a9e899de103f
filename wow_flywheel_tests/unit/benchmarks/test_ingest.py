"""The benchmark of ingestion builds the data that it says, and runs."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ingest, ingest_data, ingest_sides
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource

SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "Order 12345\u2019s late", "created_at": "2020-05-12T23:59:00Z"},
    {"role": "assistant", "content": "Sorry.", "created_at": "2020-05-13T00:00:00Z"},
    {"role": "user", "content": "PIN 042, call 99999", "created_at": "2020-05-13T00:01:00Z"},
    {
        "role": "assistant",
        "content": None,
        "created_at": "2020-05-13T00:01:00Z",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}],
    },
]


def record(number: int, messages: list[dict[str, Any]]) -> dict[str, Any]:
    about = {"conversation_id": f"c-{number}", "user_id": "u-1", "channel": "chat", "scenario": "late", "model": "m"}
    return about | {"started_at": "2020-05-12T23:59:00Z", "ended_at": "2020-05-13T00:01:00Z", "messages": messages}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "star" / "dt=2020-05-12"
    folder.mkdir(parents=True)
    lines = "\n".join(json.dumps(record(number, SAID)) for number in (1, 2))
    (folder / "conversations.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder.parent


def built(logs: Path, tmp_path: Path, count: int, form: Any = ingest_data.as_it_is) -> list[dict[str, Any]]:
    file = tmp_path / "built.jsonl"
    assert ingest_data.build(logs, count, file, form) == file.stat().st_size
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_repetition_has_other_ids_and_numbers_and_the_hours_of_the_log(logs: Path, tmp_path: Path) -> None:
    rows = built(logs, tmp_path, 5)
    ids = [(*row["conversation_id"].rsplit("-", 1), *row["user_id"].rsplit("-", 1)) for row in rows]
    assert [(first, person) for first, _, person, _ in ids] == [
        ("c-1", "u-1"), ("c-2", "u-1"), ("c-1", "u-1"), ("c-2", "u-1"), ("c-1", "u-1"),
    ]  # fmt: skip
    repetitions = [place for _, place, _, _ in ids]
    assert repetitions == [place for *_, place in ids]
    assert repetitions[0] == repetitions[1] != repetitions[2] == repetitions[3] != repetitions[4]
    assert {len(place) for place in repetitions} == {32}
    assert [message["content"] for message in rows[4]["messages"][::2]] == ["Order 12347\u2019s late", "PIN 042, call 100001"]
    assert (rows[4]["started_at"], rows[4]["ended_at"]) == ("2026-01-05T23:59:00Z", "2026-01-06T00:01:00Z")


def test_calls_repeat_the_conversation_so_far(logs: Path, tmp_path: Path) -> None:
    calls = built(logs, tmp_path, 1, ingest_data.openai_calls)
    assert [len(call["request"]["messages"]) for call in calls] == [1, 3]
    assert [call["session_id"] for call in calls] == [calls[0]["session_id"]] * 2
    assert calls[1]["response"]["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "find"
    assert calls[0]["request"]["messages"][0] == {"role": "user", "content": "Order 12345\u2019s late"}


def test_spans_hold_the_messages_as_parts(logs: Path, tmp_path: Path) -> None:
    exports = built(logs, tmp_path, 1, ingest_data.otel_spans)
    spans = [export["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for export in exports]
    attributes = {each["key"]: each["value"]["stringValue"] for each in spans[1]["attributes"]}
    assert [len(span["traceId"]) for span in spans] == [32, 32]
    assert spans[0]["spanId"] != spans[1]["spanId"]
    assert json.loads(attributes["gen_ai.input.messages"])[1] == {
        "role": "assistant",
        "parts": [{"type": "text", "content": "Sorry."}],
    }
    assert json.loads(attributes["gen_ai.output.messages"])[0]["parts"][0]["arguments"] == {"id": 7}


def test_every_line_that_it_builds_is_plainly_a_conversation(logs: Path, tmp_path: Path) -> None:
    file = tmp_path / "logs" / f"dt={ingest_data.DAY}" / "conversations.jsonl"
    ingest_data.build(logs, 5, file, ingest_data.as_it_is)
    with read_day(LogSource.at(str(tmp_path / "logs")), ingest_data.DAY) as read:
        assert (read.counts["lines"], read.counts["conversations"]) == (5, 5)


@pytest.mark.slow
def test_it_prints_the_tables_and_json(capfd: pytest.CaptureFixture[str]) -> None:
    if not ingest_data.STAR.is_dir():
        pytest.skip("the sample data (../shared/data) is not here")
    ingest.main(["--conversations", "200", "--sizes", "--runs", "1", "--format-conversations", "0"])
    printed = capfd.readouterr().out.splitlines()
    done = json.loads(printed[-1])["native"]["200"]
    assert done["ours"]["counts"]["conversations"] == 200
    assert set(done["ours"]["stages"]) == set(ingest_sides.STAGES)
    assert any(line.startswith("| 200 | ") for line in printed)
    assert any(line.startswith("| so redaction costs | ") for line in printed)
