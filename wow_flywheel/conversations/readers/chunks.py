"""The chunks of a streamed reply put together.

What belongs here: deltas of Chat Completions. What does not: which documents hold the chunks of one reply (`openai_calls`).
"""

from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first_text

CHUNK = "chat.completion.chunk"


def joined(chunks: Iterable[Any]) -> tuple[dict[str, Any], Any]:
    """The message that chunks make, and the usage that the last of them names."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[str, dict[str, Any]] = {}
    usage = None
    for chunk in map(as_object, chunks):
        usage = chunk.get("usage") or usage
        delta = as_object(as_object(next(iter(as_list(chunk.get("choices"))), None)).get("delta"))
        message["content"] += delta["content"] if isinstance(delta.get("content"), str) else ""
        for piece in map(as_object, as_list(delta.get("tool_calls"))):
            _add_piece(calls.setdefault(str(piece.get("index")), {"id": None, "name": "", "arguments": ""}), piece)
    return message | {"tool_calls": list(calls.values())}, usage


def _add_piece(call: dict[str, Any], piece: JsonObject) -> None:
    function = as_object(piece.get("function"))
    call["id"] = call["id"] or first_text(piece, "id")
    for name in ("name", "arguments"):
        call[name] += function[name] if isinstance(function.get(name), str) else ""
