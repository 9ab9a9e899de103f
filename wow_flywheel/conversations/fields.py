"""Checks of single fields of a log record, and the reasons for which a line is quarantined.

What belongs here: reason codes, and what a text, a time or a number must be. What does not: the record's shape (`record`,
`messages`). A detail names the field, never its content.
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
YEAR_2000, YEAR_2100 = 946_684_800, 4_102_444_800
MAX_DIGITS = 20
"""A text of more digits is no time; so many are enough to see that."""

REASONS = {
    "not_json": "the line is no JSON",
    "unknown_document": "the line is none of the format as which its file is read: move it, or name the format",
    "not_an_object": "the line is JSON, but not an object",
    "bad_encoding": "the line is not UTF-8, or a text holds half a character",
    "duplicate_key": "an object names a key twice, so that one of its values would be lost",
    "too_deep": "the JSON is nested too deeply",
    "too_long": "the line is longer than 64 MiB",
    "truncated_file": "the file ends or is damaged here; what came before was read",
    "missing_field": "a required field is missing, null or empty",
    "wrong_type": "a field has another type than the format says",
    "unknown_role": "a message's role is none of system, user, assistant, tool",
    "no_messages": "there are no messages",
    "no_user_turn": "no message is the customer's",
    "unknown_field": "a field that the contract does not know, while WOW_LOG_DRIFT freezes others",
    "bad_timestamp": "a time is neither RFC 3339 nor a number since 1970 between 2000 and 2100",
    "ended_before_started": "the conversation ends before it starts",
    "bad_feedback": "a thumb is neither up nor down, or a rating is not from 1 to 5",
    "duplicate_id": "another conversation of this day has the same id and other content",
}


class BrokenRecordError(Exception):
    """A record that breaks the contract.

    Args:
        reason: One of `REASONS`.
        detail: Which field, in plain words, without content.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def inside(self, where: str) -> "BrokenRecordError":
        """The same, seen from the outer object whose field this is."""
        return BrokenRecordError(self.reason, f"{where}.{self.detail}")


class RepeatedKeys(dict[str, Any]):
    """A JSON object that names a key twice; its last value is here, as Python has it."""


def json_object(pairs: list[tuple[str, Any]]) -> Row:
    """The `object_pairs_hook` of a reader that must notice keys that repeat."""
    made = dict(pairs)
    return made if len(made) == len(pairs) else RepeatedKeys(made)


def an_object(value: Any, name: str) -> Row:
    """A JSON object that names each key once."""
    if not isinstance(value, dict):
        raise BrokenRecordError("wrong_type", f"{name} is not an object")
    if isinstance(value, RepeatedKeys):
        raise BrokenRecordError("duplicate_key", f"{name} names a key twice")
    return value


def repeats_keys(value: Any) -> bool:
    """Whether any object in a JSON value names a key twice."""
    if isinstance(value, dict):
        return isinstance(value, RepeatedKeys) or any(map(repeats_keys, value.values()))
    return isinstance(value, list) and any(map(repeats_keys, value))


def need(record: Row, name: str) -> Any:
    """A field that must be there."""
    value = record.get(name)
    if value is None:
        raise BrokenRecordError("missing_field", f"{name} is missing or null")
    return value


def required_text(record: Row, name: str) -> str:
    """A text that must be there and say something."""
    value = text(need(record, name), name)
    if not value.strip():
        raise BrokenRecordError("missing_field", f"{name} is empty")
    return value


def optional_text(record: Row, name: str) -> str | None:
    """A text that may be missing; an empty one counts as missing."""
    value = record.get(name)
    return (text(value, name) or None) if value is not None else None


def text(value: Any, name: str) -> str:
    """A text that can be stored: JSON escapes can smuggle in lone surrogates, which UTF-8 cannot hold."""
    if not isinstance(value, str):
        raise BrokenRecordError("wrong_type", f"{name} is not a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BrokenRecordError("bad_encoding", f"{name} has a lone surrogate") from None
    return value


def time(record: Row, name: str, zone: ZoneInfo) -> dt.datetime:
    """A timestamp with date and time, in UTC.

    A text is RFC 3339, read in the business timezone where it has no offset. A number, or a text of digits, is time since 1970:
    its size tells seconds, milliseconds, microseconds and nanoseconds apart, since it must lie between 2000 and 2100.
    """
    value = need(record, name)
    if isinstance(value, str) and value[10:11] in {"T", "t", " "}:
        try:
            parsed = dt.datetime.fromisoformat(value)
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            value = None
    found = _since_1970(value)
    if found is None:
        raise BrokenRecordError("bad_timestamp", f"{name} is neither an RFC 3339 timestamp nor a time since 1970")
    return found


def _since_1970(value: Any) -> dt.datetime | None:
    if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit():
        value = float(value) if "." in value else int(value[:MAX_DIGITS])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for scale in (1, 10**3, 10**6, 10**9):
        if YEAR_2000 * scale <= value < YEAR_2100 * scale:
            micros = value * 10**6 // scale if isinstance(value, int) else round(value / scale * 10**6)
            return EPOCH + dt.timedelta(microseconds=micros)
    return None


def count(record: Row, name: str) -> int | None:
    """A number of tokens that may be missing."""
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BrokenRecordError("wrong_type", f"{name} is not a whole number of tokens")
    return value
