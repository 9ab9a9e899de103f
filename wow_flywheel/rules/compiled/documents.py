"""What SQL functions of JSON do at run time.

What belongs here: objects in plain JSON. What does not: whatever Python and DuckDB might read differently: DuckDB is
asked for that.
"""

import json
import re
from functools import lru_cache
from typing import Any, Final

from wow_flywheel.rules.compiled.asked import asked

HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse(value: str) -> Any:
    raise ValueError(value)


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """JSON on which Python and DuckDB agree: pairs of an object as a tuple of pairs.

    Raises:
        ValueError: It is odd, or none.
    """
    if HALF_CHARACTER.search(text) or "\ufeff" in text:
        raise ValueError("what the two read differently")
    return json.loads(text, object_pairs_hook=tuple, parse_constant=_refuse)


def json_kind(text: str) -> str | None:
    """JSON_TYPE of an object or text that is no JSON; others are asked of DuckDB."""
    return "OBJECT" if _pairs(text) is not None else asked().ask("json_type($1)", text)


def json_valid(text: str) -> bool:
    """JSON_VALID."""
    valid: bool = _pairs(text) is not None or asked().ask("json_valid($1)", text)
    return valid


def json_keys(text: str) -> tuple[str, ...]:
    """JSON_KEYS."""
    pairs = _pairs(text)
    return tuple(name for name, _ in pairs) if pairs is not None else tuple(asked().ask("json_keys($1)", text))


def json_text(text: str, path: str) -> str | None:
    """JSON_EXTRACT_STRING by a JSON pointer."""
    pairs = _pairs(text)
    if pairs is not None and path.startswith("/") and "/" not in path[1:]:
        name = path[1:].replace("~1", "/").replace("~0", "~")
        value = next((value for each, value in pairs if each == name), None)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int) and value:
            return json.dumps(value)
    made: str | None = asked().ask("json_extract_string($1, $2)", text, path)
    return made


def _pairs(text: str) -> tuple[tuple[str, Any], ...] | None:
    """The pairs of an object in plain JSON."""
    if not text.lstrip(" \t\r\n").startswith("{"):
        return None
    try:
        pairs: tuple[tuple[str, Any], ...] = _parsed(text)
    except (ValueError, RecursionError):
        return None
    return pairs
