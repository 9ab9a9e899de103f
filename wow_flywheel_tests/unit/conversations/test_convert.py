"""Logs of other tools become dated files that the flywheel reads without a loss."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.conversations.commands import LogFormat
from wow_flywheel.conversations.convert import convert
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.readers.registry import READERS
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.errors import SourceError
from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples

RUNNER = CliRunner()
EVENING = 1_762_381_800
"""2025-11-05 22:30 UTC."""


def document(number: int, text: str = "Where is my order?") -> dict[str, Any]:
    return {
        "timestamp": EVENING + 3600 * number,
        "request": {"model": "m-1", "messages": [{"role": "user", "content": text}], "user": f"u-{number}"},
        "response": {"id": f"r-{number}", "choices": [{"message": {"role": "assistant", "content": "On its way."}}]},
    }


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def ingested(folder: Path) -> dict[date, dict[str, int]]:
    source = LogSource.at(str(folder))
    return {day: dict(read_day(source, day).counts) for day in source.days()}


def test_what_is_written_is_read_with_nothing_quarantined(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0), document(2)))
    done = convert(tmp_path / "calls.jsonl", tmp_path / "logs")
    assert done.days == ["dt=2025-11-05/conversations.jsonl.gz", "dt=2025-11-06/conversations.jsonl.gz"]
    assert (done.format, done.files, done.documents, done.conversations, done.ignored) == ("openai", 1, 2, 2, {})
    read = ingested(tmp_path / "logs")
    assert list(read) == [date(2025, 11, 5), date(2025, 11, 6)]
    assert all((counts["conversations"], counts["quarantined"]) == (1, 0) for counts in read.values())


def test_the_day_is_counted_in_the_business_timezone(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0), document(2)))
    done = convert(tmp_path / "calls.jsonl", tmp_path / "logs", timezone="Asia/Shanghai")
    assert done.days == ["dt=2025-11-06/conversations.jsonl.gz"]


def test_a_folder_of_all_kinds_of_files_is_read(tmp_path: Path) -> None:
    source = tmp_path / "in" / "deep"
    source.mkdir(parents=True)
    (source / "a.json").write_text(json.dumps([document(0), document(1)], indent=2))
    (source / "b.jsonl.gz").write_bytes(gzip.compress(lines(document(2), document(3))))
    (source / "c.ndjson.zst").write_bytes(zstandard.compress(lines(document(4))))
    (source / "d.json").write_bytes(lines(document(5), document(6)))
    (source / "notes.txt").write_text("not a log")
    (source / ".hidden.json").write_text("[]")
    done = convert(tmp_path / "in", tmp_path / "logs", format_name="openai")
    assert (done.files, done.documents, done.conversations) == (4, 7, 7)


def test_the_calls_of_a_conversation_may_lie_in_several_files(tmp_path: Path) -> None:
    later = document(1) | {"timestamp": EVENING + 60}
    opening = [*document(0)["request"]["messages"], {"role": "assistant", "content": "On its way."}]
    later["request"] = {"user": "u-0", "messages": [*opening, {"role": "user", "content": "Thanks!"}]}
    (tmp_path / "a.jsonl").write_bytes(lines(later))
    (tmp_path / "b.jsonl").write_bytes(lines(document(0)))
    assert convert(tmp_path, tmp_path / "logs").conversations == 1


def test_what_is_no_json_is_counted(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0)) + b"oops\n\n")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines(document(1)))[:-9])
    done = convert(tmp_path, tmp_path / "logs")
    assert done.ignored["not_json"] == 1
    assert done.ignored["truncated_file"] == 1


def test_the_format_shows_even_when_the_first_document_is_another(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines({"hello": "world"}, document(0)))
    done = convert(tmp_path / "calls.jsonl", tmp_path / "logs")
    assert (done.format, done.documents, done.conversations, done.ignored) == ("openai", 2, 1, {"unknown_document": 1})


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0), document(1)))
    (tmp_path / "turned.jsonl").write_bytes(lines(document(1), document(0)))
    for name in ("calls", "turned"):
        convert(tmp_path / f"{name}.jsonl", tmp_path / name)
    outputs = [(tmp_path / name / "dt=2025-11-05" / "conversations.jsonl.gz").read_bytes() for name in ("calls", "turned")]
    assert outputs[0] == outputs[1]


def test_an_earlier_conversion_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0)))
    convert(tmp_path / "calls.jsonl", tmp_path / "logs")
    with pytest.raises(SourceError, match="exists already"):
        convert(tmp_path / "calls.jsonl", tmp_path / "logs")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ('{"hello": "world"}', "none of 1 documents"), ("", "no JSON in it")],
)
def test_input_that_cannot_be_read_is_an_error(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "calls.jsonl").write_text(content)
    with pytest.raises(SourceError, match=message):
        convert(tmp_path / "calls.jsonl", tmp_path / "logs")


def test_an_output_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0)))
    (tmp_path / "logs").write_text("a file in the way")
    with pytest.raises(SourceError, match="OUTPUT_FOLDER"):
        convert(tmp_path / "calls.jsonl", tmp_path / "logs")


def test_the_command_prints_tables(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0), {"hello": "world"}))
    result = RUNNER.invoke(app, ["conversations", "convert", str(tmp_path / "calls.jsonl"), str(tmp_path / "logs")])
    assert result.exit_code == 0
    table = [line.split() for line in result.stdout.splitlines()]
    assert table[:2] == [["format", "files", "documents", "conversations", "days"], ["openai", "1", "2", "1", "1"]]
    assert table[3][:2] == ["unknown_document", "1"]
    assert "WOW_LOGS_URI" in result.stdout


def test_the_command_prints_json_for_programs(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(lines(document(0)))
    arguments = ["conversations", "convert", "--format", "openai", "--json", str(tmp_path), str(tmp_path / "logs")]
    done = json.loads(RUNNER.invoke(app, arguments).stdout)
    assert (done["format"], done["conversations"], done["ignored"]) == ("openai", 1, {})


def test_errors_and_wrong_usage_have_their_exit_codes(tmp_path: Path) -> None:
    missing = ["conversations", "convert", str(tmp_path / "gone"), str(tmp_path / "logs")]
    assert RUNNER.invoke(app, missing).exit_code == 1
    assert RUNNER.invoke(app, [*missing, "--format", "csv"]).exit_code == 2


def test_the_command_offers_every_reader() -> None:
    assert {each.value for each in LogFormat} == {"auto", "native", *READERS}


@needs_samples
@pytest.mark.parametrize(
    ("source", "conversations"),
    [("langfuse", None), ("tensorzero/chat_datapoint_fixture.jsonl", 30)],
)
def test_real_logs_are_read_with_nothing_quarantined(tmp_path: Path, source: str, conversations: int | None) -> None:
    done = convert(SAMPLES / source, tmp_path, format_name=source.partition("/")[0])
    read = ingested(tmp_path)
    assert sum(counts["conversations"] for counts in read.values()) == done.conversations
    assert sum(counts["quarantined"] for counts in read.values()) == 0
    assert conversations in {None, done.conversations}
    assert done.conversations > 10


def run(number: int) -> dict[str, Any]:
    times = {"start_time": f"2025-11-05T08:0{number}:00", "end_time": f"2025-11-05T08:0{number}:01"}
    said = {
        "inputs": {"messages": [{"role": "user", "content": f"Hi {number}", "name": None}]},
        "outputs": {"output": "Hello!"},
    }
    return {"id": f"run-{number}", "trace_id": f"run-{number}", "run_type": "llm", "dotted_order": ""} | times | said


def native(name: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    times = {"started_at": "2025-11-05T08:00:00Z", "ended_at": 1762329700}
    return {"conversation_id": name, "user_id": "u-1", "messages": messages} | times


def test_a_folder_may_hold_several_formats_and_parquet(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "calls.json").write_text(json.dumps([document(0), document(1)]))
    (source / "own.jsonl").write_bytes(lines(native("c-1"), {"conversation_id": "c-1", "feedback": {"thumb": "up"}}))
    (source / "what.jsonl").write_bytes(lines({"hello": "world"}))
    pl.DataFrame([run(1), run(2)]).write_parquet(source / "structs.parquet")
    texts = [{key: json.dumps(each) if isinstance(each, dict) else each for key, each in run(3).items()}]
    pl.DataFrame(texts).write_parquet(source / "texts.parquet")
    done = convert(source, tmp_path / "logs")
    assert (done.format, done.files, done.documents) == ("langsmith, native, openai", 5, 8)
    assert (done.conversations, done.ignored) == (6, {"unknown_document": 1})
    (counts,) = ingested(tmp_path / "logs").values()
    assert (counts["conversations"], counts["quarantined"]) == (6, 0)
    written = gzip.decompress((tmp_path / "logs" / done.days[0]).read_bytes()).splitlines()
    own = next(each for each in map(json.loads, written) if each["conversation_id"] == "c-1")
    assert own["feedback"] == {"thumb": "up"}


def test_native_records_that_break_the_contract_are_counted(tmp_path: Path) -> None:
    said = {"conversation_id": "gone", "feedback": {"thumb": "up"}}
    (tmp_path / "own.jsonl").write_bytes(lines(native("c-1"), native("c-2") | {"messages": []}, said))
    done = convert(tmp_path, tmp_path / "logs")
    assert (done.conversations, done.ignored) == (1, {"no_conversation": 1, "no_messages": 1})
