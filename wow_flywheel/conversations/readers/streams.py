"""A reply that was logged as its stream: a list of chunks or events, or the text of server-sent events.

What belongs here: telling what a stream is made of, and the text around its events. What does not: what the events of one API
mean (`chunks`, `stream_events`).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.chunks import are_chunks, joined
from wow_flywheel.conversations.readers.stream_events import (
    anthropic_reply,
    are_anthropic_events,
    are_responses_events,
    responses_reply,
)
from wow_flywheel.conversations.readers.values import JsonObject
from wow_flywheel.conversations.strict_json import text_value

SENT: Final = re.compile(r"\s*(?:(?::|event:|id:|retry:)[^\n]*\n\s*)*data:")
"""How the text of server-sent events begins."""
LINE_END: Final = re.compile(r"\r\n|\r|\n")
DONE: Final = "[DONE]"


def streamed(value: Any) -> dict[str, Any] | None:
    """The response that a stream makes; None for what is no stream.

    Args:
        value: A list of events or of their texts, or the text of all; JSON text is decoded before (`values.structured`).

    Raises:
        BrokenRecordError: An event is no JSON, so that a piece of the reply is lost.
    """
    events = _events(value)
    if events is None:
        return None
    if are_chunks(events):
        return joined(events)
    if are_responses_events(events):
        return responses_reply(events)
    return anthropic_reply(events) if are_anthropic_events(events) else None


def _events(value: Any) -> list[JsonObject] | None:
    if isinstance(value, list) and value and all(isinstance(each, str) and SENT.match(each) for each in value):
        value = "\n\n".join(value)
    if isinstance(value, str) and SENT.match(value):
        return _sent(value)
    return value if isinstance(value, list) and value and all(isinstance(each, dict) for each in value) else None


def _sent(text: str) -> list[JsonObject] | None:
    """The data of server-sent events; None for a text that only begins like one."""
    found: list[JsonObject] = []
    for data in _data(text):
        try:
            value = text_value(data)
        except ValueError:
            if not found:
                return None
            raise BrokenRecordError("not_json", "an event of the reply's stream is not JSON") from None
        found += [value] if isinstance(value, dict) else []
    return found


def _data(text: str) -> Iterator[str]:
    """An empty line ends an event, and its lines of data are one text."""
    data: list[str] = []
    for line in [*LINE_END.split(text), ""]:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line:
            whole, data = "\n".join(data).strip(), []
            if whole and whole != DONE:
                yield whole
