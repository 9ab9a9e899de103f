"""The shape of OTLP exports: typed values, and spans with all that was logged of them.

What belongs here: `resourceSpans` and `resourceLogs`, in camel or snake case. What does not: what a span means (`otel`).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.readers.provenance import Documents, LeftOut
from wow_flywheel.conversations.readers.times import EPOCH, moment
from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first


@dataclass(frozen=True, slots=True)
class Event:
    """Something noted on a span, or a log record.

    Attributes:
        name: Such as `gen_ai.choice`.
        attributes: By name.
        sources: Indexes of the documents that it was read from.
        body: Of a log record; None for an event of a span.
    """

    name: str
    attributes: JsonObject
    sources: frozenset[int]
    body: Any = None


@dataclass(frozen=True, slots=True)
class Span:
    """A span, or the log records of a span that is not here.

    Attributes:
        trace: Its trace.
        id: Its own.
        attributes: By name.
        events: In the order of the log.
        resource: Attributes of what logged it.
        started: When it began.
        ended: When it ended.
        sources: Indexes of the documents that it was read from; those of its events apart.
        logged: Whether the span itself is here.
    """

    trace: str
    id: str
    attributes: JsonObject
    events: tuple[Event, ...]
    resource: JsonObject
    started: dt.datetime | None
    ended: dt.datetime | None
    sources: frozenset[int]
    logged: bool = True


def is_export(document: Any) -> bool:
    """Whether a document is an OTLP export of traces or of log records."""
    return isinstance(document, dict) and any(_groups(document, kind) is not None for kind in ("Spans", "Logs"))


def _groups(document: JsonObject, kind: str) -> list[Any] | None:
    found = first(document, f"resource{kind}", f"resource_{kind.lower()}")
    return found if isinstance(found, list) else None


def spans_of(documents: Documents, left: LeftOut) -> list[Span]:
    """The spans in documents, each with the log records that name it; those that name none here make a span of their own."""
    spans: list[Span] = []
    records: dict[tuple[str, str], list[Span]] = {}
    for index, document in documents:
        if not is_export(document):
            left.add("unknown_document", [index])
            continue
        found: list[Span] = []
        with left.reading([index]):
            found = list(spans_in(document, index))
        for span in found:
            if span.logged:
                spans.append(span)
            else:
                records.setdefault((span.trace, span.id), []).append(span)
    if not records:
        return spans
    whole = [_joined(span, [span, *records.pop((span.trace, span.id), [])]) for span in spans]
    return [*whole, *(_joined(each[0], each) for each in records.values())]


def _joined(whose: Span, records: list[Span]) -> Span:
    all_of_it = sorted(records, key=lambda each: (not each.logged, each.started or EPOCH))
    return Span(
        trace=whose.trace,
        id=whose.id,
        attributes=whose.attributes,
        events=tuple(event for each in all_of_it for event in each.events),
        resource=whose.resource,
        started=whose.started,
        ended=whose.ended,
        sources=whose.sources,
        logged=whose.logged,
    )


def spans_in(document: Any, index: int = 0) -> Iterator[Span]:
    """The spans in one export, and its log records as spans that are not `logged`; nothing for another document."""
    if not is_export(document):
        return
    for resource, each in _parts(
        _groups(document, "Spans"), ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"), "spans"
    ):
        yield Span(
            trace=_id(each, "traceId", "trace_id"),
            id=_id(each, "spanId", "span_id"),
            attributes=attributes_of(each),
            events=tuple(
                Event(str(event.get("name")), attributes_of(event), frozenset({index}))
                for event in map(as_object, as_list(each.get("events")))
            ),
            resource=resource,
            started=_time(each, "startTimeUnixNano", "start_time_unix_nano"),
            ended=_time(each, "endTimeUnixNano", "end_time_unix_nano"),
            sources=frozenset({index}),
        )
    logs = _parts(_groups(document, "Logs"), ("scopeLogs", "scope_logs"), "logRecords", "log_records")
    for resource, each in logs:
        about = attributes_of(each)
        name = str(first(each, "eventName", "event_name") or about.get("event.name"))
        yield Span(
            trace=_id(each, "traceId", "trace_id"),
            id=_id(each, "spanId", "span_id"),
            attributes={},
            events=(Event(name, about, frozenset({index}), _value(each.get("body"))),),
            resource=resource,
            started=_time(each, "timeUnixNano", "time_unix_nano"),
            ended=None,
            sources=frozenset({index}),
            logged=False,
        )


def _parts(groups: list[Any] | None, scopes: tuple[str, ...], *names: str) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Each span or log record with the attributes of its resource."""
    for group in map(as_object, groups or ()):
        resource = attributes_of(as_object(group.get("resource")))
        for scope in map(as_object, as_list(first(group, *scopes))):
            for each in map(as_object, as_list(first(scope, *names))):
                yield resource, each


def _id(value: JsonObject, *names: str) -> str:
    return str(first(value, *names) or "")


def _time(value: JsonObject, *names: str) -> dt.datetime | None:
    found = first(value, *names)
    return moment(int(found) if isinstance(found, str) and found.isdecimal() and len(found) < 25 else found)


def attributes_of(holder: JsonObject) -> dict[str, Any]:
    """Attributes by name: a list of keys with typed values, or an object of them as some exporters write it."""
    held = holder.get("attributes")
    if isinstance(held, dict):
        return {str(name): _value(value) for name, value in held.items()}
    return {str(each["key"]): _value(each.get("value")) for each in map(as_object, as_list(held)) if "key" in each}


def _value(value: Any) -> Any:
    """A value of OTLP, which names its type: `{"stringValue": …}` or `{"string_value": …}`; from a table, others are null."""
    named = {kind: held for kind, held in value.items() if held is not None} if isinstance(value, dict) else {}
    if not value or not isinstance(value, dict) or len(named) > 1:
        return value
    kind, held = next(iter((named or value).items()))
    kind = kind.replace("_", "").lower()
    listed = as_list(as_object(held).get("values"))
    if kind == "arrayvalue":
        return [_value(each) for each in listed]
    if kind == "kvlistvalue":
        return {str(each.get("key")): _value(each.get("value")) for each in map(as_object, listed)}
    if kind == "intvalue" and isinstance(held, str):
        return int(held) if held.removeprefix("-").isdecimal() and len(held) < 20 else None
    return held if kind.endswith("value") else value
