"""Values in tool results and calls, and whether a text tells one.

What belongs here: reading scalars with their keys, finding a value in a text as a whole. What does not: what follows from it
(`owed`, `claims`), templates (`wow_flywheel.pairs.slots`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

WORD: Final = r"[^\W\u3400-\u9fff]"
"""A character of a word that white space ends. In Chinese, where none does, a value may stand between any two characters."""
MAX_CHARS: Final = 80


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The scalars of a JSON value with the nearest key above each, as text; truth values and long texts are left out."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from leaves(child, str(name))
    elif isinstance(node, list):
        for child in node:
            yield from leaves(child, key)
    elif key and isinstance(node, str | int | float) and not isinstance(node, bool) and 0 < len(str(node)) <= MAX_CHARS:
        yield key, str(node)


def long_texts(node: Any) -> Iterator[str]:
    """The texts of a JSON value that `leaves` leaves out for their length."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from long_texts(child)
    elif isinstance(node, str) and len(node) > MAX_CHARS:
        yield node


def parsed(text: str | None) -> Any:
    """A JSON text's value; None if it is none."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def stands_in(value: str, text: str) -> bool:
    """True if a text holds a value as a whole: not as a part of another word or number."""
    return value in text and re.search(whole(value), text) is not None


def whole(value: str) -> str:
    """The pattern of a value that is no part of another word or number."""
    before = rf"(?<!{WORD})" if re.match(rf"{WORD}|\W", value) else ""
    after = rf"(?!{WORD})" if re.search(rf"(?:{WORD}|\W)$", value) else ""
    if value[:1].isdecimal():
        before += r"(?<!\d[.,])"
    if value[-1:].isdecimal():
        after += r"(?![.,]\d)"
    return before + re.escape(value) + after


def plain_arguments(arguments: Mapping[str, Any]) -> str:
    """Arguments in one spelling: `31` and `"31"` are the same to a tool, the order of names does not matter."""
    spelled = {
        name: str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for name, value in arguments.items()
    }
    return json.dumps(spelled, sort_keys=True, ensure_ascii=False)
