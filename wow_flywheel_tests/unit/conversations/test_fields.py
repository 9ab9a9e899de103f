"""Times as logs write them: the same moment in every spelling, and nothing that is no time."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.fields import EPOCH, REASONS, YEAR_2000, YEAR_2100, BrokenRecordError, time

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOMENT = dt.datetime(2026, 11, 5, 8, 0, 0, 250_000, tzinfo=dt.UTC)
SECONDS = 1_793_865_600


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-05T08:00:00.250Z",
        "2026-11-05 08:00:00.250+00:00",
        "2026-11-05T16:00:00.250+08:00",
        "2026-11-05T16:00:00.250",
        SECONDS + 0.25,
        f"{SECONDS}.25",
        SECONDS * 1000 + 250,
        f"{SECONDS}250",
        SECONDS * 10**6 + 250_000,
        SECONDS * 10**9 + 250_000_000,
        f"{SECONDS}250000000",
        float(SECONDS * 1000 + 250),
    ],
)
def test_one_moment_in_every_spelling(value: Any) -> None:
    assert time({"at": value}, "at", SHANGHAI) == MOMENT


@pytest.mark.parametrize(
    "value",
    ["", "now", "2026-11-05", "08:00", "2026-13-05T08:00:00Z", 0, -1, 1, 20261105, 10**40, "9" * 400, 1e300, float("nan"),
     float("inf"), True, [], {}, "١٧٩٣٨٦٥٦٠٠", "1.2.3", "."],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(BrokenRecordError) as refused:
        time({"at": value}, "at", SHANGHAI)
    assert refused.value.reason == "bad_timestamp"
    assert refused.value.detail.startswith("at is ")


def test_a_time_that_is_missing_is_said_to_be_missing() -> None:
    with pytest.raises(BrokenRecordError) as refused:
        time({}, "at", SHANGHAI)
    assert refused.value.reason == "missing_field"


@given(st.integers(YEAR_2000 * 10**6, YEAR_2100 * 10**6 - 1), st.sampled_from([1, 1000]))
def test_a_number_since_1970_gives_the_moment_to_the_microsecond(micros: int, scale: int) -> None:
    assert time({"at": micros * scale}, "at", SHANGHAI) == EPOCH + dt.timedelta(microseconds=micros)


def test_every_reason_is_explained_to_those_on_call() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "ingestion.md").read_text(encoding="utf-8")
    assert [f"| `{reason}` | {text} |" for reason, text in REASONS.items()] == [
        line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 3 and "_" in line.split("`")[1]
    ]
