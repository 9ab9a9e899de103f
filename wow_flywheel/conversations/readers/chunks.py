"""The chunks of a streamed reply put together.

What belongs here: deltas of Chat Completions. What does not: other kinds of streams (`stream_events`), and which documents hold
the chunks of one reply (`openai_calls`).
"""

from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first_text

CHUNK = "chat.completion.chunk"


def are_chunks(values: list[JsonObject]) -> bool:
    """Whether these are the chunks of a reply; the last one may hold nothing but usage."""
    if not values or not all(each.get("object") == CHUNK or isinstance(each.get("choices"), list) for each in values):
        return False
    return any(each.get("object") == CHUNK or _has_delta(each) for each in values)


def _has_delta(value: JsonObject) -> bool:
    return any("delta" in as_object(choice) for choice in as_list(value.get("choices")))


def joined(chunks: Iterable[Any]) -> dict[str, Any]:
    """The response that chunks make: id, model, usage as the last of them names it, and the choices by their index."""
    response: dict[str, Any] = {"usage": None}
    choices: dict[int, _Choice] = {}
    for chunk in map(as_object, chunks):
        response |= {name: chunk[name] for name in ("id", "model", "created", "usage") if chunk.get(name) is not None}
        for choice in map(as_object, as_list(chunk.get("choices"))):
            index = choice.get("index")
            choices.setdefault(index if isinstance(index, int) else 0, _Choice()).add(as_object(choice.get("delta")))
    return response | {"choices": [{"index": index, "message": choices[index].message()} for index in sorted(choices)]}


class _Choice:
    """One of the replies that a stream holds; the deltas of several may take turns."""

    def __init__(self) -> None:
        self._texts = {"content": "", "refusal": ""}
        self._role: Any = None
        self._calls: dict[str, dict[str, Any]] = {}
        self._last = ""

    def add(self, delta: JsonObject) -> None:
        self._role = self._role or delta.get("role")
        for name in self._texts:
            self._texts[name] += _text(delta.get(name))
        for piece in map(as_object, as_list(delta.get("tool_calls"))):
            self._add_call(piece)
        if delta.get("function_call"):
            self._add_call({"index": "function_call", "function": as_object(delta["function_call"])})

    def _add_call(self, piece: JsonObject) -> None:
        """Some servers leave out the index: then a new id begins a new call."""
        named = piece.get("index")
        self._last = str(named) if named is not None else first_text(piece, "id") or self._last
        call = self._calls.setdefault(self._last, {"id": None, "name": "", "arguments": ""})
        function = as_object(piece.get("function"))
        call["id"] = call["id"] or first_text(piece, "id")
        for name in ("name", "arguments"):
            call[name] += function[name] if isinstance(function.get(name), str) else ""

    def message(self) -> dict[str, Any]:
        return {"role": self._role or "assistant", **self._texts, "tool_calls": list(self._calls.values())}


def _text(content: Any) -> str:
    """Text, or the text of parts."""
    if isinstance(content, list):
        return "".join(_text(as_object(each).get("text")) for each in content)
    return content if isinstance(content, str) else ""
