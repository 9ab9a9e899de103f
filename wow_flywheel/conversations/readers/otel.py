"""OTLP JSON (`resourceSpans`, `resourceLogs`): the conventions of OpenTelemetry for generative AI, current and legacy, and
OpenInference.

What belongs here: which spans are calls, and which attributes and events hold their messages. What does not: the export's own
shape (`otlp`), what people noted on spans (`evaluations`), messages (`shapes`).
"""

import datetime as dt
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.evaluations import EVALUATION, note
from wow_flywheel.conversations.readers.flattened import nested, under
from wow_flywheel.conversations.readers.otlp import Event, Span, is_export, spans_in, spans_of
from wow_flywheel.conversations.readers.provenance import Documents, LeftOut
from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.roles import role_in, unwrapped
from wow_flywheel.conversations.readers.said import Said
from wow_flywheel.conversations.readers.shapes import chat_messages, messages_or_text
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

CALLS = {"chat", "text_completion", "generate_content", "completion", "chat.completions", "text.completions"}
"""Values of `gen_ai.operation.name` for a call of a model."""
KINDS = {"llm", "chat", "completion", "generation", "chat_model"}
"""Kinds of a span that is a call of a model, as the instrumentations name them."""
KIND = (
    "openinference.span.kind", "traceloop.span.kind", "llm.request.type", "langfuse.observation.type", "mlflow.spanType",
    "langsmith.span.kind", "gen_ai.span.kind", "weave.span.kind", "opik.span.type",
)  # fmt: skip
BOTH_SIDES = (
    ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
    ("request_data", "response_data"),
)
"""Request and reply in attributes that only a call of a model has, of frameworks that name no kind: Google ADK, Logfire."""
REQUEST = (
    "gen_ai.input.messages", "gen_ai.prompt", "llm.prompts", "traceloop.entity.input", "langfuse.observation.input",
    "mlflow.spanInputs", "gcp.vertex.agent.llm_request", "request_data", "lk.chat_ctx", "input.value", "ai.prompt.messages",
    "ai.prompt", "input",
)  # fmt: skip
REPLY = (
    "gen_ai.output.messages", "gen_ai.completion", "langfuse.observation.output", "mlflow.spanOutputs",
    "gcp.vertex.agent.llm_response", "response_data", "output.value", "traceloop.entity.output", "ai.response.text",
    "ai.response.object", "lk.response.text", "output",
)  # fmt: skip
SESSION = (
    "session.id", "gen_ai.conversation.id", "langfuse.session.id", "traceloop.association.properties.session_id",
    "langsmith.metadata.session_id", "langsmith.metadata.thread_id", "ai.telemetry.metadata.sessionId",
)  # fmt: skip
USER = (
    "user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id", "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
)  # fmt: skip
MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id")
SCENARIO = ("gen_ai.agent.name", "traceloop.workflow.name")
SPOKEN = ("gen_ai.input.messages", "gen_ai.output.messages")
REQUEST_PATHS = ("llm.input_messages", "gen_ai.prompt")
REPLY_PATHS = ("llm.output_messages", "gen_ai.completion")


def recognises(document: Any) -> bool:
    """Whether a document is an OTLP export of traces or of log records."""
    return is_export(document)


def read(documents: Documents, _zone: dt.tzinfo = dt.UTC) -> Records:
    """The conversations in OTLP exports; a trace, and the events of a span, may be spread over documents."""
    left, said = LeftOut(), Said()
    calls: list[Call] = []
    for span in spans_of(documents, left):
        with left.reading(_sources(span)):
            call = _call(span)
            if isinstance(call, Call):
                calls.append(call)
            noted = note(span, call if isinstance(call, Call) else None, said, left)
            if isinstance(call, str) and (span.logged or not noted):
                left.add(call, span.sources)
    return records_of(calls, left, said)


def _sources(span: Span) -> frozenset[int]:
    """The documents that tell of a call: not those of what was noted on it later."""
    return span.sources.union(*(event.sources for event in span.events if event.name != EVALUATION))


def keys_of(document: Any) -> tuple[str, ...]:
    """Ids of the spans, traces and sessions to which the parts of a document belong."""
    keys: set[str | None] = set()
    for span in spans_in(document):
        told = (span.attributes, *(event.attributes for event in span.events))
        keys |= {span.id, span.trace, *(first_name(about, *SESSION) for about in told)}
    return tuple(sorted(key for key in keys if key))


def time_of(document: Any, _zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When the first span or log record of an export began."""
    return min((span.started for span in spans_in(document) if span.started), default=None)


def calls_of(document: Any) -> list[Call]:
    """The calls in a document on its own."""
    return [call for span in spans_in(document) if isinstance(call := _call(span), Call)]


def _call(span: Span) -> Call | str:
    about = span.attributes
    if not _is_call(span):
        return "not_a_call"
    asked, reply = _request(span), _reply(span)
    if not asked:
        return "no_messages"
    if not reply:
        return "no_reply"
    if span.started is None:
        return "no_time"
    return Call(
        id=span.id or f"{span.trace}-{span.started.timestamp()}",
        started=span.started,
        ended=span.ended if span.ended is not None and span.ended >= span.started else None,
        request=asked,
        reply=reply,
        sources=_sources(span),
        session=first_name(about, *SESSION),
        trace=span.trace or None,
        user=first_name(about, *USER),
        model=first_name(about, *MODEL),
        scenario=first_name(about, *SCENARIO) or first_text(span.resource, "service.name"),
        usage=usage_of(about),
    )


def _is_call(span: Span) -> bool:
    about = span.attributes
    kind = decoded(first(about, *KIND))
    operation = first(about, "gen_ai.operation.name", "operation.name")
    if isinstance(operation, str) and operation.startswith("ai."):
        return operation.endswith((".doGenerate", ".doStream"))
    if kind is not None or operation is not None:
        return str(operation) in CALLS or str(kind).lower() in KINDS
    if any(asked in about and replied in about for asked, replied in BOTH_SIDES):
        return True
    return any(name.startswith(("gen_ai.prompt", "llm.input_messages")) for name in about)


def _request(span: Span) -> list[Message]:
    return _first_found(span, REQUEST_PATHS, REQUEST, "user") or _told(span, "asked")


def _reply(span: Span) -> list[Message]:
    return _generated(span.attributes) or _first_found(span, REPLY_PATHS, REPLY, "assistant") or _told(span, "answered")


def _generated(about: JsonObject) -> list[Message]:
    """The Vercel AI SDK keeps a reply's text and its calls in two attributes."""
    calls = as_list(about.get("ai.response.toolCalls"))
    return chat_messages({"text": about.get("ai.response.text"), "toolCalls": calls}) or [] if calls else []


def _spoken_by_somebody(about: JsonObject) -> None:
    """Messages by the current conventions must name their role; a part without one would count as the customer's.

    Raises:
        BrokenRecordError: One does not.
    """
    for name in SPOKEN:
        for index, each in enumerate(map(as_object, as_list(about.get(name)))):
            if each and role_in(unwrapped(each)) is None:
                raise BrokenRecordError("unknown_role", f"{name}[{index}] has no role, or none that is known")


def _first_found(span: Span, paths: tuple[str, ...], names: tuple[str, ...], role: str) -> list[Message]:
    """The messages in a span's attributes, else in those of its events: under a dotted path, else in one attribute."""
    for about in (span.attributes, *(event.attributes for event in span.events)):
        _spoken_by_somebody(about)
        for path in paths:
            found = chat_messages(under(about, path), role)
            if found:
                return found
        for name in names:
            found = messages_or_text(about.get(name), role)
            if found:
                return (_instructions(about) if role == "user" else []) + found
    return []


def _instructions(about: JsonObject) -> list[Message]:
    given = as_list(about.get("gen_ai.system_instructions"))
    return chat_messages([{"role": "system", "parts": given}]) or [] if given else []


def _told(span: Span, side: str) -> list[Message]:
    """One side of the legacy events `gen_ai.user.message` … `gen_ai.choice`, as events or as one attribute `events`."""
    logged = [_event_body(event) | {"event.name": event.name} for event in span.events]
    found: list[Message] = []
    for event in [*logged, *map(as_object, as_list(span.attributes.get("events")))]:
        name = str(event.get("event.name"))
        answers = name == "gen_ai.choice"
        if name.startswith("gen_ai.") and name != EVALUATION and answers == (side == "answered"):
            if name.endswith(".message") and role_in(event) is None:
                raise BrokenRecordError("unknown_role", "an event gen_ai.….message names none that is known")
            found += chat_messages([event], "assistant" if answers else "user") or []
    return found


def _event_body(event: Event) -> dict[str, Any]:
    """The body of an event, which some exporters keep as JSON text and some as attributes."""
    attributes = event.attributes
    body = as_object(event.body) or as_object(first(attributes, "gen_ai.event.content", "event.body", "body"))
    if body:
        return dict(body)
    found = nested({name.removeprefix("gen_ai.event."): value for name, value in attributes.items()})
    if "message" in found:
        found["message"] = as_object(found["message"]) or {"role": "assistant", "content": found["message"]}
    return found
