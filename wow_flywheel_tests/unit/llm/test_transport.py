"""Retry-After in both of its forms."""

import datetime as dt
from email.utils import format_datetime

import pytest

from wow_flywheel.llm.transport import retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0.25", 0.25), ("-1", 0.0), ("soon", None), ("", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_seconds_and_past_dates(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}) == seconds


def test_no_header_asks_for_nothing() -> None:
    assert retry_after({}) is None


def test_a_date_is_seconds_from_now() -> None:
    later = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60), usegmt=True)
    assert retry_after({"retry-after": later}) == pytest.approx(60, abs=5)
