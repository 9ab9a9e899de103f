"""One native log record: from JSON to a row of the table `conversations`, or the reason why not.

What belongs here: the record's shape and the reason codes. What does not: files and lines (`lines`), days (`ingest`). A reason
names the field, never its content.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.redact import Redactor, redact_json

ROLES = frozenset({"system", "user", "assistant", "tool"})
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BrokenRecordError(Exception):
    """A record that breaks the contract.

    Attributes:
        reason: Code, such as `missing_field`; all codes are in docs/ingestion.md.
        detail: Which field, in plain words, without content.
    """

    reason: str
    detail: str


def parse_record(data: bytes) -> Row:
    """Parse one line into the nested columns of `conversations`, not yet redacted.

    Args:
        data: The line's bytes.

    Returns:
        The columns that come from the record itself (no `dt`, source or redactions).

    Raises:
        BrokenRecordError: The line is no JSON object or breaks the contract.
    """
    record = _json_object(data)
    messages = [_message(message, f"messages[{i}]") for i, message in enumerate(_messages(record))]
    if not any(message["role"] == "user" for message in messages):
        raise BrokenRecordError("no_user_turn", "messages has no message of role user")
    started, ended = (_time(_need(record, name), name) for name in ("started_at", "ended_at"))
    if ended < started:
        raise BrokenRecordError("ended_before_started", "ended_at is earlier than started_at")
    return {
        "conversation_id": _text(_need(record, "conversation_id"), "conversation_id"),
        "user_id": _text(_need(record, "user_id"), "user_id"),
        "channel": _optional_text(record, "channel"),
        "scenario": _optional_text(record, "scenario") or "unknown",
        "locale": _optional_text(record, "locale"),
        "model": _optional_text(record, "model"),
        "started_at": started,
        "ended_at": ended,
        "messages": messages,
        "feedback": _feedback(record.get("feedback")),
    }


def redact_row(row: Row) -> Row:
    """The row with every free text redacted, tool arguments and results included, and the count in `redactions`."""
    redactor = Redactor()
    messages = [_redacted(redactor, message) for message in row["messages"]]
    feedback = row["feedback"]
    if feedback and feedback["comment"]:
        feedback = feedback | {"comment": redactor.redact(feedback["comment"])}
    return row | {"messages": messages, "feedback": feedback, "redactions": redactor.count}


def _redacted(redactor: Redactor, message: Row) -> Row:
    calls = message["tool_calls"]
    return message | {
        "content": redact_json(redactor, message["content"]) if message["content"] else message["content"],
        "tool_calls": calls and [call | {"arguments": redact_json(redactor, call["arguments"])} for call in calls],
    }


def _json_object(data: bytes) -> Row:
    try:
        record = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BrokenRecordError("bad_encoding", "the line is not UTF-8") from None
    except RecursionError:
        raise BrokenRecordError("too_deep", "the JSON is nested too deeply") from None
    except ValueError:
        raise BrokenRecordError("not_json", "the line is not JSON") from None
    if not isinstance(record, dict):
        raise BrokenRecordError("not_an_object", f"the line is a JSON {type(record).__name__}, not an object")
    return record


def _refuse_constant(name: str) -> Any:
    raise BrokenRecordError("not_json", f"{name} is not JSON")


def _need(record: Row, name: str) -> Any:
    if record.get(name) is None:
        raise BrokenRecordError("missing_field", f"{name} is missing or null")
    return record[name]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BrokenRecordError("wrong_type", f"{name} is not a string")
    if not value.strip():
        raise BrokenRecordError("missing_field", f"{name} is empty")
    return _storable(value, name)


def _storable(value: str, name: str) -> str:
    """Lone surrogates cannot be stored as UTF-8; JSON escapes can smuggle them in."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BrokenRecordError("bad_encoding", f"{name} has a lone surrogate") from None
    return value


def _optional_text(record: Row, name: str) -> str | None:
    value = record.get(name)
    return None if value is None else _text(value, name)


def _messages(record: Row) -> list[Any]:
    messages = _need(record, "messages")
    if not isinstance(messages, list):
        raise BrokenRecordError("wrong_type", "messages is not a list")
    if not messages:
        raise BrokenRecordError("no_messages", "messages is empty")
    return messages


def _message(message: Any, where: str) -> Row:
    if not isinstance(message, dict):
        raise BrokenRecordError("wrong_type", f"{where} is not an object")
    role = message.get("role")
    if role not in ROLES:
        raise BrokenRecordError("unknown_role", f"{where}.role is not one of {', '.join(sorted(ROLES))}")
    created = message.get("created_at")
    return {
        "role": role,
        "content": _content(message.get("content"), f"{where}.content"),
        "created_at": None if created is None else _time(created, f"{where}.created_at"),
        "action": _optional_text(message, "action"),
        "tool_calls": _tool_calls(message.get("tool_calls"), f"{where}.tool_calls"),
        "tool_call_id": _optional_text(message, "tool_call_id"),
        "usage": _usage(message.get("usage"), f"{where}.usage"),
    }


def _content(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _storable(value, where)
    if isinstance(value, list):
        return "\n".join(_part(part, f"{where}[{i}]") for i, part in enumerate(value))
    raise BrokenRecordError("wrong_type", f"{where} is neither text nor a list of parts")


def _part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") in {"text", "input_text", "output_text"}:
        return _storable(str(part.get("text") or ""), where)
    if isinstance(part, dict) and part.get("type") == "image_url" and isinstance(part.get("image_url"), dict):
        url = str(part["image_url"].get("url") or "")
        return "[image: inline]" if url.startswith("data:") else f"[image: {_storable(url, where)}]"
    raise BrokenRecordError("wrong_type", f"{where} is no text or image_url part")


def _tool_calls(calls: Any, where: str) -> list[Row] | None:
    if calls is None:
        return None
    if not isinstance(calls, list):
        raise BrokenRecordError("wrong_type", f"{where} is not a list")
    return [_tool_call(call, f"{where}[{i}]") for i, call in enumerate(calls)] or None


def _tool_call(call: Any, where: str) -> Row:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise BrokenRecordError("wrong_type", f"{where} is not an object with a function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)
    return {
        "id": _optional_text(call, "id"),
        "name": _text(_need(function, "name"), f"{where}.function.name"),
        "arguments": _storable(arguments, f"{where}.function.arguments"),
    }


def _usage(usage: Any, where: str) -> Row | None:
    if usage is None:
        return None
    if not isinstance(usage, dict):
        raise BrokenRecordError("wrong_type", f"{where} is not an object")
    return {name: _count(usage.get(name), f"{where}.{name}") for name in ("prompt_tokens", "completion_tokens")}


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BrokenRecordError("wrong_type", f"{where} is not a whole number of tokens")
    return value


def _feedback(feedback: Any) -> Row | None:
    if feedback is None:
        return None
    if not isinstance(feedback, dict):
        raise BrokenRecordError("wrong_type", "feedback is not an object")
    thumb = feedback.get("thumb")
    if thumb not in {None, "up", "down"}:
        raise BrokenRecordError("bad_feedback", "feedback.thumb is neither up nor down")
    score = feedback.get("score", feedback.get("rating"))
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 5):
        raise BrokenRecordError("bad_feedback", "feedback.score is not a rating from 1 to 5")
    return {"thumb": thumb, "score": None if score is None else float(score), "comment": _optional_text(feedback, "comment")}


def _time(value: Any, where: str) -> dt.datetime:
    """An RFC 3339 timestamp; one without a zone is read as UTC, as the format of the logs says."""
    if not isinstance(value, str):
        if isinstance(value, dt.datetime):
            return value
        raise BrokenRecordError("bad_timestamp", f"{where} is not an RFC 3339 timestamp")
    try:
        parsed = dt.datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BrokenRecordError("bad_timestamp", f"{where} is not an RFC 3339 timestamp") from None
