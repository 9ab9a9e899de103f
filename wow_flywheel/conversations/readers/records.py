"""Sessions as native records, and what a reader gives back.

What belongs here: the last step that every reader shares. What does not: formats, and which calls make a session (`sessions`).
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.sessions import Call, Session, sessions
from wow_flywheel.conversations.readers.values import Message
from wow_flywheel.conversations.record import parse_record

Record = dict[str, Any]
Feedback = dict[str, Any]
NO_FEEDBACK: Feedback = {}

IGNORED = {
    "unknown_document": "the document is none of this format",
    "not_a_call": "a span or observation that is no call of a model",
    "no_messages": "a call without messages that can be read",
    "no_reply": "a call without an answer: it failed, or the document only holds a question",
    "no_time": "a call without a time",
    "automatic_score": "a score by a model or by code, not by a person",
    "superseded": "a call that another one replaced: a retry, a reply that was not used, a helper's call",
    "unclear_score": "a score that is neither a thumb nor a rating from 1 to 5, or for a call that is not here",
}
"""Why a document or a part of it gave nothing; besides these, the reasons of quarantine (`fields.REASONS`)."""


@dataclass(frozen=True, slots=True)
class Records:
    """What documents of another format hold.

    Attributes:
        records: Native records, as `record.parse_record` takes them, by start and id.
        ignored: How many things were left out, by reason.
        keys: For each record the ids of its session, calls and traces, by which documents belong to it.
        broken: The same of the sessions that make no valid record, with what is wrong.
    """

    records: list[Record]
    ignored: Mapping[str, int]
    keys: list[frozenset[str]]
    broken: list[tuple[frozenset[str], BrokenRecordError]]


def records_of(calls: Iterable[Call], ignored: Counter[str], feedback: Callable[[Session], Feedback] | None = None) -> Records:
    """The records of calls.

    Args:
        calls: In any order.
        ignored: What the reader left out so far.
        feedback: Finds what the customer said of a session.
    """
    records, keys, broken = [], [], []
    for session in sessions(calls):
        record = record_of(session, feedback(session) if feedback else NO_FEEDBACK)
        try:
            parse_record(json.dumps(record).encode())
        except BrokenRecordError as error:
            ignored[error.reason] += 1
            broken.append((_keys(session), error))
        else:
            records.append(record)
            keys.append(_keys(session))
    return Records(records, dict(sorted(ignored.items())), keys, broken)


def _keys(session: Session) -> frozenset[str]:
    return frozenset({session.id, *(each for call in session.calls for each in (call.id, call.trace) if each)})


def record_of(session: Session, feedback: Feedback) -> Record:
    """One session as a native record; without a user the conversation stands for its own."""
    return {
        "conversation_id": session.id,
        "user_id": session.user or f"anonymous-{session.id}",
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
            open_calls, changed = calls[:], {"tool_calls": calls}
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
