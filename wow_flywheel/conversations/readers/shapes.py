"""Any framework's logged input or output as OpenAI chat messages.

What belongs here: lists of messages, and which fields of a request or response hold them. What does not: one message
(`single`), elements of its content (`parts`), dotted names (`flattened`), and which calls make a conversation (`sessions`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from wow_flywheel.conversations.readers.flattened import is_flattened, nested
from wow_flywheel.conversations.readers.parts import CALLS, RESULTS, THOUGHTS, part_of, tool_call, tool_result
from wow_flywheel.conversations.readers.single import ROLES, assistant, is_message, messages_in
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

SYSTEM_FIELDS = ("system", "instructions", "system_instruction", "systemInstruction", "system_instructions", "systemPrompt")
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
        value = decoded(value)
        if isinstance(value, list):
            return _from_list(value, role) or None
        return (_from_object(value, role) or None) if isinstance(value, dict) else None
    except RecursionError:
        return None


def messages_or_text(value: Any, role: str) -> list[Message]:
    """The same, with plain text read as one message of this role; empty for what holds neither."""
    messages = chat_messages(value, role)
    if messages is not None:
        return messages
    value = decoded(value)
    return [{"role": role, "content": value}] if isinstance(value, str) and value.strip() else []


def _from_object(value: JsonObject, role: str) -> list[Message]:
    if is_flattened(value):
        value = nested(value)
    value = spelled_like_json(value)
    if is_message(value):
        return messages_in(value, role)
    for read in ENVELOPES:
        messages = read(value, role)
        if messages:
            return _system(value) + messages
    item = _item(value)
    return item or []


def _system(value: JsonObject) -> list[Message]:
    """The instructions that a request carries beside its messages; a response only repeats them."""
    if "output" in value or "choices" in value:
        return []
    given = first(value, *SYSTEM_FIELDS) or first(as_object(value.get("config")), *SYSTEM_FIELDS)
    if isinstance(given, dict):
        given = first(given, "parts", "content", "text") or given
    text = _content_text(given)
    return [{"role": "system", "content": text}] if text.strip() else []


def _content_text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.text for part in map(part_of, content) if part and part.text)
    return as_text(content)


def _choices(value: JsonObject, _default: str) -> list[Message]:
    choices = as_list(value.get("choices") or value.get("candidates"))
    if not choices or not isinstance(choices[0], dict):
        return []
    choice = choices[0]
    answer = first(choice, "message", "delta", "content")
    if answer is None and isinstance(choice.get("text"), str):
        return [{"role": "assistant", "content": choice["text"]}]
    return _from_object({"role": "assistant", **answer}, "assistant") if isinstance(answer, dict) else []


def _generations(value: JsonObject, _default: str) -> list[Message]:
    batch = as_list(value.get("generations"))
    generation = batch[0] if batch else None
    if isinstance(generation, list):
        generation = generation[0] if generation else None
    if not isinstance(generation, dict):
        return []
    if isinstance(generation.get("message"), dict):
        return messages_in(generation["message"], "assistant")
    return [{"role": "assistant", "content": generation["text"]}] if isinstance(generation.get("text"), str) else []


def _gen_ai(value: JsonObject, _default: str) -> list[Message]:
    """Fields of the conventions of OpenTelemetry and OpenInference, after their dots are undone."""
    gen_ai, llm = as_object(value.get("gen_ai")), as_object(value.get("llm"))
    asked = as_list(gen_ai.get("prompt")) or as_list(llm.get("input_messages"))
    answered = as_list(gen_ai.get("completion")) or as_list(llm.get("output_messages"))
    return _from_list(asked, "user") + _from_list(answered, "assistant")


def _field(*names: str, needs: tuple[str, ...] = ()) -> Callable[[JsonObject, str], list[Message]]:
    """Reads one of these fields, text only where the object also has one of the fields that it `needs`."""

    def read(value: JsonObject, role: str) -> list[Message]:
        if needs and not any(name in value for name in needs):
            return []
        for name in names:
            held = decoded(value.get(name))
            if isinstance(held, list | dict) and held:
                found = _from_list(held, role) if isinstance(held, list) else _from_object(held, role)
                if found:
                    return found
        return []

    return read


def _prompt(value: JsonObject, _default: str) -> list[Message]:
    """A request that is one text beside its settings (Vercel AI SDK, Responses, completion APIs)."""
    history = _from_list(as_list(value.get("chat_history")), "user")
    prompt = value.get("prompt")
    if not isinstance(prompt, str) and (history or any(name in value for name in ("model", *SYSTEM_FIELDS))):
        prompt = first_text(value, "input", "question", "message")
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) and prompt.strip() else []
    return history + asked


def _arguments(value: JsonObject, role: str) -> list[Message]:
    """The arguments of a traced function: `args` and `kwargs` (LlamaIndex, decorators)."""
    if not set(value) <= {"args", "kwargs"} or not isinstance(value.get("args"), list):
        return []
    args = value["args"]
    found = _from_object(as_object(value.get("kwargs")), role) if value.get("kwargs") else []
    if found or not args:
        return found
    if isinstance(args[0], str):
        return [{"role": "user", "content": args[0]}] if args[0].strip() and len(args) == 1 else []
    return _from_list(args[0], role) if isinstance(args[0], list) else []


def _generated(value: JsonObject, _default: str) -> list[Message]:
    """A result of the Vercel AI SDK: `text` beside `toolCalls`, or either alone with a `finishReason`."""
    if not {"toolCalls", "finishReason"} & set(value):
        return []
    calls = [call for call in map(tool_call, as_list(value.get("toolCalls"))) if call]
    text = value.get("text") if isinstance(value.get("text"), str) else None
    return [assistant(text, calls)] if text or calls else []


ENVELOPES: tuple[Callable[[JsonObject, str], list[Message]], ...] = (
    _gen_ai,
    _choices,
    _generations,
    _field("messages", "new_messages", "all_messages", "contents", "new_message", "newMessage"),
    _field("message"),
    _generated,
    _field("output", "outputs", "input_messages", "output_messages"),
    _field("input", needs=("model", *SYSTEM_FIELDS, "tools")),
    _field("prompt"),
    _prompt,
    _arguments,
    _field("responseMessages", "response", "update"),
)
"""In the order in which they are tried: the more specific first."""


def _from_list(values: Iterable[Any], role: str) -> list[Message]:
    messages: list[Message] = []
    listed = list(values) if isinstance(values, list) else []
    if len(listed) == 1 and isinstance(listed[0], list):
        return _from_list(listed[0], role)
    for value in map(decoded, listed):
        if isinstance(value, list):
            messages += _pair(value)
        elif isinstance(value, dict):
            _extend(messages, value, role)
    return messages


def _pair(value: list[Any]) -> list[Message]:
    """LangChain takes a message as a pair of role and text."""
    if len(value) == 2 and all(isinstance(each, str) for each in value) and value[0].lower() in ROLES:
        return [{"role": ROLES[value[0].lower()], "content": value[1]}]
    return []


def _extend(messages: list[Message], value: JsonObject, role: str) -> None:
    value = spelled_like_json(nested(value) if is_flattened(value) else value)
    if is_message(value):
        messages += messages_in(value, role)
        return
    item = _item(value)
    if item is None:
        messages += _wrapped(value, role)
    elif item and item[0]["role"] == "assistant" and messages and messages[-1]["role"] == "assistant":
        calls = [*(messages[-1].get("tool_calls") or []), *(item[0].get("tool_calls") or [])]
        messages[-1] = messages[-1] | {"tool_calls": calls}
    else:
        messages += item


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
    if kind in ITEM_CALLS or bare:
        call = tool_call(value)
        return [assistant(None, [call])] if call else []
    return None
