"""Parts of a message, tool calls and tool results in the spellings of all frameworks.

What belongs here: what one element of a message's content is. What does not: messages and what wraps them (`shapes`).
"""

from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.readers.values import (
    JsonObject,
    Message,
    as_object,
    as_text,
    decoded,
    first,
    first_text,
    spelled_like_json,
)

TEXT = {"text", "inputtext", "outputtext", "refusal", "systemprompt", "userprompt", "rawtext", "summarytext", "string"}
THOUGHTS = {
    "thinking", "redactedthinking", "reasoning", "textreasoning", "thought", "stepstart", "unknown", "reasoningcontent",
    "thoughtevent", "toolcallsummarymessage", "reasoningmessage",
}  # fmt: skip
CALLS = {"toolcall", "tooluse", "functioncall", "servertooluse", "mcptooluse", "mcpcall", "toolcallpart"}
RESULTS = {
    "toolcallresponse", "toolresult", "functionresponse", "functionresult", "toolreturn", "functioncalloutput", "toolresponse",
    "mcptoolresult", "websearchtoolresult", "toolcallresult",
}  # fmt: skip
MEDIA = {
    "image": "IMAGE", "imageurl": "IMAGE", "inputimage": "IMAGE", "audio": "AUDIO", "inputaudio": "AUDIO", "video": "VIDEO",
    "audiourl": "AUDIO", "videourl": "VIDEO", "documenturl": "FILE", "file": "FILE", "inputfile": "FILE", "document": "FILE",
    "blob": "FILE", "uri": "FILE", "binary": "FILE", "data": "FILE",
}  # fmt: skip
WRAPPERS = {
    "functionCall": "functioncall", "function_call": "functioncall", "toolUse": "tooluse", "toolCall": "toolcall",
    "functionResponse": "functionresponse", "function_response": "functionresponse", "toolResult": "toolresult",
    "tool_call": "toolcall", "tool_call_result": "toolcallresult", "toolRequest": "toolcall", "toolResponse": "toolresult",
    "toolInvocation": "toolinvocation", "reasoningContent": "reasoning", "reasoning": "reasoning",
    "inlineData": "blob", "inline_data": "blob", "fileData": "uri", "file_data": "uri",
    "image": "image", "document": "document",
}  # fmt: skip
"""Field of a part without a type, and the type that it means (Gemini, Bedrock, Haystack, Genkit)."""
INVOCATIONS = {"toolinvocation", "dynamictool"}
CALL_ID = ("call_id", "callId", "toolCallId", "tool_call_id", "toolUseId", "tool_use_id", "ref", "id")
TOOL_NAME = ("toolName", "tool_name", "name", "functionName", "function_name", "raw_name")
ARGUMENTS = ("arguments", "args", "input", "parameters", "raw_arguments", "tool_kwargs")


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a message.

    Attributes:
        text: What it says; None for a call, a result or a thought.
        goes_on: Whether the text goes on with that of the part before it, as in Gemini's pieces.
        call: The tool call that it is.
        result: The message of role tool that it is.
    """

    text: str | None = None
    call: dict[str, Any] | None = None
    result: Message | None = None
    goes_on: bool = False


def part_of(value: Any) -> Part | None:
    """What one element of a message's content is; None when it is none that a framework writes."""
    if isinstance(value, str):
        return Part(text=value)
    if not isinstance(value, dict):
        return None
    part = spelled_like_json(value["message_content"] if isinstance(value.get("message_content"), dict) else value)
    kind = _kind(part)
    if kind is None:
        return _untyped(part)
    return _typed(kind, part)


def _kind(part: JsonObject) -> str | None:
    kind = first_text(part, "type", "$type", "content_type", "part_kind", "block_type", "kind")
    if kind is None:
        return None
    name = kind.rpartition(".")[2].lower()
    name = "".join(letter for letter in name if letter.isalnum())
    return name.removesuffix("content") or name


def _typed(kind: str, part: JsonObject) -> Part | None:
    if kind in THOUGHTS or part.get("thought") is True:
        return Part()
    if kind in CALLS:
        return _call_part(part)
    if kind in INVOCATIONS or (kind.startswith("tool") and "toolCallId" in part and kind not in RESULTS):
        return _invocation(part)
    if kind in RESULTS:
        return Part(result=tool_result(part))
    if kind == "retryprompt":
        return Part(result=tool_result(part)) if part.get("tool_name") else Part(text=as_text(part.get("content")))
    if kind in MEDIA:
        return Part(text=_media(MEDIA[kind], part))
    if kind in {"template", "text"} and isinstance(part.get("arguments"), dict):
        return Part(text=as_text(part["arguments"]))
    if kind in TEXT:
        return _text_part(part)
    return _untyped(part)


def _invocation(part: JsonObject) -> Part | None:
    """A call with its result, as the Vercel AI SDK keeps both for its interface."""
    held = as_object(part.get("toolInvocation")) or part
    named = held if "toolName" in held else {**held, "toolName": as_text(part.get("type")).removeprefix("tool-")}
    call = tool_call(named)
    return Part(call=call, result=tool_result(named) if _has_result(held) else None) if call else None


def _text_part(part: JsonObject) -> Part:
    said = first(part, "text", "content", "value", "refusal")
    if isinstance(said, dict) and isinstance(said.get("value"), str):
        said = said["value"]
    if isinstance(said, list):
        said = "\n".join(each.text for each in map(part_of, said) if each and each.text)
    return Part(text=as_text(said))


def _call_part(part: JsonObject) -> Part | None:
    call = tool_call(part)
    return Part(call=call) if call else None


def _untyped(part: JsonObject) -> Part | None:
    if part.get("thought") is True:
        return Part()
    for name, kind in WRAPPERS.items():
        if isinstance(part.get(name), dict):
            return _typed(kind, spelled_like_json(part[name]))
    if "toolCallId" in part and "toolName" in part:
        return Part(result=tool_result(part)) if _has_result(part) else _call_part(part)
    if isinstance(part.get("thinking"), str) and "signature" in part:
        return Part()
    if ("tool_use_id" in part or ("call_id" in part and "name" in part)) and "content" in part:
        return Part(result=tool_result(part))
    if {"id", "name"} <= set(part) and ("arguments" in part or "input" in part):
        return _call_part(part)
    return Part(text=part["text"], goes_on=True) if isinstance(part.get("text"), str) else None


def _has_result(part: JsonObject) -> bool:
    return part.get("result") is not None or part.get("output") is not None


def tool_call(value: Any) -> dict[str, Any] | None:
    """A call in native form: id, name, arguments as JSON text; None when it names no tool."""
    call = as_object(value)
    call = spelled_like_json(as_object(call.get("tool_call")) or call)
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    name = first_text(inner, *TOOL_NAME) or (function if isinstance(function, str) and function else None)
    if name is None:
        return None
    plugin = first_text(inner, "pluginName")
    return {
        "id": _id(call, *CALL_ID),
        "name": f"{plugin}-{name}" if plugin else name,
        "arguments": _arguments(first(inner, *ARGUMENTS)),
    }


def _arguments(logged: Any) -> str:
    """JSON text: as logged where that is the text of an object, else made of what it holds."""
    held = value = decoded(logged)
    if isinstance(value, dict):
        value = first(value, "args_dict") if set(value) == {"args_dict"} else value
        value = first(value, "args_json") if isinstance(value, dict) and set(value) == {"args_json"} else value
    if isinstance(logged, str) and isinstance(held, dict) and held is value and logged.lstrip()[:1] == "{":
        return logged
    return "{}" if value is None or value == "" else as_text(value)


def tool_result(value: JsonObject) -> Message:
    """The message of role tool in a part or an item that holds a tool's result."""
    value = {**as_object(value.get("origin")), **value}
    answer = first(value, "response", "result", "output", "content", "returnValue", "responseData", "tool_return")
    if isinstance(answer, dict) and set(answer) <= {"type", "value", "providerOptions"} and "value" in answer:
        answer = answer["value"]
    return {
        "role": "tool",
        "content": result_text(answer),
        "tool_call_id": _id(value, *CALL_ID),
        "name": first_text(value, *TOOL_NAME),
    }


def result_text(answer: Any) -> str:
    """What a tool answered: the text of parts, or JSON."""
    if isinstance(answer, list) and answer:
        parts = [part_of(each) if isinstance(each, dict) else None for each in answer]
        if all(part and part.text is not None for part in parts):
            return "\n".join(part.text for part in parts if part and part.text)
    return as_text(answer)


def _id(value: JsonObject, *names: str) -> str | None:
    found = first(value, *names)
    if isinstance(found, list):
        found = found[-1] if found else None
    return found if isinstance(found, str) and found else None


def _media(kind: str, part: JsonObject) -> str:
    source = {**part, **as_object(part.get("source")), **as_object(part.get("file"))}
    mime = as_text(first(source, "mime_type", "mimeType", "mediaType", "media_type", "modality"))
    kind = next((name for name in ("IMAGE", "AUDIO", "VIDEO") if mime.lower().startswith(name.lower())), kind)
    return f"<{kind}: {_address(source)}>"


def _address(source: JsonObject) -> str:
    names = ("image_url", "url", "uri", "fileUri", "file_uri", "image", "filename", "name", "file_id", "data")
    found = first(source, *names)
    for _ in range(2):
        found = first(found, *names) if isinstance(found, dict) else found
    if not isinstance(found, str) or found.startswith("data:") or (found == source.get("data") and "://" not in found):
        return "inline"
    return found if len(found) < 2000 else "inline"
