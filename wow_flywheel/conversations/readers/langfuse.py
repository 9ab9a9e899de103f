"""Exports of Langfuse: whole traces, or rows of traces, observations and scores, in the API's or the database's spelling.

What belongs here: which observations are calls, and where a trace keeps user, session and scores. What does not: messages
(`shapes`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.conversations.readers.openai_calls import usage_of
from wow_flywheel.conversations.readers.records import Feedback, Records, records_of
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.sessions import Call, Session
from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text
from wow_flywheel.conversations.readers.times import moment
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, first_text

PEOPLE = {"API", "ANNOTATION", ""}
"""Sources of scores that people give; the other one, EVAL, is a judging model."""
SESSION_ATTRIBUTES = ("session.id", "gen_ai.conversation.id", "thread_id")
USER_ATTRIBUTES = ("user.id", "enduser.id")


@dataclass(slots=True)
class _Traces:
    """What documents hold, brought together by trace."""

    traces: dict[str, JsonObject] = field(default_factory=dict)
    observations: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    scores: dict[str, JsonObject] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)

    def add(self, document: Any) -> None:
        value = _camel(as_object(document))
        whole = as_object(value.get("trace")) or (value if isinstance(value.get("observations"), list) else {})
        if whole:
            self._add_trace(_camel(whole), as_list(value.get("observations")), value)
        elif isinstance(value.get("data"), list):
            for each in value["data"]:
                self.add(each)
        elif "startTime" in value and isinstance(value.get("id"), str):
            self._add_observation(value, None)
        elif "value" in value and "name" in value:
            self._add_score(value, None)
        elif "timestamp" in value and isinstance(value.get("id"), str):
            self.traces[value["id"]] = value
        else:
            self.ignored["unknown_document"] += 1

    def _add_trace(self, trace: JsonObject, observations: list[Any], document: JsonObject) -> None:
        name = first_text(trace, "id")
        if name is None:
            self.ignored["unknown_document"] += 1
            return
        self.traces[name] = trace
        for each in observations:
            self._add_observation(_camel(as_object(each)), name)
        listed = {id(each): each for each in (*as_list(trace.get("scores")), *as_list(document.get("scores")))}
        for each in listed.values():
            self._add_score(_camel(as_object(each)), name)

    def _add_observation(self, observation: JsonObject, trace: str | None) -> None:
        name = first_text(observation, "traceId") or trace
        if name is None or not isinstance(observation.get("id"), str):
            self.ignored["unknown_document"] += 1
            return
        self.observations.setdefault(name, {})[observation["id"]] = observation

    def _add_score(self, score: JsonObject, trace: str | None) -> None:
        key = first_text(score, "id") or f"{len(self.scores)}"
        self.scores[key] = {**score, "traceId": first_text(score, "traceId") or trace}


def _camel(value: JsonObject) -> JsonObject:
    """The database spells `trace_id` what the API spells `traceId`."""
    return {_camel_name(name): each for name, each in value.items()}


def _camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def recognises(document: Any) -> bool:
    """Whether a document is a trace, an observation or a score of Langfuse."""
    if not isinstance(document, dict):
        return False
    value = _camel(document)
    if isinstance(value.get("observations"), list):
        return True
    listed = as_list(value.get("data"))
    if listed:
        return recognises(listed[0])
    scored = "dataType" in value or "source" in value
    return ("traceId" in value and ("startTime" in value or ("value" in value and scored))) or _is_trace(value)


def _is_trace(value: JsonObject) -> bool:
    return {"id", "timestamp", "sessionId", "userId"} <= set(value)


def read(documents: Iterable[Any]) -> Records:
    """The conversations in traces `{trace, observations}` (also with `scores`), or in rows of each, in any order."""
    held = _Traces()
    for document in documents:
        held.add(document)
    calls = [
        call
        for name in sorted({*held.traces, *held.observations})
        for call in _calls(held.traces.get(name, {}), name, held.observations.get(name, {}), held.ignored)
    ]
    said = _feedback(held)
    return records_of(calls, held.ignored, lambda session: _merged(session, said))


def belongs(document: Any) -> tuple[set[str], str]:
    """By which ids a document belongs to a conversation, and why it gives nothing if none has them."""
    if not recognises(document):
        return set(), "unknown_document"
    held = _Traces()
    held.add(document)
    people = [score for score in held.scores.values() if str(score.get("source") or "") in PEOPLE]
    if held.scores and not people and not held.traces and not held.observations:
        return set(), "automatic_score"
    scored = {name for score in people for key in ("traceId", "observationId", "sessionId") if (name := first_text(score, key))}
    return {*held.traces, *held.observations, *scored}, "unclear_score" if held.scores else "not_a_call"


def _calls(trace: JsonObject, name: str, observations: dict[str, JsonObject], ignored: Counter[str]) -> list[Call]:
    """A trace's generations; where none says what the customer asked, the widest span that does."""
    calls, left = [], Counter[str]()
    ordered = sorted(observations.values(), key=lambda each: (str(each.get("startTime")), str(each.get("id"))))
    for observation in ordered:
        is_call = observation.get("type") == "GENERATION"
        call = _call(trace, name, observation, texts=True) if is_call else "not_a_call"
        if isinstance(call, Call):
            calls.append(call)
        else:
            left[call] += 1
    if not any(message["role"] == "user" for call in calls for message in call.request):
        calls = _widest(trace, name, ordered) or calls
    ignored.update(left)
    return calls


def _widest(trace: JsonObject, name: str, ordered: list[JsonObject]) -> list[Call]:
    spans = [each for each in ordered if each.get("type") != "GENERATION" and each.get("type") != "TOOL"]
    as_span = {**trace, "id": name, "startTime": trace.get("timestamp")}
    candidates = [each for each in spans if not each.get("parentObservationId")] + spans + [as_span]
    for texts in (False, True):
        for candidate in candidates:
            call = _call(trace, name, candidate, texts=texts)
            if isinstance(call, Call):
                return [call]
    return []


def _call(trace: JsonObject, name: str, observation: JsonObject, *, texts: bool) -> Call | str:
    asked = _messages(observation.get("input"), "user", texts=texts)
    reply = _messages(observation.get("output"), "assistant", texts=texts)
    if not asked:
        return "no_messages"
    if not reply:
        return "no_reply"
    started, ended = moment(observation.get("startTime")), moment(observation.get("endTime"))
    if started is None:
        return "no_time"
    about = [_attributes(each.get("metadata")) for each in (observation, trace)]
    return Call(
        id=str(observation["id"]),
        started=started,
        ended=ended if ended is not None and ended >= started else None,
        request=asked,
        reply=reply,
        session=first_text(trace, "sessionId") or _attribute(about, SESSION_ATTRIBUTES),
        trace=name,
        user=first_text(trace, "userId") or _attribute(about, USER_ATTRIBUTES),
        model=first_text(observation, "model", "providedModelName", "modelId"),
        scenario=first_text(trace, "name"),
        usage=usage_of(as_object(observation.get("usageDetails"))) or usage_of(as_object(observation.get("usage"))),
    )


def _messages(value: Any, role: str, *, texts: bool) -> list[Message]:
    return messages_or_text(value, role) if texts else chat_messages(value, role) or []


def _attributes(metadata: Any) -> JsonObject:
    given = as_object(metadata)
    return {**as_object(given.get("attributes")), **given}


def _attribute(about: list[JsonObject], names: tuple[str, ...]) -> str | None:
    return next((found for each in about if (found := first_text(each, *names))), None)


def _feedback(held: _Traces) -> dict[str, Feedback]:
    """What people said, by the id of an observation, a trace or a session; the latest word wins."""
    said: dict[str, Feedback] = {}
    for score in sorted(held.scores.values(), key=lambda each: (str(each.get("timestamp")), str(each.get("id")))):
        if str(score.get("source") or "") not in PEOPLE:
            held.ignored["automatic_score"] += 1
            continue
        target = first_text(score, "observationId") or first_text(score, "traceId", "sessionId")
        found = feedback_of(str(score.get("name")), _score_value(score), score.get("comment"))
        if target is None or not found:
            held.ignored["unclear_score"] += 1
            continue
        said.setdefault(target, {}).update(found)
    return said


def _score_value(score: JsonObject) -> Any:
    value = score.get("value")
    if score.get("dataType") == "BOOLEAN" and isinstance(value, int | float):
        return bool(value)
    return first_text(score, "stringValue") or value


def _merged(session: Session, said: dict[str, Feedback]) -> Feedback:
    keys = [session.id, *(call.trace or "" for call in session.calls), *(call.id for call in session.calls)]
    return {name: value for key in keys for name, value in said.get(key, {}).items()}
