"""Files outside the days' folders: which days list them, that each line is on one day, and that each file is read once."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.log_index import LogIndex
from wow_flywheel.conversations.moments import Spread, moments
from wow_flywheel.conversations.sources import FIRST_DAY, LogFile, LogSource
from wow_flywheel.lake import Lake
from wow_flywheel.storage import file_system
from wow_flywheel_tests.unit.conversations.logs import line

FOURTH, FIFTH, SIXTH = dt.date(2026, 11, 4), dt.date(2026, 11, 5), dt.date(2026, 11, 6)
ZONE = "Asia/Shanghai"


class Counting:
    """`moments`, and which files it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: str, stream: BinaryIO, zone: ZoneInfo) -> Spread:
        self.asked.append(path)
        return moments(path, stream, zone)


def source(root: Path, look: Counting | None = None, timezone: str = ZONE) -> LogSource:
    uri = str(root / "logs")
    return LogSource(uri, file_system(uri), LogIndex(Lake.at(str(root / "lake")), timezone, look or Counting()))


def put(root: Path, path: str, *times: str | bytes) -> Path:
    file = root / "logs" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\n".join(each if isinstance(each, bytes) else line(started_at=each) for each in times))
    return file


def paths(files: Sequence[LogFile]) -> list[str]:
    return [file.path for file in files]


def test_a_day_lists_its_folders_and_the_loose_files_with_its_lines(tmp_path: Path) -> None:
    put(tmp_path, "both.jsonl", "2026-11-05T15:59:59Z", "2026-11-05T16:00:00Z")
    put(tmp_path, "host-a/six.jsonl", "2026-11-06T01:00:00Z")
    put(tmp_path, "dt=2026-13-05/five.jsonl", "2026-11-05T01:00:00Z")
    put(tmp_path, "2026/11/06/dated.jsonl", "2026-11-01T01:00:00Z")
    put(tmp_path, "dt=2026-11-04/2026/11/06/dated.jsonl", "2026-11-01T01:00:00Z")
    put(tmp_path, "_tmp/hidden.jsonl", "2026-11-06T01:00:00Z")
    logs = source(tmp_path)
    assert logs.days() == [FOURTH, FIFTH, SIXTH]
    assert paths(logs.files(FOURTH)) == ["dt=2026-11-04/2026/11/06/dated.jsonl"]
    assert paths(logs.files(FIFTH)) == ["both.jsonl", "dt=2026-13-05/five.jsonl"]
    assert paths(logs.files(SIXTH)) == ["2026/11/06/dated.jsonl", "both.jsonl", "host-a/six.jsonl"]
    assert [file.dated for file in logs.files(SIXTH)] == [True, False, False]
    assert (logs.files(SIXTH)[1].home, logs.files(SIXTH)[1].days) == (FIFTH, (FIFTH, SIXTH))


@pytest.mark.parametrize("line_day", [None, FOURTH, FIFTH, SIXTH, dt.date(1999, 1, 1)])
def test_every_line_is_on_exactly_one_of_the_days_that_list_its_file(line_day: dt.date | None) -> None:
    file = LogFile("a", "a", 1, "t", dated=False, home=FIFTH, days=(FIFTH, SIXTH))
    on = [day for day in file.days if file.takes(day, line_day)]
    assert on == [line_day if line_day in file.days else FIFTH]
    column = pl.DataFrame({"d": [line_day]}, schema={"d": pl.Date})
    assert [day for day in file.days if column.select(file.taken(day, pl.col("d"))).item()] == on
    dated = LogFile("a", "a", 1, "t")
    assert dated.takes(FOURTH, line_day)
    assert column.select(dated.taken(FOURTH, pl.col("d"))).item() is True


def test_a_file_is_read_through_once_and_again_when_it_changes(tmp_path: Path) -> None:
    look = Counting()
    put(tmp_path, "a.jsonl", "2026-11-05T01:00:00Z")
    put(tmp_path, "b.jsonl", "2026-11-06T01:00:00Z")
    for _ in range(3):
        assert paths(source(tmp_path, look).files(FIFTH)) == ["a.jsonl"]
    assert sorted(look.asked) == ["a.jsonl", "b.jsonl"]
    put(tmp_path, "a.jsonl", "2026-11-06T01:00:00Z", "2026-11-04T01:00:00Z")
    assert paths(source(tmp_path, look).files(FIFTH)) == []
    assert paths(source(tmp_path, look).files(SIXTH)) == ["a.jsonl", "b.jsonl"]
    assert look.asked[2:] == ["a.jsonl"]


def test_another_timezone_is_another_question(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", "2026-11-05T16:00:00Z")
    assert source(tmp_path).days() == [SIXTH]
    assert source(tmp_path, timezone="UTC").days() == [FIFTH]
    assert source(tmp_path).days() == [SIXTH]


def test_lines_that_name_no_day_are_at_home_where_the_file_was_written(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", b"{", b"[]")
    os.utime(path, (1793894400, 1793894400))
    assert source(tmp_path).days() == [SIXTH]
    os.utime(path, (0, 0))
    assert source(tmp_path).days() == [FIRST_DAY]


def test_a_time_outside_the_business_days_is_no_home(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", "1999-12-31T01:00:00Z", "2026-11-05T01:00:00Z", "2999-01-01T00:00:00Z")
    (file,) = source(tmp_path).files(FIFTH)
    assert (file.home, file.days) == (FIFTH, (FIFTH,))
    row = Lake.at(str(tmp_path / "lake")).read("log_files").select("dt", "path", "days", "unreadable").row(0)
    assert row == (FIFTH, "a.jsonl", [{"day": FIFTH, "lines": 1}], 2)


def test_files_of_many_days_are_added_in_one_commit(tmp_path: Path) -> None:
    for number in range(1, 10):
        put(tmp_path, f"{number}.jsonl", f"2026-11-0{number}T01:00:00Z")
    assert len(source(tmp_path).days()) == 9
    lake = Lake.at(str(tmp_path / "lake"))
    assert lake.version("log_files") == 1
    put(tmp_path, "5.jsonl", "2026-11-05T02:00:00Z", "2026-11-06T02:00:00Z")
    put(tmp_path, "6.jsonl").unlink()
    assert paths(source(tmp_path).files(SIXTH)) == ["5.jsonl"]
    assert lake.read("log_files", FIFTH).height == 1
    assert lake.read("log_files").height == 9


def test_without_a_lake_a_source_remembers_for_itself(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", "2026-11-05T01:00:00Z")
    look = Counting()
    uri = str(tmp_path / "logs")
    alone = LogSource(uri, file_system(uri), LogIndex(None, ZONE, look))
    assert (alone.days(), paths(alone.files(FIFTH)), look.asked) == ([FIFTH], ["a.jsonl"], ["a.jsonl"])
    assert LogSource.at(uri).days() == [FIFTH]


def test_every_line_of_a_loose_file_is_read_on_one_day(tmp_path: Path) -> None:
    good = ["2026-11-05T15:59:59Z", "2026-11-05T16:00:00Z", "2026-11-06T01:00:00Z", "1999-12-31T01:00:00Z"]
    lines = [line(f"c-{n}", started_at=at, ended_at="2026-12-01T00:00:00Z") for n, at in enumerate(good)]
    put(tmp_path, "a.jsonl", *lines, b"{", b"", line("c-9", started_at="2026-11-06T01:00:00Z", user_id=...), b"[]")
    logs = source(tmp_path)
    read = {day: read_day(logs, day, timezone=ZONE) for day in logs.days()}
    assert {day: sorted(each.conversations["conversation_id"]) for day, each in read.items()} == {
        FIFTH: ["c-0", "c-3"], SIXTH: ["c-1", "c-2"],
    }  # fmt: skip
    assert {day: each.quarantine["source_line"].to_list() for day, each in read.items()} == {FIFTH: [5, 7, 8], SIXTH: []}
    assert sum(each.counts["lines"] for each in read.values()) == 8
