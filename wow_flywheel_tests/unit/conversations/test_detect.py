"""The format of a file is named, or told from its first lines; what its reader does not know is kept aside."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.convert import convert
from wow_flywheel.conversations.detect import Formats, read_formats
from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.errors import SettingsError
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.conversations.logs import DAY, record
from wow_flywheel_tests.unit.conversations.readers.test_damage import HI, REPLY, langfuse, openai
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS

NOON = 1_793_880_000
CALL = openai("s-1", [HI], REPLY, NOON)
OBSERVATION = langfuse("s-2", [HI], REPLY, NOON)


def put(root: Path, name: str, *documents: Any) -> Path:
    path = root / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(each) for each in documents))
    return path


def day_of(root: Path, formats: str = "", day: dt.date = DAY) -> DayRead:
    env = {"WOW_LOGS_URI": str(root / "logs"), "WOW_LAKE_URI": str(root / "lake"), "WOW_LOGS_FORMAT": formats}
    return read_day(LogSource.of(Settings.from_env(env)), day)


@pytest.mark.parametrize(
    ("documents", "name", "kept"),
    [
        ([CALL, record("c-1"), OBSERVATION], "openai", "s-1"),
        ([record("c-1"), CALL, OBSERVATION], "native", "c-1"),
        ([OBSERVATION, CALL, record("c-1")], "langfuse", "s-2"),
    ],
)
def test_lines_of_other_formats_are_kept_aside(tmp_path: Path, documents: list[Any], name: str, kept: str) -> None:
    put(tmp_path, f"dt={DAY}/a.jsonl", *documents)
    day = day_of(tmp_path)
    assert (day.formats, day.conversations["conversation_id"].to_list(), day.ignored) == ({name: 1}, [kept], {})
    assert day.quarantine["source_line"].to_list() == [2, 3]
    if name != "native":
        assert day.quarantine["reason"].to_list() == ["unknown_document"] * 2


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_named_format_is_read_whatever_the_first_lines_say(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"dt={DAY}/a.jsonl", record("c-1"), *DOCUMENTS[name][:2])
    day = day_of(tmp_path, name)
    assert (day.formats, day.counts["conversations"]) == ({name: 1}, 1)
    assert day.quarantine.select("source_line", "reason").rows() == [(1, "unknown_document")]


def test_patterns_of_paths(tmp_path: Path) -> None:
    put(tmp_path, f"dt={DAY}/gateway/a.jsonl", {"hello": "world"}, CALL)
    put(tmp_path, f"dt={DAY}/b.jsonl", record("c-1"))
    day = day_of(tmp_path, f"dt={DAY}/gateway/*=openai, *.parquet=langsmith")
    assert (day.formats, sorted(day.conversations["conversation_id"])) == ({"openai": 1, "native": 1}, ["c-1", "s-1"])


def test_the_days_of_a_loose_file_go_by_its_named_format(tmp_path: Path) -> None:
    """A hundred lines that no reader knows; and the file is looked through again when its format is named."""
    put(tmp_path, "a.jsonl", *[{"hello": "world"}] * 120, CALL)
    assert day_of(tmp_path, "", DAY).counts["files"] == 0
    day = day_of(tmp_path, "*=openai", DAY)
    assert (day.conversations["conversation_id"].to_list(), day.counts["quarantined"]) == (["s-1"], 120)


def test_a_start_inside_arguments_is_not_the_day_of_a_call(tmp_path: Path) -> None:
    function = {"name": "f", "arguments": {"started_at": "2025-01-02T00:00:00Z"}}
    reply = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": function}]}
    put(tmp_path, "a.jsonl", openai("s-1", [HI], reply, NOON))
    assert LogSource.at(str(tmp_path / "logs")).days() == [DAY]


def test_the_first_pattern_that_matches_counts() -> None:
    formats = read_formats("a/*=otel,*=native")
    assert formats == Formats((("a/*", "otel"), ("*", "native")))
    assert read_formats(" openai ") == Formats((("*", "openai"),))
    assert read_formats("") == Formats()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("opnai", "did you mean openai?"),
        ("a/*=langfuze", "did you mean langfuse?"),
        ("x", "the formats are native, openai, otel, langsmith, tensorzero, langfuse"),
        ("=otel", "names no files"),
        ("a=", "names the format ''"),
    ],
)
def test_a_misspelt_format(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_formats(text)
    assert says in f"{raised.value} {raised.value.hint}"
    assert "WOW_LOGS_FORMAT" in str(raised.value)


def test_native_records_can_be_named_for_conversion(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", CALL, record("c-1"))
    done = convert(tmp_path / "logs", tmp_path / "out", format_name="native")
    assert (done.format, done.conversations, done.ignored) == ("native", 1, {"missing_field": 1})
