"""Exports of Langfuse: whole traces, or rows of traces, observations and scores, in the API's or the database's spelling.

What belongs here: which observations are calls, and where a trace keeps user, session and scores. What does not: which row
belongs to which trace (`langfuse_rows`), messages (`shapes`).
"""

import datetime as dt
from dataclasses import replace
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.corrections import Corrections
from wow_flywheel.conversations.readers.feedback import reply_in
from wow_flywheel.conversations.readers.langfuse_rows import Row, Rows, camel
from wow_flywheel.conversations.readers.parts import tool_result
from wow_flywheel.conversations.readers.provenance import Documents, LeftOut
from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.said import Said
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text
from wow_flywheel.conversations.readers.times import moment
from wow_flywheel.conversations.readers.usage import usage_of
from wow_flywheel.conversations.readers.values import (
    JsonObject,
    Message,
    as_list,
    as_object,
    decoded,
    first,
    first_name,
    first_text,
)

PEOPLE = {"API", "ANNOTATION", ""}
"""Sources of scores that people give; the other one, EVAL, is a judging model."""
CORRECTION = "CORRECTION"
"""The type of a score that is a person's better output."""
SESSION_ATTRIBUTES = ("session.id", "gen_ai.conversation.id", "thread_id")
USER_ATTRIBUTES = ("user.id", "enduser.id")
CALL_TYPES = {"GENERATION"}
OTHER_TYPES = {"TOOL", "RETRIEVER", "EMBEDDING", "GUARDRAIL", "EVALUATOR", "EVENT"}
"""Types of observations that never tell a conversation."""
TIMES = ("startTime", "timestamp", "createdAt")
NO_TRACE = Row({}, frozenset())


def recognises(document: Any) -> bool:
    """Whether a document is a trace, an observation or a score of Langfuse."""
    if not isinstance(document, dict):
        return False
    value = camel(document)
    if isinstance(value.get("observations"), list):
        return True
    listed = as_list(value.get("data"))
    if listed:
        return recognises(listed[0])
    scored = "dataType" in value or "source" in value
    rated = ("value" in value or "stringValue" in value) and scored
    return ("traceId" in value and ("startTime" in value or rated)) or ("sessionId" in value and rated) or _is_trace(value)


def time_of(document: Any, _zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When a trace, an observation or a score was made; of a document that holds several, the first of them."""
    if not isinstance(document, dict):
        return None
    value = camel(document)
    parts = [each for name in ("observations", "data") for each in as_list(value.get(name)) if isinstance(each, dict)]
    rows = [value, camel(as_object(value.get("trace"))), *map(camel, parts)]
    return min((at for row in rows if (at := moment(first(row, *TIMES)))), default=None)


def _is_trace(value: JsonObject) -> bool:
    return {"id", "timestamp", "sessionId", "userId"} <= set(value)


def read(documents: Documents, _zone: dt.tzinfo = dt.UTC) -> Records:
    """The conversations in traces `{trace, observations}` (also with `scores`), or in rows of each, in any order."""
    left, said = LeftOut(), Said()
    rows = Rows(left)
    for index, document in documents:
        with left.reading([index]):
            rows.add(document, index)
    calls = [
        call
        for name in sorted({*rows.traces, *rows.observations})
        for call in _calls(rows.traces.get(name, NO_TRACE), name, rows.observations.get(name, {}), left)
    ]
    better = _hear(rows, calls, said, left)
    return records_of([*calls, *better.calls(said)], left, said)


def _calls(trace: Row, name: str, observations: dict[str, Row], left: LeftOut) -> list[Call]:
    """A trace's generations; where none says what the customer asked, the widest span that does."""
    calls: list[Call] = []
    ordered = sorted(observations.values(), key=lambda each: (str(each.value.get("startTime")), str(each.value.get("id"))))
    results: list[tuple[Message, frozenset[int]]] = []
    for observation in ordered:
        kind = str(observation.value.get("type"))
        call: Call | str | None = None
        with left.reading(observation.sources):
            call = _call(trace, name, observation, texts=True) if kind in CALL_TYPES else "not_a_call"
            if call == "no_messages" and calls:
                call = _continued(calls[-1], results, observation)
            if kind == "TOOL":
                results.append((_result(observation.value), observation.sources))
        if isinstance(call, Call):
            calls.append(call)
            results = []
        elif call is not None:
            left.add(call, observation.sources)
    if any(message["role"] == "user" for call in calls for message in call.request):
        return calls
    widest = _widest(trace, name, ordered, left)
    for call in calls if widest else ():
        left.add("superseded", call.sources)
    return widest or calls


def _continued(before: Call, results: list[tuple[Message, frozenset[int]]], row: Row) -> Call | str:
    """A call whose request was not logged: it goes on after the one before it and the results of its tools."""
    reply = _messages(row.value.get("output"), "assistant", texts=True)
    started = moment(row.value.get("startTime"))
    if not reply or started is None:
        return "no_messages"
    return replace(
        before,
        id=str(row.value["id"]),
        started=started,
        ended=None,
        request=[*before.request, *before.reply, *(message for message, _ in results)],
        reply=reply,
        sources=before.sources.union(row.sources, *(sources for _, sources in results)),
        usage=usage_of(as_object(row.value.get("usageDetails"))),
    )


def _result(tool: JsonObject) -> Message:
    output = decoded(tool.get("output"))
    held = output if isinstance(output, dict) and "content" in output else {"result": output}
    return tool_result({**held, "name": first_text(tool, "name")})


def _widest(trace: Row, name: str, ordered: list[Row], left: LeftOut) -> list[Call]:
    spans = [each for each in ordered if str(each.value.get("type")) not in CALL_TYPES | OTHER_TYPES]
    as_span = Row({**trace.value, "id": name, "startTime": trace.value.get("timestamp")}, trace.sources)
    candidates = [each for each in spans if not each.value.get("parentObservationId")] + spans + [as_span]
    damaged: list[tuple[BrokenRecordError, Row]] = []
    for texts in (False, True):
        for candidate in candidates:
            try:
                call = _call(trace, name, candidate, texts=texts)
            except BrokenRecordError as error:
                damaged.append((error, candidate))
            else:
                if isinstance(call, Call):
                    return [call]
    for damage, candidate in damaged[:1]:
        left.refuse(damage, candidate.sources)
    return []


def _call(trace: Row, name: str, row: Row, *, texts: bool) -> Call | str:
    observation = row.value
    asked = _messages(observation.get("input"), "user", texts=texts)
    reply = _messages(observation.get("output"), "assistant", texts=texts)
    if not asked:
        return "no_messages"
    if not reply:
        return "no_reply"
    started, ended = moment(observation.get("startTime")), moment(observation.get("endTime"))
    if started is None:
        return "no_time"
    about = [_attributes(each.get("metadata")) for each in (observation, trace.value)]
    holders = (trace.value, observation)
    return Call(
        id=str(observation["id"]),
        started=started,
        ended=ended if ended is not None and ended >= started else None,
        request=asked,
        reply=reply,
        sources=row.sources | trace.sources,
        session=_named(holders, "sessionId") or _attribute(about, SESSION_ATTRIBUTES),
        trace=name,
        user=_named(holders, "userId") or _attribute(about, USER_ATTRIBUTES),
        model=first_text(observation, "model", "providedModelName", "modelId"),
        scenario=_named((trace.value,), "name") or first_text(observation, "traceName"),
        usage=usage_of(as_object(observation.get("usageDetails"))) or usage_of(as_object(observation.get("usage"))),
    )


def _named(holders: tuple[JsonObject, ...], name: str) -> str | None:
    return next((found for each in holders if (found := first_name(each, name))), None)


def _messages(value: Any, role: str, *, texts: bool) -> list[Message]:
    return messages_or_text(value, role) if texts else chat_messages(value, role) or []


def _attributes(metadata: Any) -> JsonObject:
    given = as_object(metadata)
    return {**as_object(given.get("attributes")), **given}


def _attribute(about: list[JsonObject], names: tuple[str, ...]) -> str | None:
    return next((found for each in about if (found := first_text(each, *names))), None)


def _hear(rows: Rows, calls: list[Call], said: Said, left: LeftOut) -> Corrections:
    """Note what people said of observations, traces and sessions; the latest word wins."""
    better = Corrections()
    last: dict[str | None, Call] = {call.trace: call for call in calls} | {call.id: call for call in calls}
    for row in sorted(rows.scores.values(), key=lambda each: (str(each.value.get("timestamp")), str(each.value.get("id")))):
        with left.reading(row.sources):
            _hear_score(row, last, said, better, left)
    return better


def _hear_score(row: Row, last: dict[str | None, Call], said: Said, better: Corrections, left: LeftOut) -> None:
    score = row.value
    if str(score.get("source") or "") not in PEOPLE:
        left.add("automatic_score", row.sources)
        return
    observation, trace = first_text(score, "observationId"), first_text(score, "traceId")
    if score.get("dataType") == CORRECTION:
        call, reply = last.get(observation or trace), reply_in(first_text(score, "stringValue") or score.get("value"))
        if call is None or not reply:
            left.add("no_conversation" if reply else "unclear_score", row.sources)
            if reply:
                left.wait((observation, trace, first_text(score, "sessionId")), {}, reply, row.sources)
        else:
            better.add(call, reply, row.sources, left)
        return
    found = feedback_of(str(score.get("name")), _score_value(score), score.get("comment"))
    if found:
        said.add([observation, trace, first_text(score, "sessionId")], found, row.sources)
    else:
        left.add("unclear_score", row.sources)


def _score_value(score: JsonObject) -> Any:
    value = score.get("value")
    if score.get("dataType") == "BOOLEAN" and isinstance(value, int | float):
        return bool(value)
    return first_text(score, "stringValue") or value
