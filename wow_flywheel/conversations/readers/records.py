"""Sessions as native records, and what a reader gives back.

What belongs here: the last step that every reader shares. What does not: formats, and which calls make a session (`sessions`).
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wow_flywheel.conversations.fields import REASONS, BrokenRecordError
from wow_flywheel.conversations.readers.calls import ANONYMOUS, Call, Session
from wow_flywheel.conversations.readers.provenance import UNKNOWN, LeftOut, Waiting
from wow_flywheel.conversations.readers.said import Feedback, Said
from wow_flywheel.conversations.readers.sessions import sessions
from wow_flywheel.conversations.readers.values import Message
from wow_flywheel.conversations.record import parse_record

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """What documents of another format hold. Each document is in exactly one of `sources`, `broken` and `ignored`, once
    `registry.read` has added those that a reader said nothing of.

    Attributes:
        records: Native records, as `record.parse_record` takes them, by start and id.
        sources: For each record the indexes of the documents that it was made from, ascending; a document may be in several.
        broken: For each document that is damaged, or is only part of conversations that are, what is wrong with the first.
        ignored: For each document that gave nothing, why: a key of `provenance.IGNORED`.
        parts: How many calls, spans, scores, documents and records were left out, by reason.
        ids: For each record `Session.ids`.
        waiting: Feedback on what is not among the documents.
    """

    records: list[Record]
    sources: list[tuple[int, ...]]
    broken: Mapping[int, BrokenRecordError]
    ignored: Mapping[int, str]
    parts: Mapping[str, int]
    ids: list[tuple[tuple[str, int], ...]] = field(default_factory=list)
    waiting: Sequence[Waiting] = ()


def records_of(calls: Iterable[Call], left: LeftOut, said: Said | None = None) -> Records:
    """The records of calls.

    Args:
        calls: In any order.
        left: What the reader left out so far.
        said: What people said of them.
    """
    whole, broken = _whole(calls, left)
    found = sessions(whole, lambda call, reason: left.add(reason, call.sources))
    records, sources, ids = [], [], []
    heard_of = (said or Said()).without(left.broken)
    for session, (feedback, heard) in zip(found, heard_of.given(found, left), strict=True):
        record = record_of(session, feedback)
        indexes = tuple(sorted(session.sources | heard))
        try:
            parse_record(json.dumps(record).encode())
        except BrokenRecordError as error:
            left.parts[error.reason] += 1
            broken = dict.fromkeys(indexes, error) | broken
        else:
            records.append(record)
            sources.append(indexes)
            ids.append(session.ids)
    broken = left.broken | broken
    used = {index for indexes in sources for index in indexes}
    broken = {index: error for index, error in broken.items() if index not in used}
    ignored = {index: reason for index, reason in left.reasons.items() if index not in used and index not in broken}
    waiting = [each for each in left.waiting if each.sources.isdisjoint(left.broken)]
    return Records(records, sources, broken, ignored, dict(sorted((+left.parts).items())), ids, waiting)


def _whole(calls: Iterable[Call], left: LeftOut) -> tuple[list[Call], dict[int, BrokenRecordError]]:
    """The calls that have nothing of a damaged document, and what is wrong with the other documents of the rest."""
    whole: list[Call] = []
    broken: dict[int, BrokenRecordError] = {}
    for call in calls:
        error = next((left.broken[index] for index in sorted(call.sources) if index in left.broken), None)
        if error is None:
            whole.append(call)
        else:
            broken = dict.fromkeys(call.sources, error) | broken
    return whole, broken


def settled(found: Records, indexes: Iterable[int]) -> Records:
    """The same with every document of these that the reader said nothing of among the ignored, as `not_a_call`, and with those
    that it does not know among the broken, since they may be of another format.
    """
    known = {*found.ignored, *found.broken, *(index for each in found.sources for index in each)}
    silent = dict.fromkeys((index for index in indexes if index not in known), "not_a_call")
    parts = Counter(found.parts) + Counter(silent.values())
    unknown = {index for index, reason in found.ignored.items() if reason == UNKNOWN}
    ignored = {index: reason for index, reason in {**found.ignored, **silent}.items() if index not in unknown}
    broken = {**found.broken, **dict.fromkeys(unknown, BrokenRecordError(UNKNOWN, REASONS[UNKNOWN]))}
    return replace(found, ignored=ignored, broken=broken, parts=dict(sorted(parts.items())))


def record_of(session: Session, feedback: Feedback) -> Record:
    """One session as a native record; without a user the conversation stands for its own."""
    return {
        "conversation_id": session.id,
        "user_id": session.user or f"{ANONYMOUS}{session.id}",
        "scenario": session.scenario,
        "model": session.model,
        "started_at": rfc3339(session.started),
        "ended_at": rfc3339(session.ended),
        "messages": [_native(message) for message in linked(session.messages)],
        "feedback": feedback or None,
    }


def rfc3339(moment: dt.datetime) -> str:
    """A time as records write it."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def linked(messages: Iterable[Message]) -> list[Message]:
    """The messages with an id on every call, and on every result the id of its call: by name, else in order."""
    open_calls: list[dict[str, Any]] = []
    done: list[Message] = []
    for message in messages:
        changed: Message = {}
        if message["role"] == "assistant" and message.get("tool_calls"):
            start = len(done)
            calls = [call | {"id": call["id"] or f"call_{start}_{n}"} for n, call in enumerate(message["tool_calls"])]
            goes_on = start and done[-1]["role"] == "assistant"
            open_calls, changed = [*(open_calls if goes_on else ()), *calls], {"tool_calls": calls}
        elif message["role"] == "tool":
            changed = {"tool_call_id": _answered(message, open_calls)}
        done.append(message | changed)
    return done


def _answered(message: Message, open_calls: list[dict[str, Any]]) -> str | None:
    wanted, name = message.get("tool_call_id"), message.get("name")
    matches = [call for call in open_calls if call["id"] == wanted] or [call for call in open_calls if call["name"] == name]
    call = next(iter(matches or ([] if wanted else open_calls)), None)
    if call is None:
        return wanted
    open_calls.remove(call)
    return str(call["id"])


def _native(message: Message) -> Message:
    kept = {name: message[name] for name in ("role", "content", "tool_calls", "tool_call_id", "usage") if message.get(name)}
    return {"content": None} | kept | {"created_at": rfc3339(message["created_at"])}
