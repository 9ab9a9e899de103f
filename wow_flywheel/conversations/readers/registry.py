"""The formats that can be read, by name.

What belongs here: the list, and recognising a format. What does not: formats. A new reader is a module with `recognises`,
`read` and `belongs`, and one line here.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, cast

from wow_flywheel.conversations.readers import langfuse, openai_calls, otel, tensorzero
from wow_flywheel.conversations.readers.records import Records

READERS: Mapping[str, ModuleType] = {
    "openai": openai_calls,
    "otel": otel,
    "tensorzero": tensorzero,
    "langfuse": langfuse,
}
"""In the order in which a document is shown to them."""


def detect(document: Any) -> str | None:
    """The format of a first document; None when no reader knows it."""
    return next((name for name, reader in READERS.items() if reader.recognises(document)), None)


def belongs(name: str, document: Any) -> tuple[set[str], str]:
    """By which ids a document belongs to a conversation (`Records.keys`), and why it gives nothing if none has them."""
    found: tuple[set[str], str] = READERS[name].belongs(document)
    return found


def read(name: str, documents: Iterable[Any]) -> Records:
    """The records in documents of one format.

    Args:
        name: A key of `READERS`.
        documents: Parsed JSON, in any order.

    Raises:
        KeyError: There is no such reader.
    """
    return cast("Records", READERS[name].read(documents))
