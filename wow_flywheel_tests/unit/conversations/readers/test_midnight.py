"""Times without an offset, at midnight: in the business timezone where the format says nothing, else in UTC as it says."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.conversations.convert import convert
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel_tests.unit.conversations.logs import record
from wow_flywheel_tests.unit.conversations.readers.test_damage import HI, MAKE, REPLY

ZONE = "Asia/Shanghai"
LATE = "2026-11-05T23:30:00"
FIFTH, SIXTH = dt.date(2026, 11, 5), dt.date(2026, 11, 6)
HERE = (FIFTH, dt.datetime(2026, 11, 5, 15, 30, tzinfo=dt.UTC))
UTC = (SIXTH, dt.datetime(2026, 11, 5, 23, 30, tzinfo=dt.UTC))
EXPECTED = {name: HERE if name == "openai" else UTC for name in MAKE}


def found(root: Path) -> list[tuple[dt.date, dt.datetime]]:
    """The day and the start of each conversation in files that lie in no day's folder."""
    source = LogSource.at(str(root), timezone=ZONE)
    days = {day: read_day(source, day, timezone=ZONE) for day in source.days()}
    return [(day, at) for day, each in days.items() for at in each.conversations["started_at"]]


def line(name: str, started: Any = LATE) -> dict[str, Any]:
    document: dict[str, Any] = MAKE[name]("c", [HI], REPLY, started)
    return document


@pytest.mark.parametrize("name", MAKE)
def test_a_time_without_an_offset(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(line(name)))
    assert found(tmp_path) == [EXPECTED[name]]


@pytest.mark.parametrize("name", ["openai", "langfuse_database", "langsmith"])
def test_a_column_of_times_without_a_zone(tmp_path: Path, name: str) -> None:
    row = line(name, dt.datetime(2026, 11, 5, 23, 30))  # noqa: DTZ001
    texts = {key: json.dumps(value) for key, value in row.items() if isinstance(value, dict | list)}
    pl.DataFrame([row | texts]).write_parquet(tmp_path / "a.parquet")
    assert found(tmp_path) == [EXPECTED[name]]


@pytest.mark.parametrize("name", MAKE)
def test_an_offset_counts_whatever_the_format(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(line(name, "2026-11-05T23:30:00+08:00")))
    assert found(tmp_path) == [HERE]


def test_the_conversion_reads_times_as_ingestion_does(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    native = record(started_at=LATE, ended_at=LATE)
    (tmp_path / "in" / "a.jsonl").write_text(json.dumps(line("openai")))
    (tmp_path / "in" / "b.jsonl").write_text(json.dumps(native))
    done = convert(tmp_path / "in", tmp_path / "out", timezone=ZONE)
    assert done.days == ["dt=2026-11-05/conversations.jsonl.gz"]
    read = read_day(LogSource.at(str(tmp_path / "out"), timezone=ZONE), FIFTH, timezone=ZONE)
    assert read.conversations["started_at"].to_list() == [HERE[1]] * 2
