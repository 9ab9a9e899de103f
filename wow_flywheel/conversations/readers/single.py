"""One logged message, whatever framework wrote it.

What belongs here: its role, its content and its calls. What does not: elements of the content (`parts`) and what wraps
messages (`shapes`).
"""

from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.readers.parts import CALLS, MEDIA, RESULTS, TEXT, THOUGHTS, part_of, tool_call, tool_result
from wow_flywheel.conversations.readers.values import (
    JsonObject,
    Message,
    as_list,
    as_object,
    as_text,
    decoded,
    first,
    first_text,
    spelled_like_json,
)

ROLES = {
    "user": "user", "human": "user", "customer": "user", "humanmessage": "user", "humanmessagechunk": "user",
    "assistant": "assistant", "ai": "assistant", "model": "assistant", "bot": "assistant", "chatbot": "assistant",
    "aimessage": "assistant", "aimessagechunk": "assistant", "agent": "assistant", "choice": "assistant",
    "system": "system", "developer": "system", "systemmessage": "system", "systemmessagechunk": "system",
    "tool": "tool", "function": "tool", "toolmessage": "tool", "functionmessage": "tool", "toolmessagechunk": "tool",
    "ipython": "tool", "tool_response": "tool",
}  # fmt: skip
PYDANTIC_AI = {"systemprompt": "system", "userprompt": "user", "instructions": "system"}
CONTENT_FIELDS = ("content", "parts", "contents", "items", "blocks", "data")


def is_message(value: JsonObject) -> bool:
    """Whether an object is a message, rather than what wraps one or a tool's arguments."""
    value = _unwrapped(value)
    has_content = any(name in value for name in (*CONTENT_FIELDS, "text", "tool_calls", "toolCalls", "function_call"))
    if _role(value) is not None:
        return has_content or bool(value.get("additional_kwargs")) or isinstance(value.get("message"), dict)
    content = decoded(value.get("content")) if isinstance(value.get("content"), list) else first(value, "parts", "content")
    if isinstance(content, dict):
        return isinstance(content.get("parts"), list)
    return isinstance(content, list) and _has_parts(content)


def _has_parts(content: list[Any]) -> bool:
    return bool(content) and all(isinstance(each, dict) and part_of(each) is not None for each in content)


def _role(value: JsonObject) -> str | None:
    """The role that a message names, in any spelling."""
    role = value.get("role")
    if isinstance(role, dict):
        role = first(role, "label", "value", "Label")
    named = (role, value.get("type"), value.get("event.name"), value.get("kind"), value.get("author_role"))
    for name in named:
        if isinstance(name, str) and (found := _role_of(name)):
            return found
    if isinstance(value.get("content"), dict) and "parts" in value["content"]:
        return _role(value["content"])
    return None


def _role_of(name: str) -> str | None:
    name = name.lower().removesuffix(".message").rpartition(".")[2]
    return ROLES.get(name) or {"request": "user", "response": "assistant"}.get(name)


def _unwrapped(value: JsonObject) -> JsonObject:
    """A LangChain message inside its serialised form, or the message inside an event."""
    if isinstance(value.get("kwargs"), dict) and isinstance(value.get("id"), list) and value["id"]:
        return {"type": as_text(value["id"][-1]), **value["kwargs"], **_class_role(value["id"][-1])}
    if isinstance(value.get("data"), dict) and isinstance(value.get("type"), str) and "content" in value["data"]:
        return {**value["data"], "type": value["type"]}
    if isinstance(value.get("message"), dict) and not any(name in value for name in CONTENT_FIELDS):
        inner = value["message"]
        return {"role": value.get("role") or _role(value), **inner}
    return value


def _class_role(name: Any) -> dict[str, str]:
    role = _role_of(name) if isinstance(name, str) else None
    return {"role": role} if role else {}


def messages_in(value: JsonObject, default: str) -> list[Message]:
    """One logged message; several when it holds tool results (Anthropic, Gemini, Vercel AI SDK, pydantic-ai)."""
    value = spelled_like_json(_unwrapped(spelled_like_json(value)))
    if _is_tool_definition(value):
        return []
    calls = _message_calls(value)
    role = _role(value) or _implied_role(value, calls, default)
    content = _content(value)
    if role == "tool" and not _holds_results(content):
        return _tool_message(value, content)
    messages = list(_walk(content, role))
    if calls:
        _add_calls(messages, calls)
    return messages or [{"role": role, "content": None}]


def _implied_role(value: JsonObject, calls: list[dict[str, Any]], default: str) -> str:
    if calls:
        return "assistant"
    return "tool" if value.get("tool_call_id") else default


def _is_tool_definition(value: JsonObject) -> bool:
    """LangChain's tracer lists the tools that a model may call as messages of role tool."""
    content = decoded(value.get("content"))
    function = content.get("function") if isinstance(content, dict) and content.get("type") == "function" else None
    return isinstance(function, dict) and "arguments" not in function


def _content(value: JsonObject) -> Any:
    content = first(value, *CONTENT_FIELDS, "text")
    if isinstance(content, list) and not content and isinstance(value.get("text"), str):
        content = value["text"]
    if isinstance(content, dict) and isinstance(content.get("parts"), list):
        return content["parts"]
    if isinstance(content, str) and content.lstrip()[:2] in {"[{", "[ "}:
        parsed = decoded(content)
        if isinstance(parsed, list) and _written_as_parts(parsed):
            return parsed
    return content


def _written_as_parts(parsed: list[Any]) -> bool:
    known = TEXT | THOUGHTS | CALLS | RESULTS | set(MEDIA) - {"data", "file", "document"}
    kinds = [as_text(each.get("type")).replace("_", "").replace("-", "") if isinstance(each, dict) else "" for each in parsed]
    return bool(kinds) and (all(kind in known for kind in kinds) or _koog_calls(parsed))


def _koog_calls(parsed: list[Any]) -> bool:
    """Koog logs the calls of a turn as JSON text in its content."""
    return all(
        isinstance(each, dict) and isinstance(each.get("function"), dict) and "arguments" in each["function"] for each in parsed
    )


def _holds_results(content: Any) -> bool:
    if not isinstance(content, list):
        return False
    parts = [part_of(each) for each in content if isinstance(each, dict)]
    return any(part is not None and (part.result or part.call) for part in parts) or (bool(parts) and _koog_calls(content))


def _tool_message(value: JsonObject, content: Any) -> list[Message]:
    extra = as_object(value.get("additional_kwargs"))
    answered = first_text(value, "tool_call_id", "toolCallId", "call_id") or first_text(extra, "tool_call_id")
    name = first_text(value, "name", "toolName") or first_text(extra, "name")
    answer = tool_result({"content": content})["content"]
    return [{"role": "tool", "content": answer, "tool_call_id": answered, "name": name}]


def _message_calls(value: JsonObject) -> list[dict[str, Any]]:
    extra = as_object(value.get("additional_kwargs"))
    for held in (value.get("tool_calls"), value.get("toolCalls"), extra.get("tool_calls")):
        calls = [call for call in map(tool_call, as_list(held)) if call]
        if calls:
            return calls
    legacy = tool_call(value.get("function_call") or extra.get("function_call"))
    return [legacy] if legacy else []


def _walk(content: Any, role: str) -> Iterable[Message]:
    """The messages that a message's parts make, in order: a tool's result ends what came before it."""
    if not isinstance(content, list):
        if content is not None:
            yield {"role": role, "content": as_text(content)}
        return
    if content and _koog_calls(content):
        yield assistant(None, [call for call in map(tool_call, content) if call])
        return
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    speaker = role
    for element, part in zip(content, map(part_of, content), strict=True):
        if part is None:
            texts.append(as_text(element))
            continue
        prompt = PYDANTIC_AI.get(as_text(element.get("part_kind")).replace("-", "")) if isinstance(element, dict) else None
        if part.result or (prompt and prompt != speaker):
            yield from _said(speaker, texts, calls)
            texts, calls, speaker = [], [], prompt or role
        if part.result:
            yield part.result
        if part.text is not None:
            texts.append(part.text)
        if part.call:
            calls.append(part.call)
    yield from _said(speaker, texts, calls)


def _said(role: str, texts: list[str], calls: list[dict[str, Any]]) -> Iterable[Message]:
    if calls:
        yield assistant("\n".join(texts), calls)
    elif texts:
        yield {"role": role if role != "tool" else "user", "content": "\n".join(texts)}


def _add_calls(messages: list[Message], calls: list[dict[str, Any]]) -> None:
    """Calls that a message lists beside its parts; frameworks repeat in one what they say in the other."""
    for message in messages:
        if message["role"] == "assistant":
            known = {(call["id"], call["name"]) for call in message.get("tool_calls") or ()}
            added = [call for call in calls if (call["id"], call["name"]) not in known]
            message["tool_calls"] = [*(message.get("tool_calls") or ()), *added]
            return
    messages.append(assistant(None, calls))


def assistant(content: str | None, calls: list[dict[str, Any]]) -> Message:
    """A message of the assistant, with what it called."""
    return {"role": "assistant", "content": content or None} | ({"tool_calls": calls} if calls else {})
