"""One native log record: from JSON to a row of the table `conversations`, or the reason why not.

What belongs here: the record's shape. What does not: redacting it (`redaction`), single fields (`fields`), what becomes of
those that do not fit (`drift`), files and lines (`lines`), days (`ingest`).
"""

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from wow_flywheel.contracts import Drift
from wow_flywheel.conversations.drift import OTHERS, VERSION, LogContract
from wow_flywheel.conversations.fields import (
    BrokenRecordError,
    Row,
    an_object,
    json_object,
    need,
    optional_text,
    required_text,
    time,
)
from wow_flywheel.conversations.messages import MESSAGE_FIELDS, message
from wow_flywheel.conversations.readers.feedback import CORRECTIONS, correction_in
from wow_flywheel.conversations.readers.values import Message
from wow_flywheel.conversations.redaction.names import personal_texts
from wow_flywheel.conversations.words import Word

UTC = ZoneInfo("UTC")
RATED = ("message_id", "trace_id", "conversation_id")
"""What a line of feedback may name, the most precise first."""
CONTRACT = LogContract()
FIELDS = frozenset(
    {
        "conversation_id", "user_id", "channel", "scenario", "locale", "model", "started_at", "ended_at", "messages", "feedback"
    }
)  # fmt: skip
"""What the contract knows of a record."""
FEEDBACK_FIELDS = frozenset({"thumb", "score", "rating", "comment", *CORRECTIONS})
"""What the contract knows of its feedback."""


def parse_record(data: bytes, zone: ZoneInfo = UTC, personal: Sequence[str] = (), contract: LogContract = CONTRACT) -> Row:
    """Parse one line into the nested columns of `conversations`, not yet redacted.

    Args:
        data: The line's bytes.
        zone: In which a time without an offset is read.
        personal: Paths of fields that name the customer.
        contract: What becomes of fields that do not fit.

    Returns:
        The columns that come from the record itself (no `dt`, source or redactions); `personal`, the texts at those paths; and
        `drift`, the columns, or the names of other fields, that did not fit.

    Raises:
        BrokenRecordError: The line is no JSON object or breaks the contract.
    """
    try:
        record = _json_object(data)
        drifted: list[str] = []
        row = _row(record, zone, contract, drifted)
        extra = _others(record, personal, contract, drifted)
        return row | {"extra": extra, "personal": personal_texts(record, personal), "drift": sorted(set(drifted))}
    except RecursionError:
        raise BrokenRecordError("too_deep", "the JSON is nested too deeply") from None


def parse_feedback(data: bytes) -> Word | None:
    """What a line says that is no conversation, but what a customer thought of one: `{conversation_id, feedback}`, where a
    `trace_id` or a `message_id` may stand beside the conversation's or in its place.

    Returns:
        None if the line is nothing like that.

    Raises:
        BrokenRecordError: It is like that, and breaks the contract.
    """
    record = _json_object(data)
    if "messages" in record or record.get("feedback") is None:
        return None
    feedback, reply = _feedback(record["feedback"]), correction_in(record["feedback"])
    if feedback is None and not reply:
        return None
    names = {name: optional_text(record, name) for name in RATED}
    ids = tuple(name for name in names.values() if name and name.strip())
    if not ids:
        raise BrokenRecordError("missing_field", f"feedback names none of {', '.join(RATED)}")
    return Word(ids, feedback or {}, reply, names["conversation_id"], names["message_id"])


def parse_correction(data: bytes) -> list[Message]:
    """The better reply in the `feedback` of a record that `parse_record` has read; empty if there is none."""
    if not any(f'"{name}"'.encode() in data for name in CORRECTIONS):
        return []
    feedback = _json_object(data).get("feedback")
    return correction_in(feedback) if isinstance(feedback, dict) else []


def _json_object(data: bytes) -> Row:
    try:
        record = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=json_object)
    except UnicodeDecodeError:
        raise BrokenRecordError("bad_encoding", "the line is not UTF-8") from None
    except ValueError:
        raise BrokenRecordError("not_json", "the line is not JSON") from None
    if not isinstance(record, dict):
        raise BrokenRecordError("not_an_object", f"the line is a JSON {type(record).__name__}, not an object")
    return an_object(record, "the record")


def _refuse_constant(name: str) -> Any:
    raise BrokenRecordError("not_json", f"{name} is not JSON")


def _row(record: Row, zone: ZoneInfo, contract: LogContract, drifted: list[str]) -> Row:
    messages = _messages(record, zone, contract, drifted)
    started, ended = time(record, "started_at", zone), time(record, "ended_at", zone)
    if ended < started:
        raise BrokenRecordError("ended_before_started", "ended_at is earlier than started_at")

    def text(name: str) -> str | None:
        return contract.settle(name, record.get(name), lambda: optional_text(record, name), drifted)

    return {
        "conversation_id": required_text(record, "conversation_id"),
        "user_id": required_text(record, "user_id"),
        "channel": text("channel"),
        "scenario": text("scenario") or "unknown",
        "locale": text("locale"),
        "model": text("model"),
        "started_at": started,
        "ended_at": ended,
        "messages": messages,
        "feedback": contract.settle("feedback", None, lambda: _feedback(record.get("feedback")), drifted),
    }


def _others(record: Row, personal: Sequence[str], contract: LogContract, drifted: list[str]) -> str | None:
    """What the contract does not know of a record, its messages and its feedback, as JSON, where it evolves."""
    others = _unknown(record, FIELDS, personal)
    names = set(others)
    found = [_unknown(each, MESSAGE_FIELDS, personal, "messages.") for each in _list_of_messages(record)]
    if messages := {str(place): fields for place, fields in enumerate(found) if fields}:
        others["messages"] = messages
        names |= {f"messages.{name}" for fields in messages.values() for name in fields}
    feedback = record.get("feedback")
    if isinstance(feedback, dict) and (said := _unknown(feedback, FEEDBACK_FIELDS, personal, "feedback.")):
        others["feedback"] = said
        names |= {f"feedback.{name}" for name in said}
    mode = contract.mode(OTHERS)
    if names and mode is Drift.FREEZE:
        raise BrokenRecordError("unknown_field", f"{len(names)} fields are not in the contract of version {VERSION}")
    drifted.extend(names)
    return json.dumps(others) if names and mode is Drift.EVOLVE else None


def _unknown(value: Row, known: frozenset[str], personal: Sequence[str], prefix: str = "") -> Row:
    """The fields of an object that the contract does not know, but for those that are read because they name the customer."""
    return {name: each for name, each in value.items() if name not in known and prefix + name not in personal}


def _messages(record: Row, zone: ZoneInfo, contract: LogContract, drifted: list[str]) -> list[Row]:
    logged = _list_of_messages(record)
    messages: list[Row] = []
    for index, each in enumerate(logged):
        said = an_object(each, f"messages[{index}]")
        try:
            messages.append(message(said, zone, contract, drifted))
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
    an_object(feedback, "feedback")
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
