"""One message of a log record, in OpenAI chat form, as an element of the column `messages`.

What belongs here: content, tool calls and usage in the shapes that logs carry them. What does not: the record around them
(`record`).
"""

import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.drift import LogContract
from wow_flywheel.conversations.fields import (
    BrokenRecordError,
    Row,
    an_object,
    count,
    optional_text,
    repeats_keys,
    required_text,
    text,
    time,
)

MESSAGE_FIELDS = frozenset({"role", "content", "created_at", "action", "tool_calls", "tool_call_id", "usage"})
"""What the contract knows of a message."""
ROLES = frozenset({"system", "user", "assistant", "tool"})
TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Type of a content part that is text, and the field that holds it."""


def message(value: Row, zone: ZoneInfo, contract: LogContract, drifted: list[str]) -> Row:
    """A message as it is stored.

    Args:
        value: The message as logged.
        zone: In which a time without an offset is read.
        contract: What becomes of fields that do not fit.
        drifted: Is told of them.

    Raises:
        BrokenRecordError: It breaks the contract; the detail names the field, seen from the message.
    """
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise BrokenRecordError("unknown_role", f"role is not one of {', '.join(sorted(ROLES))}")

    def settled(name: str, read: Callable[[], Any]) -> Any:
        raw = value.get(name)
        return None if raw is None else contract.settle(name, raw, read, drifted)

    return {
        "role": role,
        "content": _with_refusal(_content(value.get("content")), optional_text(value, "refusal")),
        "created_at": settled("created_at", lambda: time(value, "created_at", zone)),
        "action": settled("action", lambda: optional_text(value, "action")),
        "tool_calls": _tool_calls(value.get("tool_calls")),
        "tool_call_id": optional_text(value, "tool_call_id"),
        "usage": settled("usage", lambda: _usage(value.get("usage"))),
    }


def _content(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        return "\n".join(_part(part, f"content[{index}]") for index, part in enumerate(value))
    if not isinstance(value, str):
        raise BrokenRecordError("wrong_type", "content is neither text nor a list of parts")
    return text(value, "content")


def _with_refusal(content: str | None, refusal: str | None) -> str | None:
    """A reply that was refused says so in a field of its own."""
    return "\n".join(filter(None, (content, refusal))) if refusal else content


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise BrokenRecordError("wrong_type", f"{where} is not an object with a type")
    if kind in TEXT_PARTS:
        return text(part.get(TEXT_PARTS[kind]) or "", where)
    if kind in {"image_url", "input_image"}:
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str):
            return "[image: inline]" if url.startswith("data:") else f"[image: {text(url, where)}]"
    if kind in {"input_audio", "file", "input_file"}:
        return f"[{kind.removeprefix('input_')}]"
    raise BrokenRecordError("wrong_type", f"{where} is no text, image, audio or file part")


def _tool_calls(calls: Any) -> list[Row] | None:
    if calls is None:
        return None
    if not isinstance(calls, list):
        raise BrokenRecordError("wrong_type", "tool_calls is not a list")
    return [_tool_call(call, f"tool_calls[{index}]") for index, call in enumerate(calls)] or None


def _tool_call(call: Any, where: str) -> Row:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise BrokenRecordError("wrong_type", f"{where} is not an object with a function")
    an_object(call, where)
    an_object(function, f"{where}.function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        if repeats_keys(arguments):
            raise BrokenRecordError("duplicate_key", f"{where}.arguments names a key twice")
        arguments = json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)
    try:
        return {
            "id": optional_text(call, "id"),
            "name": required_text(function, "name"),
            "arguments": text(arguments, "arguments"),
        }
    except BrokenRecordError as error:
        raise error.inside(where) from None


def _usage(usage: Any) -> Row | None:
    if usage is None:
        return None
    an_object(usage, "usage")
    try:
        counts = {name: count(usage, name) for name in ("prompt_tokens", "completion_tokens")}
    except BrokenRecordError as error:
        raise error.inside("usage") from None
    return counts if any(value is not None for value in counts.values()) else None
