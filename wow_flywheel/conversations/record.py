"""One native log record: from JSON to a row of the table `conversations`, or the reason why not.

What belongs here: the record's shape. What does not: redacting it (`redaction`), single fields (`fields`), files and
lines (`lines`), days (`ingest`).
"""

import json
from typing import Any
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.fields import BrokenRecordError, Row, need, optional_text, required_text, time
from wow_flywheel.conversations.messages import message

UTC = ZoneInfo("UTC")


def parse_record(data: bytes, zone: ZoneInfo = UTC) -> Row:
    """Parse one line into the nested columns of `conversations`, not yet redacted.

    Args:
        data: The line's bytes.
        zone: In which a time without an offset is read.

    Returns:
        The columns that come from the record itself (no `dt`, source or redactions).

    Raises:
        BrokenRecordError: The line is no JSON object or breaks the contract.
    """
    try:
        return _row(_json_object(data), zone)
    except RecursionError:
        raise BrokenRecordError("too_deep", "the JSON is nested too deeply") from None


def _json_object(data: bytes) -> Row:
    try:
        record = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BrokenRecordError("bad_encoding", "the line is not UTF-8") from None
    except ValueError:
        raise BrokenRecordError("not_json", "the line is not JSON") from None
    if not isinstance(record, dict):
        raise BrokenRecordError("not_an_object", f"the line is a JSON {type(record).__name__}, not an object")
    return record


def _refuse_constant(name: str) -> Any:
    raise BrokenRecordError("not_json", f"{name} is not JSON")


def _row(record: Row, zone: ZoneInfo) -> Row:
    messages = _messages(record, zone)
    started, ended = time(record, "started_at", zone), time(record, "ended_at", zone)
    if ended < started:
        raise BrokenRecordError("ended_before_started", "ended_at is earlier than started_at")
    return {
        "conversation_id": required_text(record, "conversation_id"),
        "user_id": required_text(record, "user_id"),
        "channel": optional_text(record, "channel"),
        "scenario": optional_text(record, "scenario") or "unknown",
        "locale": optional_text(record, "locale"),
        "model": optional_text(record, "model"),
        "started_at": started,
        "ended_at": ended,
        "messages": messages,
        "feedback": _feedback(record.get("feedback")),
    }


def _messages(record: Row, zone: ZoneInfo) -> list[Row]:
    logged = _list_of_messages(record)
    messages: list[Row] = []
    for index, each in enumerate(logged):
        if not isinstance(each, dict):
            raise BrokenRecordError("wrong_type", f"messages[{index}] is not an object")
        try:
            messages.append(message(each, zone))
        except BrokenRecordError as error:
            raise error.inside(f"messages[{index}]") from None
    if not any(each["role"] == "user" for each in messages):
        raise BrokenRecordError("no_user_turn", "messages has no message of role user")
    return messages


def _list_of_messages(record: Row) -> list[Any]:
    messages = need(record, "messages")
    if isinstance(messages, str):  # a Parquet column of JSON text
        try:
            messages = json.loads(messages)
        except ValueError:
            raise BrokenRecordError("wrong_type", "messages is a string, but not JSON") from None
    if not isinstance(messages, list):
        raise BrokenRecordError("wrong_type", "messages is not a list")
    if not messages:
        raise BrokenRecordError("no_messages", "messages is empty")
    return messages


def _feedback(feedback: Any) -> Row | None:
    if feedback is None:
        return None
    if not isinstance(feedback, dict):
        raise BrokenRecordError("wrong_type", "feedback is not an object")
    thumb = feedback.get("thumb")
    if thumb is not None and thumb not in ("up", "down"):  # a tuple: the value may be unhashable
        raise BrokenRecordError("bad_feedback", "feedback.thumb is neither up nor down")
    score = feedback.get("score") if feedback.get("score") is not None else feedback.get("rating")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 5):
        raise BrokenRecordError("bad_feedback", "feedback.score is not a rating from 1 to 5")
    try:
        comment = optional_text(feedback, "comment")
    except BrokenRecordError as error:
        raise error.inside("feedback") from None
    if thumb is None and score is None and comment is None:
        return None
    return {"thumb": thumb, "score": None if score is None else float(score), "comment": comment}
