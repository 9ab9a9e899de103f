"""Of which days the lines of a file are, at midnight, on days of 23 and 25 hours, in any packing and form."""

import datetime as dt
import io
import json
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations import moments as module
from wow_flywheel.conversations.fields import BrokenRecordError, time
from wow_flywheel.conversations.moments import Spread, moments
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import PACK, line

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
FIFTH, SIXTH = dt.date(2026, 11, 5), dt.date(2026, 11, 6)


def spread(data: bytes, path: str = "a.jsonl", zone: ZoneInfo = SHANGHAI) -> Spread:
    return moments(path, io.BytesIO(data), zone)


def days(*times: Any, zone: ZoneInfo = SHANGHAI) -> list[dt.date]:
    return sorted(spread(b"\n".join(line(started_at=each) for each in times), zone=zone).days)


@pytest.mark.parametrize(
    ("started_at", "day"),
    [
        ("2026-11-05T15:59:59Z", FIFTH),
        ("2026-11-05T15:59:59.999999Z", FIFTH),
        ("2026-11-05T16:00:00Z", SIXTH),
        ("2026-11-06T00:00:00+08:00", SIXTH),
        ("2026-11-05T23:59:59+08:00", FIFTH),
        ("2026-11-05T09:00:00-07:00", SIXTH),
        ("2026-11-05 23:59:59", FIFTH),
        ("2026-11-06t00:00", SIXTH),
        (1793894399, FIFTH),
        (1793894400, SIXTH),
        (1793894399.999, FIFTH),
        (1793894400000, SIXTH),
        (1793894399999999, FIFTH),
        ("1793894400000000000", SIXTH),
    ],
)
def test_midnight_in_shanghai(started_at: Any, day: dt.date) -> None:
    assert days(started_at) == [day]


@pytest.mark.parametrize(
    ("started_at", "day"),
    [
        ("2026-03-08T04:59:59Z", dt.date(2026, 3, 7)),
        ("2026-03-08T05:00:00Z", dt.date(2026, 3, 8)),
        ("2026-03-09T03:59:59Z", dt.date(2026, 3, 8)),
        ("2026-03-09T04:00:00Z", dt.date(2026, 3, 9)),
        ("2026-03-08T02:30:00", dt.date(2026, 3, 8)),
        ("2026-11-01T03:59:59Z", dt.date(2026, 10, 31)),
        ("2026-11-01T04:00:00Z", dt.date(2026, 11, 1)),
        ("2026-11-02T04:59:59Z", dt.date(2026, 11, 1)),
        ("2026-11-02T05:00:00Z", dt.date(2026, 11, 2)),
    ],
)
def test_the_days_on_which_clocks_change_in_new_york(started_at: str, day: dt.date) -> None:
    assert days(started_at, zone=NEW_YORK) == [day]


def test_what_names_no_day_is_counted() -> None:
    broken = [
        b"{",
        b"",
        b"  ",
        b"\xff\xfe\x00",
        line(started_at=...),
        line(started_at="soon"),
        line(started_at="2026-02-30T00:00:00Z"),
    ]
    good = [line(started_at="2026-11-05T01:00:00Z")] * 2 + [line(started_at="2026-11-06T01:00:00Z")]
    assert spread(b"\n".join([*broken, *good])) == Spread({FIFTH: 2, SIXTH: 1}, 5)


def test_a_line_that_names_its_start_twice_is_read_as_ingest_reads_it() -> None:
    inner = json.dumps({"turn": {"started_at": "2026-11-01T00:00:00Z"}, "started_at": "2026-11-05T01:00:00Z"}).encode()
    twice = b'{"started_at": "2026-11-01T00:00:00Z", "started_at": "2026-11-06T01:00:00Z"}'
    assert spread(inner + b"\n" + twice) == Spread({FIFTH: 1, SIXTH: 1}, 0)


@pytest.mark.parametrize("first", [{}, {"note": "a } in a text"}, {"extra": {"x": 1}}])
def test_a_start_inside_another_field_is_not_the_records_own(first: dict[str, Any]) -> None:
    inside = first | {"messages": [{"tool_calls": [{"function": {"arguments": {"started_at": "2026-11-01T00:00:00Z"}}}]}]}
    own = first | {"started_at": "2026-11-05T01:00:00Z"}
    assert spread(b"\n".join(json.dumps(each).encode() for each in (inside, own))) == Spread({FIFTH: 1}, 1)


@pytest.mark.parametrize("ending", PACK)
def test_lines_are_whole_across_blocks_in_any_packing(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 100)
    data = PACK[ending](b"\n".join([line(f"c-{n}", started_at=f"2026-11-0{5 + n % 2}T01:00:00Z") for n in range(9)]))
    assert spread(data, f"a{ending}") == Spread({FIFTH: 5, SIXTH: 4}, 0)
    cut = spread(data[: len(data) * 2 // 3], f"a{ending}")
    assert set(cut.days) <= {FIFTH, SIXTH}


def test_a_line_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(module, "LONGEST", 1000)
    good = line(started_at="2026-11-05T01:00:00Z")
    assert spread(good + b"\n" + b"x" * 5000 + b"\n" + good).days == {FIFTH: 2}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_of_records(indent: int | None) -> None:
    records = [json.loads(line(started_at=f"2026-11-0{day}T01:00:00Z")) for day in (5, 6, 6)]
    assert spread(json.dumps(records, indent=indent).encode(), "a.json") == Spread({FIFTH: 1, SIXTH: 2}, 0)
    assert spread(json.dumps(records[0], indent=indent).encode(), "a.json") == Spread({FIFTH: 1}, 0)


def test_documents_that_a_reader_knows() -> None:
    call = {
        "timestamp": 1793894400,
        "request": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
        "response": {"id": "x", "object": "chat.completion", "created": 1793894400, "model": "m",
                     "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}]},
    }  # fmt: skip
    assert spread(json.dumps(call).encode()).days == {SIXTH: 1}
    assert spread(json.dumps([call]).encode(), "a.json").days == {SIXTH: 1}


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["2026-11-05T15:59:59Z", "2026-11-05T16:00:00Z", None]),
        pl.Series([1793894399, 1793894400, None]),
        pl.Series([1793894399.5, 1793894400.5, None]),
        pl.Series([*map(dt.datetime.fromisoformat, ("2026-11-05T23:59", "2026-11-06")), None]),
        pl.Series([dt.datetime(2026, 11, 5, 15, 59, tzinfo=dt.UTC), dt.datetime(2026, 11, 5, 16, tzinfo=dt.UTC), None]),
    ],
    ids=["text", "seconds", "fractions", "naive", "instants"],
)
def test_parquet_columns(column: pl.Series) -> None:
    stream = io.BytesIO()
    pl.DataFrame({"x": [1, 2, 3], "started_at": column}).write_parquet(stream)
    assert spread(stream.getvalue(), "a.parquet") == Spread({FIFTH: 1, SIXTH: 1}, 1)
    assert spread(stream.getvalue()[:-20], "a.parquet") == Spread({}, 1)


instants = st.integers(946_800_000, 4_070_000_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
zones = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "America/Havana", "Asia/Kathmandu"]).map(ZoneInfo)


@settings(max_examples=examples(150), deadline=None)
@given(instants, offsets, zones, st.sampled_from(["iso", "naive", "s", "ms", "us", "ns", "text", "odd"]))
def test_the_day_is_that_of_the_careful_reader(at: dt.datetime, offset: dt.timezone, zone: ZoneInfo, form: str) -> None:
    seconds = int(at.timestamp())
    forms = {
        "iso": at.astimezone(offset).isoformat(),
        "naive": at.astimezone(offset).replace(tzinfo=None).isoformat(" "),
        "odd": at.astimezone(offset).strftime("%Y-%m-%dT%H%M%S%z"),
        "s": seconds, "ms": seconds * 1000 + 999, "us": seconds * 10**6, "ns": seconds * 10**9 + 1, "text": str(seconds),
    }  # fmt: skip
    record = {"started_at": forms[form]}
    try:
        expected = {time(record, "started_at", zone).astimezone(zone).date(): 1}
    except BrokenRecordError:
        expected = {}
    assert spread(json.dumps(record).encode(), zone=zone).days == expected
