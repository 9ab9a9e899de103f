"""What wraps messages: the requests and replies of model APIs, and what frameworks pass around.

What belongs here: which fields hold messages, and fields that are a whole reply. What does not: lists of messages
(`shapes`), one message (`single`).
"""

from collections.abc import Callable
from typing import Any

from wow_flywheel.conversations.readers.parts import tool_call
from wow_flywheel.conversations.readers.single import assistant, messages_in
from wow_flywheel.conversations.readers.texts import transcript
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, first, first_text, structured

Read = Callable[[Any, str], list[Message]]
"""Reads what an envelope holds: a list or an object."""
Envelope = Callable[[JsonObject, str, Read], list[Message]]
SYSTEM_FIELDS = (
    "system",
    "instructions",
    "system_instruction",
    "systemInstruction",
    "system_instructions",
    "systemPrompt",
    "preamble",
)
FINISHED = {
    "finish_reason", "finishReason", "stop_reason", "stopReason", "done", "generation_id", "function_calls", "stop_sequence",
}  # fmt: skip
"""Fields that only a model's reply has."""
REPLIES = ("text", "message", "content", "generation", "completion", "response", "outputText")


def _choices(value: JsonObject, _default: str, read: Read) -> list[Message]:
    choices = as_list(value.get("choices") or value.get("candidates"))
    if not choices or not isinstance(choices[0], dict):
        return []
    choice = choices[0]
    answer = first(choice, "message", "delta", "content")
    if answer is None and isinstance(choice.get("text"), str):
        return [{"role": "assistant", "content": choice["text"]}]
    return read({"role": "assistant", **answer}, "assistant") if isinstance(answer, dict) else []


def _generations(value: JsonObject, _default: str, _read: Read) -> list[Message]:
    batch = as_list(value.get("generations"))
    generation = batch[0] if batch else None
    if isinstance(generation, list):
        generation = generation[0] if generation else None
    if not isinstance(generation, dict):
        return []
    if isinstance(generation.get("message"), dict):
        return messages_in(generation["message"], "assistant")
    return [{"role": "assistant", "content": generation["text"]}] if isinstance(generation.get("text"), str) else []


def _gen_ai(value: JsonObject, _default: str, read: Read) -> list[Message]:
    """Fields of the conventions of OpenTelemetry and OpenInference, after their dots are undone."""
    gen_ai, llm = as_object(value.get("gen_ai")), as_object(value.get("llm"))
    asked = as_list(gen_ai.get("prompt")) or as_list(llm.get("input_messages"))
    answered = as_list(gen_ai.get("completion")) or as_list(llm.get("output_messages"))
    return read(asked, "user") + read(answered, "assistant")


def _field(*names: str, needs: tuple[str, ...] = ()) -> Envelope:
    """Reads one of these fields, text only where the object also has one of the fields that it `needs`."""

    def held_in(value: JsonObject, role: str, read: Read) -> list[Message]:
        if needs and not any(name in value for name in needs):
            return []
        for name in names:
            held = structured(value.get(name))
            if isinstance(held, list | dict) and held:
                found = read(held, role)
                if found:
                    return found
        return []

    return held_in


def _finished(value: JsonObject, _default: str, _read: Read) -> list[Message]:
    """A reply as text or calls beside why it ended (completion APIs, AutoGen, Cohere, Ollama, Bedrock)."""
    if not FINISHED & set(value):
        return []
    said = first(value, *REPLIES)
    said = said[0] if isinstance(said, list) and len(said) == 1 and isinstance(said[0], str) else said
    calls = first(value, "tool_calls", "function_calls")
    if not isinstance(said, str | list) and not calls:
        return []
    found = messages_in({"role": "assistant", "content": said, "tool_calls": calls}, "assistant")
    return [each for each in found if each.get("content") or each.get("tool_calls")]


def _from_texts(value: JsonObject, _default: str, _read: Read) -> list[Message]:
    """Requests and replies that are lists of texts (completion APIs, n8n, Haystack, Gemini)."""
    for name in ("prompts", "messages", "contents"):
        held = value.get(name)
        texts = [held] if isinstance(held, str) and name == "contents" else as_list(held)
        if texts and all(isinstance(each, str) for each in texts):
            return transcript("\n".join(texts)) or [{"role": "user", "content": "\n".join(texts)}]
    replies = as_list(value.get("replies")) or as_list(value.get("completion"))
    outputs = [each.get("outputText") for each in map(as_object, as_list(value.get("results")))]
    said = next((each for each in (*replies, *outputs) if isinstance(each, str) and each.strip()), None)
    return [{"role": "assistant", "content": said}] if said else []


def _prompt(value: JsonObject, _default: str, read: Read) -> list[Message]:
    """A request that is one text beside its settings (Vercel AI SDK, Responses, completion APIs)."""
    history = read(as_list(value.get("chat_history")), "user")
    prompt = value.get("prompt")
    if not isinstance(prompt, str) and (history or any(name in value for name in ("model", *SYSTEM_FIELDS))):
        prompt = first_text(value, "input", "question", "message")
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) and prompt.strip() else []
    return history + asked


def _arguments(value: JsonObject, role: str, read: Read) -> list[Message]:
    """The arguments of a traced function: `args` and `kwargs` (LlamaIndex, decorators)."""
    if not set(value) <= {"args", "kwargs"} or not isinstance(value.get("args"), list):
        return []
    args = value["args"]
    found = read(as_object(value.get("kwargs")), role) if value.get("kwargs") else []
    if found or not args:
        return found
    if isinstance(args[0], str):
        return [{"role": "user", "content": args[0]}] if args[0].strip() and len(args) == 1 else []
    return read(args[0], role) if isinstance(args[0], list) else []


def _generated(value: JsonObject, _default: str, _read: Read) -> list[Message]:
    """A result of the Vercel AI SDK: `text` beside `toolCalls`, or either alone with a `finishReason`."""
    if not {"toolCalls", "finishReason"} & set(value):
        return []
    calls = [call for call in map(tool_call, as_list(value.get("toolCalls"))) if call]
    text = value.get("text") if isinstance(value.get("text"), str) else None
    return [assistant(text, calls)] if text or calls else []


def _java(value: JsonObject, _default: str, _read: Read) -> list[Message]:
    """LangChain4j's reply, and Spring AI's."""
    said = as_object(value.get("aiMessage")) or as_object(as_object(value.get("result")).get("output"))
    return messages_in({"role": "assistant", **said}, "assistant") if said else []


ENVELOPES: tuple[Envelope, ...] = (
    _gen_ai,
    _choices,
    _generations,
    _field("messages", "new_messages", "all_messages", "contents", "new_message", "newMessage", "prompts", "replies"),
    _from_texts,
    _java,
    _field("message"),
    _generated,
    _finished,
    _field("output", "outputs", "input_messages", "output_messages"),
    _field("input", needs=("model", *SYSTEM_FIELDS, "tools")),
    _field("prompt"),
    _prompt,
    _arguments,
    _field("responseMessages", "response", "update", "items", "instructions", "body"),
)
"""In the order in which they are tried: the more specific first."""
