"""OTLP JSON (`resourceSpans`): the conventions of OpenTelemetry for generative AI, current and legacy, and OpenInference.

What belongs here: which spans are calls, and which attributes and events hold their messages. What does not: messages
(`shapes`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.readers.flattened import nested, under
from wow_flywheel.conversations.readers.records import Feedback, Records, records_of
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.sessions import Call, Session
from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text
from wow_flywheel.conversations.readers.times import moment
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, count_of, first, first_text

CALLS = {"chat", "text_completion", "generate_content", "completion"}
"""Values of `gen_ai.operation.name` for a call of a model."""
REQUEST = (
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "llm.prompts",
    "traceloop.entity.input",
    "input.value",
    "ai.prompt.messages",
)
REPLY = ("gen_ai.output.messages", "gen_ai.completion", "output.value", "traceloop.entity.output", "ai.response.text")
SESSION = ("session.id", "gen_ai.conversation.id", "langfuse.session.id", "traceloop.association.properties.session_id")
USER = ("user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id")
MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id")
SCENARIO = ("gen_ai.agent.name", "traceloop.workflow.name")
PROMPT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.promptTokens")
REPLY_TOKENS = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.completionTokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Span:
    trace: str
    id: str
    attributes: JsonObject
    events: list[tuple[str, JsonObject]]
    resource: JsonObject
    span: JsonObject


def recognises(document: Any) -> bool:
    """Whether a document is an OTLP export of traces."""
    return isinstance(document, dict) and isinstance(first(document, "resourceSpans", "resource_spans"), list)


def read(documents: Iterable[Any]) -> Records:
    """The conversations in OTLP exports; a trace may be spread over documents."""
    ignored: Counter[str] = Counter()
    calls: list[Call] = []
    said: dict[str, Feedback] = {}
    for document in documents:
        if not recognises(document):
            ignored["unknown_document"] += 1
            continue
        for span in _spans(document):
            call = _call(span)
            if isinstance(call, str):
                ignored[call] += 1
            else:
                calls.append(call)
            _add_annotations(span, call, said, ignored)
    return records_of(calls, ignored, lambda session: _merged(session, said))


def belongs(document: Any) -> tuple[set[str], str]:
    """By which ids a document belongs to a conversation, and why it gives nothing if none has them."""
    if not recognises(document):
        return set(), "unknown_document"
    spans = list(_spans(document))
    reasons = [found for span in spans if isinstance(found := _call(span), str)]
    keys = {key for span in spans for key in (span.trace, span.id) if key}
    return keys, next((reason for reason in reasons if reason != "not_a_call"), reasons[0] if reasons else "superseded")


def calls_of(document: Any) -> list[Call]:
    """The calls in a document on its own."""
    spans = _spans(document) if recognises(document) else ()
    return [call for span in spans if isinstance(call := _call(span), Call)]


def _spans(document: JsonObject) -> Iterator[_Span]:
    for group in map(as_object, as_list(first(document, "resourceSpans", "resource_spans"))):
        resource = _attributes(as_object(group.get("resource")))
        scopes = first(group, "scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope in map(as_object, as_list(scopes)):
            for span in map(as_object, as_list(scope.get("spans"))):
                yield _Span(
                    trace=str(first(span, "traceId", "trace_id") or ""),
                    id=str(first(span, "spanId", "span_id") or ""),
                    attributes=_attributes(span),
                    events=[
                        (str(event.get("name")), _attributes(event)) for event in map(as_object, as_list(span.get("events")))
                    ],
                    resource=resource,
                    span=span,
                )


def _attributes(holder: JsonObject) -> dict[str, Any]:
    listed = map(as_object, as_list(holder.get("attributes")))
    return {str(each["key"]): _value(each.get("value")) for each in listed if "key" in each}


def _value(value: Any) -> Any:
    """A value of OTLP, which names its type: `{"stringValue": …}`; from a table, the other types are there as nulls."""
    named = {kind: held for kind, held in value.items() if held is not None} if isinstance(value, dict) else {}
    if not value or not isinstance(value, dict) or len(named) > 1:
        return value
    kind, held = next(iter((named or value).items()))
    if kind == "arrayValue":
        return [_value(each) for each in as_list(as_object(held).get("values"))]
    if kind == "kvlistValue":
        return {
            str(each.get("key")): _value(each.get("value")) for each in map(as_object, as_list(as_object(held).get("values")))
        }
    if kind == "intValue" and isinstance(held, str):
        return int(held) if held.removeprefix("-").isdecimal() and len(held) < 20 else None
    return held


def _call(span: _Span) -> Call | str:
    about = span.attributes
    if not _is_call(about):
        return "not_a_call"
    asked, reply = _request(span), _reply(span)
    started = moment(_nanoseconds(first(span.span, "startTimeUnixNano", "start_time_unix_nano")))
    ended = moment(_nanoseconds(first(span.span, "endTimeUnixNano", "end_time_unix_nano")))
    if not asked:
        return "no_messages"
    if not reply:
        return "no_reply"
    if started is None:
        return "no_time"
    usage = {"prompt_tokens": _count(about, PROMPT_TOKENS), "completion_tokens": _count(about, REPLY_TOKENS)}
    return Call(
        id=span.id or f"{span.trace}-{started.timestamp()}",
        started=started,
        ended=ended if ended is not None and ended >= started else None,
        request=asked,
        reply=reply,
        session=first_text(about, *SESSION),
        trace=span.trace or None,
        user=first_text(about, *USER),
        model=first_text(about, *MODEL),
        scenario=first_text(about, *SCENARIO) or first_text(span.resource, "service.name"),
        usage=usage if any(value is not None for value in usage.values()) else None,
    )


def _nanoseconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 25 else value


def _is_call(about: JsonObject) -> bool:
    kind = about.get("openinference.span.kind") or about.get("traceloop.span.kind") or about.get("llm.request.type")
    operation = about.get("gen_ai.operation.name") or about.get("operation.name")
    if isinstance(operation, str) and operation.startswith("ai."):
        return operation.endswith((".doGenerate", ".doStream"))
    if kind is not None or operation is not None:
        return str(operation) in CALLS or str(kind).lower() in {"llm", "chat", "completion"}
    return any(name.startswith(("gen_ai.prompt", "llm.input_messages")) for name in about)


def _count(about: JsonObject, names: tuple[str, ...]) -> int | None:
    return next((found for name in names if (found := count_of(about.get(name))) is not None), None)


def _sources(span: _Span) -> list[JsonObject]:
    """Where a span may keep its messages: its attributes, else the attributes of its events."""
    return [span.attributes, *(attributes for _, attributes in span.events)]


def _request(span: _Span) -> list[Message]:
    for about in _sources(span):
        for prefix in ("llm.input_messages", "gen_ai.prompt"):
            found = chat_messages(under(about, prefix), "user")
            if found:
                return found
        for name in REQUEST:
            found = messages_or_text(about.get(name), "user")
            if found:
                return _instructions(about) + found
    return [message for side, told in _told(span) if side == "asked" for message in told]


def _reply(span: _Span) -> list[Message]:
    for about in _sources(span):
        for prefix in ("llm.output_messages", "gen_ai.completion"):
            found = chat_messages(under(about, prefix), "assistant")
            if found:
                return found
        for name in REPLY:
            found = messages_or_text(about.get(name), "assistant")
            if found:
                return found
    return [message for side, told in _told(span) if side == "answered" for message in told]


def _instructions(about: JsonObject) -> list[Message]:
    given = as_list(about.get("gen_ai.system_instructions"))
    return chat_messages([{"role": "system", "parts": given}]) or [] if given else []


def _told(span: _Span) -> Iterator[tuple[str, list[Message]]]:
    """The legacy events `gen_ai.user.message` … `gen_ai.choice`, as events of the span or as one attribute `events`."""
    logged = [_event_body(attributes) | {"event.name": name} for name, attributes in span.events]
    for event in [*logged, *map(as_object, as_list(span.attributes.get("events")))]:
        name = str(event.get("event.name"))
        if name.startswith("gen_ai."):
            side = "answered" if name == "gen_ai.choice" else "asked"
            yield side, chat_messages([event], "user" if side == "asked" else "assistant") or []


def _event_body(attributes: JsonObject) -> dict[str, Any]:
    """The body of an event, which some exporters keep as JSON text and some as attributes."""
    body = as_object(first(attributes, "gen_ai.event.content", "event.body", "body"))
    if body:
        return dict(body)
    found = nested({name.removeprefix("gen_ai.event."): value for name, value in attributes.items()})
    if "message" in found:
        found["message"] = as_object(found["message"]) or {"role": "assistant", "content": found["message"]}
    return found


def _add_annotations(span: _Span, call: Call | str, said: dict[str, Feedback], ignored: Counter[str]) -> None:
    """What people noted on a span; on one that is no call it counts for its whole trace."""
    for each in as_list(under(span.attributes, "annotations")):
        annotation = as_object(as_object(each).get("annotation"))
        if str(annotation.get("annotator_kind") or "HUMAN").upper() != "HUMAN":
            ignored["automatic_score"] += 1
            continue
        name = str(annotation.get("name"))
        found = feedback_of(name, annotation.get("label")) or feedback_of(name, annotation.get("score"))
        found |= feedback_of(name, None, annotation.get("explanation"))
        if not found:
            ignored["unclear_score"] += 1
            continue
        said.setdefault(call.id if isinstance(call, Call) else span.trace, {}).update(found)


def _merged(session: Session, said: dict[str, Feedback]) -> Feedback:
    keys = [*(call.trace or "" for call in session.calls), *(call.id for call in session.calls)]
    return {name: value for key in keys for name, value in said.get(key, {}).items()}
