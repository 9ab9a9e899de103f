"""Requests and responses of an OpenAI-compatible endpoint, one a document: a gateway's log, or the NVIDIA flywheel's schema.

What belongs here: the fields around request and response, and joining a stream's chunks. What does not: messages (`shapes`).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.chunks import CHUNK, joined
from wow_flywheel.conversations.readers.corrections import Corrections
from wow_flywheel.conversations.readers.feedback import correction_in, feedback_in
from wow_flywheel.conversations.readers.provenance import OTHER_CHOICE, Documents, LeftOut
from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.said import Said
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.streams import streamed
from wow_flywheel.conversations.readers.times import EPOCH, moment
from wow_flywheel.conversations.readers.usage import usage_of
from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first, first_name, first_text, structured

TIMES = ("timestamp", "created_at", "started_at", "start_time", "time")
SESSION = ("session_id", "conversation_id", "thread_id")
CALL = ("call_id", "response_id", "completion_id", "request_id", "message_id")


def recognises(document: Any) -> bool:
    """Whether a document is a request with its response, or feedback `{call_id | response_id | session_id, feedback}`."""
    return _is_call(document) or _is_feedback(document)


def _is_call(document: Any) -> bool:
    return isinstance(document, dict) and bool(as_object(document.get("request"))) and "response" in document


def _is_feedback(document: Any) -> bool:
    if not isinstance(document, dict) or "request" in document or "messages" in document:
        return False
    return (
        bool(as_object(document.get("feedback")))
        and (first_text(document, *CALL) or first_name(document, *SESSION)) is not None
    )


def read(documents: Documents, zone: dt.tzinfo = dt.UTC) -> Records:
    """The conversations in documents `{timestamp, workload_id, client_id, request, response}`; times are epoch or RFC 3339,
    without an offset in the business timezone.

    The customer is `request.user`, or `user_id` in the document, its `metadata` or the request's; a session is `session_id` or
    `conversation_id` there. Feedback stands in the document or in one of its own, which names a call or a session.
    """
    left, said = LeftOut(), Said()
    calls: dict[str, list[Call]] = {}
    heard: list[tuple[tuple[str, ...], JsonObject, frozenset[int]]] = []
    for sources, document in _whole(documents, left):
        with left.reading(sources):
            call = _call(document, sources, zone) if _is_call(document) else "unknown_document"
            if isinstance(call, Call):
                calls.setdefault(call.id, []).append(call)
                for _ in as_list(_response(document).get("choices"))[1:]:
                    left.add(OTHER_CHOICE, sources)
                heard.append(((call.id,), document, sources))
            elif _is_feedback(document):
                heard.append((keys_of(document), document, sources))
            else:
                left.add(call, sources)
    better = Corrections()
    for keys, document, sources in sorted(heard, key=lambda each: moment(first(each[1], *TIMES), zone) or EPOCH):
        with left.reading(sources):
            _hear(keys, document, sources, calls, said, better, left)
    return records_of([*(call for each in calls.values() for call in each), *better.calls(said)], left, said)


def _hear(
    keys: tuple[str, ...],
    document: JsonObject,
    sources: frozenset[int],
    calls: dict[str, list[Call]],
    said: Said,
    better: Corrections,
    left: LeftOut,
) -> None:
    """Note what was said of a call."""
    given = as_object(document.get("feedback"))
    found, reply = feedback_in(given), correction_in(given)
    call = next((calls[key][-1] for key in keys if key in calls), None)
    if reply and call is not None:
        better.add(call, reply, sources, left)
    elif reply:
        left.wait(keys, {}, reply, sources)
    if found:
        said.add(keys, found, sources)
    elif _is_feedback(document) and not (reply and call):
        left.add("no_conversation" if reply else "unclear_score", sources)


def keys_of(document: Any) -> tuple[str, ...]:
    """Ids of the calls and sessions to which a document that is no whole call belongs: of a stream's chunk, of feedback."""
    if _is_feedback(document):
        named = [first_text(document, *CALL), first_name(document, *SESSION)]
        return tuple(name for name in named if name)
    response = as_object(document.get("response")) if isinstance(document, dict) else {}
    chunk = first_text(response, "id") if response.get("object") == CHUNK else None
    return (chunk,) if chunk else ()


def time_of(document: Any, zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When a call was asked or feedback was given; of a stream's chunk, when the stream began."""
    if not isinstance(document, dict):
        return None
    response = _response(document)
    noted, created = moment(first(document, *TIMES), zone), moment(first(response, "created", "created_at"), zone)
    return (created or noted) if response.get("object") == CHUNK else (noted or created)


def calls_of(document: Any, zone: dt.tzinfo = dt.UTC) -> list[Call]:
    """The calls in a document on its own."""
    call = _call(document, frozenset(), zone) if _is_call(document) else None
    return [call] if isinstance(call, Call) else []


def _whole(documents: Documents, left: LeftOut) -> Iterable[tuple[frozenset[int], Any]]:
    """The documents with the chunks of each stream put together."""
    done: list[tuple[set[int], Any]] = []
    streams: dict[str, tuple[set[int], dict[str, Any]]] = {}
    for index, document in documents:
        response: JsonObject = {}
        with left.reading([index]):
            response = as_object(document.get("response")) if isinstance(document, dict) else {}
        name = first_text(response, "id")
        if index in left.broken:
            continue
        if response.get("object") != CHUNK or name is None:
            done.append(({index}, document))
            continue
        if name not in streams:
            whole = {**document, "response": {"id": name, "model": response.get("model"), "chunks": []}}
            streams[name] = (set(), whole)
            done.append(streams[name])
        streams[name][0].add(index)
        streams[name][1]["response"]["chunks"].append(response)
    return [(frozenset(sources), _joined(document)) for sources, document in done]


def _joined(document: Any) -> Any:
    response = document.get("response") if isinstance(document, dict) else None
    if not isinstance(response, dict) or not isinstance(response.get("chunks"), list):
        return document
    return document | {"response": response | joined(response["chunks"])}


def _call(document: JsonObject, sources: frozenset[int], zone: dt.tzinfo) -> Call | str:
    request = as_object(document["request"])
    response = _response(document)
    asked = chat_messages(request, "user")
    reply = chat_messages(response, "assistant")
    started = moment(first(document, *TIMES), zone) or moment(first(response, "created", "created_at"), zone)
    if not asked and as_list(request.get("messages")):
        raise BrokenRecordError("unknown_role", "request.messages has no message with a role that is known")
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
        ended=_ended(document, started, zone),
        request=asked,
        reply=reply,
        sources=sources,
        session=first_name(about, *SESSION),
        previous=first_text(request, "previous_response_id"),
        user=first_name(request, "user") or first_name(about, "user_id", "end_user", "user"),
        model=first_text(response, "model") or first_text(request, "model"),
        scenario=first_text(about, "scenario", "workload_id"),
        usage=usage_of(as_object(response.get("usage"))),
    )


def _response(document: JsonObject) -> JsonObject:
    """The response, whole where it was logged as its stream."""
    logged = structured(document.get("response"))
    whole = streamed(logged)
    return as_object(logged) if whole is None else whole


def _ended(document: JsonObject, started: dt.datetime, zone: dt.tzinfo) -> Any:
    ended = moment(first(document, "ended_at", "end_time", "completed_at"), zone)
    return ended if ended is not None and ended >= started else None


def _digest(document: JsonObject) -> str:
    return hashlib.blake2b(json.dumps(document, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()
