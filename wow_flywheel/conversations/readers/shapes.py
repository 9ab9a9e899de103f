"""Any framework's logged input or output as OpenAI chat messages.

What belongs here: lists of messages, and values that may be any shape. What does not: what wraps them (`envelopes`), one
message (`single`), elements of its content (`parts`), dotted names (`flattened`), and which calls make a conversation
(`sessions`).
"""

from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.envelopes import ENVELOPES, SYSTEM_FIELDS
from wow_flywheel.conversations.readers.flattened import is_flattened, nested
from wow_flywheel.conversations.readers.parts import CALLS, RESULTS, THOUGHTS, part_of, tool_call, tool_result
from wow_flywheel.conversations.readers.roles import ROLES
from wow_flywheel.conversations.readers.single import assistant, has_no_role, is_message, messages_in, says_unknown_role
from wow_flywheel.conversations.readers.streams import streamed
from wow_flywheel.conversations.readers.texts import text_in, transcript, written_by_python
from wow_flywheel.conversations.readers.values import (
    JsonObject,
    Message,
    as_object,
    as_text,
    decoded,
    first,
    spelled_like_json,
    structured,
)

ITEM_CALLS = CALLS | {"functiontoolcall"}


def chat_messages(value: Any, role: str = "assistant") -> list[Message] | None:
    """The messages in an input or output that a framework logged.

    Args:
        value: JSON text, also encoded twice, or what it holds.
        role: Of a message that names none.

    Returns:
        Messages in native form, in order; None when the value holds none (plain text, a tool's arguments, …).
    """
    try:
        value = written_by_python(structured(value))
        value = value if (reply := streamed(value)) is None else reply
        if isinstance(value, list):
            return _from_list(value, role) or None
        return (_from_object(value, role) or None) if isinstance(value, dict) else None
    except RecursionError:
        return None


def messages_or_text(value: Any, role: str) -> list[Message]:
    """The same, with plain text read as one message of this role, or as a transcript; empty for what holds neither."""
    messages = chat_messages(value, role)
    if messages is not None:
        return messages
    text = text_in(decoded(value), role)
    if text is None:
        return []
    return (transcript(text) if role == "user" else []) or [{"role": role, "content": text}]


def _from_object(value: JsonObject, role: str) -> list[Message]:
    if is_flattened(value):
        value = nested(value)
    value = spelled_like_json(value)
    if is_message(value):
        return messages_in(value, role)
    if says_unknown_role(value) and has_no_role(value):
        raise BrokenRecordError("unknown_role", "a message's role is none that is known")
    for read in ENVELOPES:
        messages = read(value, role, _held)
        if messages:
            return _system(value) + messages
    item = _item(value)
    return item or []


def _held(value: Any, role: str) -> list[Message]:
    return _from_list(value, role) if isinstance(value, list) else _from_object(value, role) if isinstance(value, dict) else []


def _system(value: JsonObject) -> list[Message]:
    """The instructions that a request carries beside its messages; a response only repeats them."""
    if "output" in value or "choices" in value:
        return []
    given = first(value, *SYSTEM_FIELDS) or first(as_object(value.get("config")), *SYSTEM_FIELDS)
    if isinstance(given, list) and any(isinstance(each, dict) and is_message(each) for each in given):
        return []
    if isinstance(given, dict):
        given = first(given, "parts", "content", "text") or given
    text = _content_text(given)
    return [{"role": "system", "content": text}] if text.strip() else []


def _content_text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.text for part in map(part_of, content) if part and part.text)
    return as_text(content)


def _from_list(values: Iterable[Any], role: str) -> list[Message]:
    messages: list[Message] = []
    listed = list(values) if isinstance(values, list) else []
    if len(listed) == 1 and isinstance(listed[0], list):
        return _pair(listed[0]) or _from_list(listed[0], role)
    if (reply := streamed(listed)) is not None:
        return _from_object(reply, role)
    by_nobody: list[int] = []
    by_somebody = 0
    for index, value in enumerate(map(structured, listed)):
        before = len(messages)
        if isinstance(value, list):
            messages += _pair(value)
        elif isinstance(value, dict) and not _extend(messages, value, role):
            by_nobody.append(index)
            continue
        by_somebody += len(messages) - before
    if by_nobody and (by_somebody or any(says_unknown_role(structured(listed[index])) for index in by_nobody)):
        raise BrokenRecordError("unknown_role", f"messages[{by_nobody[0]}] has no role, or none that is known")
    return messages


def _pair(value: list[Any]) -> list[Message]:
    """LangChain takes a message as a pair of role and text."""
    if len(value) == 2 and all(isinstance(each, str) for each in value) and value[0].lower() in ROLES:
        return [{"role": ROLES[value[0].lower()], "content": value[1]}]
    return []


def _extend(messages: list[Message], value: JsonObject, role: str) -> bool:
    """Add what an element of a list says; False if it says something of which nobody can tell who says it."""
    value = spelled_like_json(nested(value) if is_flattened(value) else value)
    if is_message(value):
        messages += messages_in(value, role)
        return "parts" in value or not has_no_role(value)
    item = _item(value)
    if item is None:
        wrapped = _wrapped(value, role)
        messages += wrapped
        return bool(wrapped) or not has_no_role(value)
    if item and item[0]["role"] == "assistant" and messages and messages[-1]["role"] == "assistant":
        calls = [*(messages[-1].get("tool_calls") or []), *(item[0].get("tool_calls") or [])]
        messages[-1] = messages[-1] | {"tool_calls": calls}
    else:
        messages += item
    return True


def _wrapped(value: JsonObject, role: str) -> list[Message]:
    for name in ("message", "content", "kwargs"):
        inner = value.get(name)
        if isinstance(inner, dict) and (is_message(inner) or is_flattened(inner)):
            return messages_in(nested(inner) if is_flattened(inner) else inner, role)
    return []


def _item(value: JsonObject) -> list[Message] | None:
    """A call or a result that stands alone beside messages (Responses, Vercel AI SDK); empty for a thought, None for others."""
    kind = "".join(letter for letter in as_text(value.get("type")).lower() if letter.isalnum())
    if kind in THOUGHTS and kind:
        return []
    bare = "toolCallId" in value and "toolName" in value
    if kind in RESULTS or (bare and ("result" in value or "output" in value)):
        return [tool_result(value)]
    function = value.get("function")
    called = kind == "function" and isinstance(function, dict) and "arguments" in function
    if kind in ITEM_CALLS or bare or called:
        call = tool_call(value)
        return [assistant(None, [call])] if call else []
    return None
