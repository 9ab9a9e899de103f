"""JSON values as other tools log them: encoded twice, in several spellings, or not JSON at all.

What belongs here: helpers about any JSON value. What does not: messages (`shapes`) and times of one format.
"""

import json
from collections.abc import Mapping
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.strict_json import text_value

Message = dict[str, Any]
"""role, content, tool_calls (id, name, arguments as JSON text), tool_call_id, and name of a tool result where it is known."""
JsonObject = Mapping[str, Any]
MAX_ENCODINGS = 3


def decoded(value: Any) -> Any:
    """The value inside JSON text, encoded up to three times; any other text stays text, also JSON that would lose something."""
    try:
        return structured(value)
    except BrokenRecordError:
        return value


def structured(value: Any) -> Any:
    """The same of text that a format keeps its own structure in.

    Raises:
        BrokenRecordError: It names a key twice, holds NaN, or is nested too deeply.
    """
    for _ in range(MAX_ENCODINGS):
        if not isinstance(value, str) or (value.lstrip()[:1] not in {"{", "[", '"'} and value.strip() != "null"):
            return value
        try:
            value = text_value(value)
        except ValueError:
            return value
    return value


def as_object(value: Any) -> JsonObject:
    """The JSON object in a value or in its text (`structured`); an empty one for anything else."""
    value = structured(value)
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The JSON list in a value or in its text (`structured`); an empty one for anything else."""
    value = structured(value)
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """A text as it is, nothing as no text, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def first(value: JsonObject, *names: str) -> Any:
    """The first of these fields that is there and not null."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def first_text(value: JsonObject, *names: str) -> str | None:
    """The first of these fields that is a text with something in it to be seen."""
    return next((found for name in names if isinstance(found := value.get(name), str) and says_something(found)), None)


def says_something(text: str) -> bool:
    """Whether a text holds a character that is neither space nor control; `[^\\pZ\\pC]` in `sql/ingest`."""
    return any(character.isprintable() and not character.isspace() for character in text)


def first_name(value: JsonObject, *names: str) -> str | None:
    """The first of these fields that names something: a text with something in it, or a whole number, as text."""
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and says_something(found):
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return None


def count_of(value: Any) -> int | None:
    """A number of tokens, also one written as text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return None
    return int(value)


def spelled_like_json(value: JsonObject) -> JsonObject:
    """.NET spells fields with a capital: the same object with small first letters."""
    if any(name[:1].isupper() for name in value):
        return {name[:1].lower() + name[1:]: each for name, each in value.items()}
    return value
