"""Requests and responses of an OpenAI-compatible endpoint, one a document: a gateway's log, or the NVIDIA flywheel's schema.

What belongs here: the fields around request and response, and joining a stream's chunks. What does not: messages (`shapes`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.sessions import Call, Session
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.times import moment
from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, count_of, first, first_text

TIMES = ("timestamp", "created_at", "started_at", "start_time", "time")
CHUNK = "chat.completion.chunk"


def recognises(document: Any) -> bool:
    """Whether a document is a request with its response."""
    return isinstance(document, dict) and bool(as_object(document.get("request"))) and "response" in document


def read(documents: Iterable[Any]) -> Records:
    """The conversations in documents `{timestamp, workload_id, client_id, request, response}`; times are epoch or RFC 3339.

    The customer is `request.user`, or `user_id` in the document, its `metadata` or the request's; a session is `session_id` or
    `conversation_id` there.
    """
    ignored: Counter[str] = Counter()
    calls: list[Call] = []
    said: dict[str, dict[str, Any]] = {}
    for document in _whole(documents):
        call = _call(document) if recognises(document) else "unknown_document"
        if isinstance(call, str):
            ignored[call] += 1
            continue
        calls.append(call)
        said.setdefault(call.id, {}).update(_feedback(document))
    return records_of(calls, ignored, lambda session: _merged(session, said))


def belongs(document: Any) -> tuple[set[str], str]:
    """By which ids a document belongs to a conversation, and why it gives nothing if none has them."""
    if not recognises(document):
        return set(), "unknown_document"
    call = _call(document)
    response = as_object(document["response"])
    if isinstance(call, str) and response.get("object") == CHUNK:
        return {name} if (name := first_text(response, "id")) else set(), call
    return ({call.id}, "superseded") if isinstance(call, Call) else (set(), call)


def calls_of(document: Any) -> list[Call]:
    """The calls in a document on its own."""
    call = _call(document) if recognises(document) else None
    return [call] if isinstance(call, Call) else []


def _merged(session: Session, said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: value for call in session.calls for name, value in said[call.id].items()}


def _whole(documents: Iterable[Any]) -> Iterable[Any]:
    """The documents, with the chunks of one response joined to one document at the place of its first chunk."""
    streams: dict[str, dict[str, Any]] = {}
    done: list[Any] = []
    for document in documents:
        response = as_object(document.get("response")) if isinstance(document, dict) else {}
        name = response.get("id")
        if response.get("object") != CHUNK or not isinstance(name, str):
            done.append(document)
            continue
        if name not in streams:
            streams[name] = {**document, "response": {"id": name, "model": response.get("model"), "chunks": []}}
            done.append(streams[name])
        streams[name]["response"]["chunks"].append(response)
    return map(_joined, done)


def _joined(document: Any) -> Any:
    response = document.get("response") if isinstance(document, dict) else None
    if not isinstance(response, dict) or not isinstance(response.get("chunks"), list):
        return document
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[Any, dict[str, Any]] = {}
    usage = None
    for chunk in map(as_object, response["chunks"]):
        usage = chunk.get("usage") or usage
        choice = as_object(next(iter(as_list(chunk.get("choices"))), None))
        delta = as_object(choice.get("delta"))
        message["content"] += delta["content"] if isinstance(delta.get("content"), str) else ""
        for piece in map(as_object, as_list(delta.get("tool_calls"))):
            _add_piece(calls.setdefault(str(piece.get("index")), {"id": None, "name": "", "arguments": ""}), piece)
    message["tool_calls"] = list(calls.values())
    return document | {"response": {**response, "choices": [{"message": message}], "usage": usage}}


def _add_piece(call: dict[str, Any], piece: JsonObject) -> None:
    function = as_object(piece.get("function"))
    call["id"] = call["id"] or first_text(piece, "id")
    for name in ("name", "arguments"):
        call[name] += function[name] if isinstance(function.get(name), str) else ""


def _call(document: JsonObject) -> Call | str:
    request, response = as_object(document["request"]), as_object(document["response"])
    asked = chat_messages(request, "user")
    reply = chat_messages(response, "assistant")
    started = moment(first(document, *TIMES)) or moment(first(response, "created", "created_at"))
    if not asked:
        return "no_messages"
    if not reply:
        return "no_reply"
    if started is None:
        return "no_time"
    about = {**as_object(request.get("metadata")), **as_object(document.get("metadata")), **document}
    return Call(
        id=first_text(response, "id") or first_text(document, "id", "request_id") or _digest(document),
        started=started,
        ended=_ended(document, started),
        request=asked,
        reply=reply,
        session=first_text(about, "session_id", "conversation_id", "thread_id"),
        previous=first_text(request, "previous_response_id"),
        user=first_text(request, "user") or first_text(about, "user_id", "end_user", "user"),
        model=first_text(response, "model") or first_text(request, "model"),
        scenario=first_text(about, "scenario", "workload_id"),
        usage=usage_of(as_object(response.get("usage"))),
    )


def _ended(document: JsonObject, started: Any) -> Any:
    ended = moment(first(document, "ended_at", "end_time", "completed_at"))
    return ended if ended is not None and ended >= started else None


def _feedback(document: JsonObject) -> dict[str, Any]:
    given = as_object(document.get("feedback"))
    found: dict[str, Any] = {}
    for name in ("thumb", "rating", "score"):
        found |= feedback_of(name, given.get(name))
    return found | feedback_of("comment", None, given.get("comment"))


def usage_of(usage: JsonObject) -> dict[str, int | None] | None:
    """Tokens of request and reply under any of their names."""
    counts = {
        "prompt_tokens": count_of(first(usage, "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "input")),
        "completion_tokens": count_of(
            first(usage, "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "output")
        ),
    }
    return counts if any(value is not None for value in counts.values()) else None


def _digest(document: JsonObject) -> str:
    return hashlib.blake2b(json.dumps(document, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()
