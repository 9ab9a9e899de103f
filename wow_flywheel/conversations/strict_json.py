"""JSON of logs read so that nothing of it is lost unseen: no key twice, no NaN, no half character.

What belongs here: parsing a line, and JSON text inside a line. What does not: what a value means (`readers`, `record`).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from wow_flywheel.conversations.fields import REASONS, BrokenRecordError, RepeatedKeys, json_object

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,40}")
"""A key that a detail may name; another one may be somebody's address or number."""


def line_value(data: bytes) -> Any:
    """The JSON value of a line.

    Raises:
        BrokenRecordError: `bad_encoding`, `not_json`, `too_deep` or `duplicate_key`; the detail names the place.
    """
    try:
        return text_value(data.decode())
    except UnicodeDecodeError:
        raise BrokenRecordError("bad_encoding", "the line is not UTF-8") from None
    except ValueError:
        raise BrokenRecordError("not_json", "the line is not JSON") from None


def text_value(text: str) -> Any:
    """The value of JSON text.

    Raises:
        ValueError: It is no JSON at all.
        BrokenRecordError: `not_json` for NaN and Infinity, `too_deep`, `duplicate_key`.
    """
    repeats = False

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        found = json_object(pairs)
        repeats = repeats or isinstance(found, RepeatedKeys)
        return found

    try:
        value = json.loads(text, parse_constant=_refused, object_pairs_hook=made)
        if repeats:
            raise BrokenRecordError("duplicate_key", f"{next(_repeating(value, ''))} names a key twice")
    except RecursionError:
        raise BrokenRecordError("too_deep", REASONS["too_deep"]) from None
    return value


def _refused(name: str) -> Any:
    raise BrokenRecordError("not_json", f"{name} is not JSON: write null, or a text")


def _repeating(value: Any, where: str) -> Iterator[str]:
    """The places of the objects that name a key twice."""
    if isinstance(value, RepeatedKeys):
        yield where or "the document"
    if isinstance(value, dict):
        for name, each in value.items():
            named = name if NAME.fullmatch(name) else "…"
            yield from _repeating(each, f"{where}.{named}".removeprefix("."))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _repeating(each, f"{where}[{index}]")
