"""The formats that can be read, by name.

What belongs here: the list, recognising a format, and that a reader loses no document. What does not: formats. A new reader is
a module with `recognises` and `read`, and one line here.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final, cast

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers import langfuse, langsmith, openai_calls, otel, tensorzero
from wow_flywheel.conversations.readers.feedback import feedback_document
from wow_flywheel.conversations.readers.provenance import Documents
from wow_flywheel.conversations.readers.records import Records, settled
from wow_flywheel.conversations.readers.values import as_object, first_text

NATIVE: Final = "native"
READERS: Final[Mapping[str, ModuleType]] = {
    "openai": openai_calls,
    "otel": otel,
    "langsmith": langsmith,
    "tensorzero": tensorzero,
    "langfuse": langfuse,
}
"""In the order in which a document is shown to them."""


def detect(document: Any) -> str | None:
    """The format of a document: a key of `READERS`, or `native` for a record of the flywheel's own or feedback to one; None
    when nothing knows it.
    """
    if _sees(is_native, document):
        return NATIVE
    return next((name for name, reader in READERS.items() if _sees(reader.recognises, document)), None)


def _sees(recognises: Callable[[Any], bool], document: Any) -> bool:
    """Whether a format is recognised; a field that holds damaged JSON text shows none."""
    try:
        return recognises(document)
    except BrokenRecordError:
        return False


def is_native(document: Any) -> bool:
    """Whether a document is a native record, or feedback to one."""
    if not isinstance(document, dict):
        return False
    if feedback_document(document) is not None or ("messages" in document and "conversation_id" in document):
        return True
    named = first_text(document, "trace_id") is not None and bool(as_object(document.get("feedback")))
    return named and not {"messages", "request"} & set(document)


def time_of(name: str, document: Any, zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When what a document tells happened: the first moment of it; None if it does not say.

    Args:
        name: A key of `READERS`. A reader without a `time_of` of its own is asked for the records of the document alone.
        document: Any JSON.
        zone: The business timezone.
    """
    reader = READERS[name]
    if hasattr(reader, "time_of"):
        return cast("dt.datetime | None", reader.time_of(document, zone))
    records = read(name, [(0, document)], zone).records
    return min((dt.datetime.fromisoformat(each["started_at"]) for each in records), default=None)


def read(name: str, documents: Documents, zone: dt.tzinfo = dt.UTC) -> Records:
    """The records in documents of one format, and what came of each document.

    Args:
        name: A key of `READERS`.
        documents: Parsed JSON with an index each, in any order.
        zone: The business timezone, in which a time without an offset is read where the format does not say UTC.

    Returns:
        Records in which each index given is in exactly one of `sources`, `broken` and `ignored`.

    Raises:
        KeyError: There is no such reader.
    """
    given = list(documents)
    found = cast("Records", READERS[name].read(given, zone))
    return settled(found, (index for index, _ in given))
