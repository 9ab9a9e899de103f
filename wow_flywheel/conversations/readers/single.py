"""One logged message, whatever framework wrote it.

What belongs here: its content and its calls. What does not: who says it (`roles`), elements of the content (`parts`) and what
wraps messages (`envelopes`).
"""

from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.parts import (
    CALLS,
    MEDIA,
    RESULTS,
    TEXT,
    THOUGHTS,
    WRAPPERS,
    part_of,
    tool_call,
    tool_result,
)
from wow_flywheel.conversations.readers.roles import CONTENT_FIELDS, role_in, unwrapped
from wow_flywheel.conversations.readers.values import (
    JsonObject,
    Message,
    as_list,
    as_object,
    as_text,
    decoded,
    first,
    first_text,
    says_something,
    spelled_like_json,
)

PYDANTIC_AI = {"systemprompt": "system", "userprompt": "user", "instructions": "system"}
CALL_FIELDS = ("tool_calls", "toolCalls", "toolExecutionRequests", "function_calls")
RESULT_FIELDS = ("responses", "tool_results")
SAYING = (
    *CONTENT_FIELDS,
    "text",
    "refusal",
    *CALL_FIELDS,
    "function_call",
    "tool_call",
    "tool_return",
    "result",
    *RESULT_FIELDS,
)


def is_message(value: JsonObject) -> bool:
    """Whether an object is a message, rather than what wraps one or a tool's arguments."""
    value = unwrapped(value)
    has_content = any(name in value for name in SAYING)
    if role_in(value) is not None:
        return has_content or bool(value.get("additional_kwargs")) or isinstance(value.get("message"), dict)
    content = decoded(value.get("content")) if isinstance(value.get("content"), list) else first(value, "parts", "content")
    if isinstance(content, dict):
        return isinstance(content.get("parts"), list)
    return isinstance(content, list) and _has_parts(content)


def _has_parts(content: list[Any]) -> bool:
    return bool(content) and all(isinstance(each, dict) and part_of(each) is not None for each in content)


def messages_in(value: JsonObject, default: str) -> list[Message]:
    """One logged message; several when it holds tool results (Anthropic, Gemini, Vercel AI SDK, pydantic-ai)."""
    value = spelled_like_json(unwrapped(spelled_like_json(value)))
    if _is_tool_definition(value):
        return []
    calls = _message_calls(value)
    if says_unknown_role(value):
        raise BrokenRecordError("unknown_role", "a message's role is none that is known")
    role = role_in(value) or _implied_role(value, calls, default)
    content = _with_refusal(_content(value), first_text(value, "refusal"))
    results = next((value[name] for name in RESULT_FIELDS if isinstance(value.get(name), list)), None)
    if role == "tool" and results:
        return [tool_result(_flat_result(each)) for each in map(as_object, results)]
    if role == "tool" and not _holds_results(content):
        return _tool_message(value, content)
    messages = list(_walk(content, role))
    if calls:
        _add_calls(messages, calls)
    return messages or [{"role": role, "content": None}]


def has_no_role(value: JsonObject) -> bool:
    """Whether an object says something as a message does, but not who says it: no role, no kind, no call that implies one."""
    value = spelled_like_json(unwrapped(spelled_like_json(value)))
    said = first(value, "content", "contents")
    if role_in(value) is not None or not (isinstance(said, str | list) and said):
        return False
    return says_unknown_role(value) or not (_message_calls(value) or _made_by_model(value) or value.get("tool_call_id"))


def says_unknown_role(value: JsonObject) -> bool:
    """Whether a message names a role, and none that is known."""
    role = unwrapped(value).get("role")
    return isinstance(role, str) and says_something(role) and role_in(unwrapped(value)) is None


def _flat_result(value: JsonObject) -> JsonObject:
    """Cohere keeps a result beside the call that it answers."""
    outputs = as_list(value.get("outputs"))
    if not outputs:
        return value
    answer = outputs[0]
    said = first(answer, "result", "output", "text") if isinstance(answer, dict) and len(answer) == 1 else None
    return {**as_object(value.get("call")), "result": outputs if said is None or len(outputs) > 1 else said}


def _implied_role(value: JsonObject, calls: list[dict[str, Any]], default: str) -> str:
    if calls or _made_by_model(value):
        return "assistant"
    return "tool" if value.get("tool_call_id") else default


def _made_by_model(value: JsonObject) -> bool:
    """Whether the parts of a message without a role are a model's: a call, or a reply that names its model."""
    parts = [part_of(each) for each in value["content"]] if isinstance(value.get("content"), list) else []
    return any(part and part.call for part in parts) or (bool(parts) and isinstance(value.get("model"), str))


def _is_tool_definition(value: JsonObject) -> bool:
    """LangChain's tracer lists the tools that a model may call as messages of role tool."""
    content = decoded(value.get("content"))
    function = content.get("function") if isinstance(content, dict) and content.get("type") == "function" else None
    return isinstance(function, dict) and "arguments" not in function


def _with_refusal(content: Any, refusal: str | None) -> Any:
    """A reply that was refused says so in a field of its own."""
    if refusal is None or not content:
        return content if refusal is None else refusal
    return f"{content}\n{refusal}" if isinstance(content, str) else [*as_list(content), {"type": "text", "text": refusal}]


def _content(value: JsonObject) -> Any:
    content = first(value, *CONTENT_FIELDS, "text")
    parts = value.get("parts")
    if isinstance(content, str) and isinstance(parts, list) and _has_parts(parts):
        return parts
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
    return bool(kinds) and (all(kind in known for kind in kinds) or _koog_calls(parsed) or all(map(_untyped_part, parsed)))


def _untyped_part(value: Any) -> bool:
    """Whether an element is a part as Bedrock writes it: one field that says what it is."""
    return isinstance(value, dict) and len(value) == 1 and set(value) <= {"text", *WRAPPERS} and part_of(value) is not None


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
    names = ("tool_call_id", "toolCallId", "call_id", *(("id",) if "toolName" in value else ()))
    answered = first_text(value, *names) or first_text(extra, "tool_call_id")
    content = first(value, "result", "tool_return") if content is None else content
    name = first_text(value, "name", "toolName") or first_text(extra, "name")
    answer = tool_result({"content": content})["content"]
    return [{"role": "tool", "content": answer, "tool_call_id": answered, "name": name}]


def _message_calls(value: JsonObject) -> list[dict[str, Any]]:
    extra = as_object(value.get("additional_kwargs"))
    for held in (*(value.get(name) for name in CALL_FIELDS), extra.get("tool_calls")):
        calls = [call for call in map(tool_call, as_list(held)) if call]
        if calls:
            return calls
    legacy = tool_call(value.get("function_call") or extra.get("function_call") or value.get("tool_call"))
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
        if part.call:
            calls.append(part.call)
        if part.result or (prompt and prompt != speaker):
            yield from _said(speaker, texts, calls)
            texts, calls, speaker = [], [], prompt or role
        if part.result:
            yield part.result
        if part.text is not None and part.goes_on and texts:
            texts[-1] += part.text
        elif part.text is not None:
            texts.append(part.text)
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
