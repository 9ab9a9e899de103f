"""The events of a streamed reply put together: OpenAI Responses, Anthropic Messages.

What belongs here: what their events add to a reply. What does not: chunks of Chat Completions (`chunks`), the text that carries
events (`streams`).
"""

from collections.abc import Sequence
from typing import Any, Final

from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object

ENDED: Final = ("response.completed", "response.incomplete", "response.failed")
BLOCK_TEXTS: Final = {"text_delta": "text", "thinking_delta": "thinking"}


def are_responses_events(values: Sequence[JsonObject]) -> bool:
    """Whether these are events of the Responses API."""
    return bool(values) and all(_kind(each).startswith("response.") or _kind(each) == "error" for each in values)


def responses_reply(events: Sequence[JsonObject]) -> dict[str, Any]:
    """The response: as the event that ends the stream says it, else the items that came, each as whole as it came."""
    for event in reversed(events):
        if _kind(event) in ENDED and as_list(as_object(event.get("response")).get("output")):
            return dict(as_object(event["response"]))
    about = next((as_object(event["response"]) for event in events if as_object(event.get("response"))), {})
    items: dict[Any, dict[str, Any]] = {}
    for event in events:
        _add_item_event(items, event)
    whole = [{key: each for key, each in item.items() if key != "parts"} | _content(item) for item in items.values()]
    return {**about, "output": whole}


def _add_item_event(items: dict[Any, dict[str, Any]], event: JsonObject) -> None:
    kind, place = _kind(event), str(event.get("output_index", event.get("item_id")))
    if kind in {"response.output_item.added", "response.output_item.done"}:
        done = kind.endswith("done")
        items[place] = {"parts": {}} | items.get(place, {}) | dict(as_object(event.get("item")))
        items[place]["parts"] = {} if done else items[place]["parts"]
    delta = event.get("delta")
    if not isinstance(delta, str):
        return
    item = items.setdefault(place, {"type": "message", "role": "assistant", "parts": {}})
    if kind in {"response.output_text.delta", "response.refusal.delta"}:
        name = str(event.get("content_index"))
        field = "text" if "text" in kind else "refusal"
        part = item["parts"].setdefault(name, {"type": "output_text" if field == "text" else "refusal", field: ""})
        part[field] += delta
    elif kind == "response.function_call_arguments.delta":
        item["arguments"] = (item.get("arguments") or "") + delta


def _content(item: dict[str, Any]) -> dict[str, Any]:
    return {"content": list(item["parts"].values())} if item["parts"] else {}


def are_anthropic_events(values: Sequence[JsonObject]) -> bool:
    """Whether these are events of Anthropic's Messages API."""
    known = ("message_start", "content_block_", "message_delta", "message_stop", "ping", "error")
    return any(_kind(each) == "message_start" for each in values) and all(_kind(each).startswith(known) for each in values)


def anthropic_reply(events: Sequence[JsonObject]) -> dict[str, Any]:
    """The message: its blocks with their deltas, the input of a tool as the JSON text that came in pieces."""
    message: dict[str, Any] = {}
    blocks: dict[str, dict[str, Any]] = {}
    for event in events:
        kind, place, delta = _kind(event), str(event.get("index")), as_object(event.get("delta"))
        if kind == "message_start":
            message = dict(as_object(event.get("message")))
        elif kind == "content_block_start":
            blocks[place] = dict(as_object(event.get("content_block")))
        elif kind == "content_block_delta":
            _add_delta(blocks.setdefault(place, {"type": "text", "text": ""}), delta)
        elif kind == "message_delta":
            usage = {**as_object(message.get("usage")), **as_object(event.get("usage"))}
            message |= {**delta, "usage": usage}
    return message | {"content": [*as_list(message.get("content")), *blocks.values()]}


def _add_delta(block: dict[str, Any], delta: JsonObject) -> None:
    kind = _kind(delta)
    if kind in BLOCK_TEXTS and isinstance(delta.get(BLOCK_TEXTS[kind]), str):
        block[BLOCK_TEXTS[kind]] = (block.get(BLOCK_TEXTS[kind]) or "") + delta[BLOCK_TEXTS[kind]]
    elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
        before = block["input"] if isinstance(block.get("input"), str) else ""
        block["input"] = before + delta["partial_json"]


def _kind(event: JsonObject) -> str:
    kind = event.get("type")
    return kind if isinstance(kind, str) else ""
