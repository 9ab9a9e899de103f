"""Times as other tools write them, as UTC times.

What belongs here: RFC 3339 text, epochs in any unit, UUIDv7. What does not: which field of a format holds a time.
"""

import datetime as dt
import math
import uuid
from typing import Any

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MAX_DIGITS = 20
SECONDS_END = 10**11
"""An epoch in seconds is smaller than this until the year 5138; one in milliseconds is larger since 1973."""


def moment(value: Any, zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """A time from text, or from an epoch in seconds, milliseconds, microseconds or nanoseconds; None for anything else.

    Text without an offset is read in `zone`: UTC, as databases export it, unless the format says nothing of it.
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            return _epoch(_number(text)) if text.replace(".", "", 1).isdecimal() else _text(text, zone)
        except (ValueError, OverflowError):
            return None
    return _epoch(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def uuid7_moment(value: Any) -> dt.datetime | None:
    """The time in a UUID of version 7; None for any other."""
    try:
        parsed = uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return _epoch(parsed.int >> 80) if parsed is not None and parsed.version == 7 else None


def _number(text: str) -> float:
    return float(text) if "." in text or len(text) > MAX_DIGITS else int(text)


def _text(text: str, zone: dt.tzinfo) -> dt.datetime:
    parsed = dt.datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(dt.UTC)


def _epoch(value: float) -> dt.datetime | None:
    """A time since 1970; whole numbers are exact to the microsecond, and what is finer is cut off."""
    if not math.isfinite(value) or value <= 0:
        return None
    unit = 1
    while value >= SECONDS_END * unit:
        unit *= 1000
    try:
        if isinstance(value, int):
            return EPOCH + dt.timedelta(microseconds=value * 10**6 // unit)
        return dt.datetime.fromtimestamp(value / unit, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
