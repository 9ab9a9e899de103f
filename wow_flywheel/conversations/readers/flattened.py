"""Attributes with dotted names (`llm.input_messages.0.message.role`) as the nested value that they were.

What belongs here: undoing the flattening. What does not: what the nested value means (`shapes`).
"""

import re
from typing import Any

from wow_flywheel.conversations.readers.values import JsonObject

FLATTENED = re.compile(r"^(message\.|(llm\.(input|output)_messages|gen_ai\.(prompt|completion))\.\d+\.)")
MAX_DEPTH = 32


def is_flattened(value: JsonObject) -> bool:
    """Whether some name is a path into a message."""
    return any(FLATTENED.match(name) for name in value)


def nested(flat: JsonObject) -> dict[str, Any]:
    """The nested value: numbers in a path become places in a list, in their order. A name that is both a value and a path
    keeps the path.
    """
    root: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")[:MAX_DEPTH]
        branch = root
        for step in path:
            if not isinstance(branch.get(step), dict):
                branch[step] = {}
            branch = branch[step]
        if not isinstance(branch.get(last), dict):
            branch[last] = value
    return {name: _lists(value) for name, value in root.items()}


def under(flat: JsonObject, prefix: str) -> Any:
    """The nested value of the names that begin with this path; None when there is none."""
    start = f"{prefix}."
    found = nested({name.removeprefix(start): value for name, value in flat.items() if name.startswith(start)})
    return _lists(found) if found else None


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() and len(name) < 10 for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(each) for name, each in value.items()}
