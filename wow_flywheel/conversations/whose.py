"""Whose line it is that nobody could read: customers' ids are made out even of broken JSON, in every format.

What belongs here: finding the ids and storing them as ingestion stores ids. What does not: reading records (`record`,
`readers`). Redaction would turn an id that is an e-mail address into a placeholder, and then the person could not be forgotten.
"""

import json
import re
from typing import Final

from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym

_FIELDS: Final = rb"(?:user_?id|end_user|customer_id|langgraph_auth_user_id|user)"
"""Fields of native records, of gateways' calls and requests, of rows, tags and metadata."""
_ATTRIBUTES: Final = rb"(?:[a-z_.]*\b(?:enduser|user)\.id|[a-z_.]+\.(?:user_id|userId))"
"""Attributes of spans, some of them with a prefix of their tool."""
_TEXT: Final = rb'("(?:[^"\\]|\\.){1,500}"|\d{1,20}(?=\s*[,}\]]))'
_FOUND: Final = (
    re.compile(rb'"' + _FIELDS + rb'"\s*:\s*' + _TEXT, re.IGNORECASE),
    re.compile(rb'"' + _ATTRIBUTES + rb'"\s*:\s*' + _TEXT),
    re.compile(
        rb'"key"\s*:\s*"' + _ATTRIBUTES + rb'"\s*,\s*"value"\s*:\s*\{[^{}]*?"(?:string|int)_?value"\s*:\s*' + _TEXT,
        re.IGNORECASE,
    ),
    re.compile(
        rb'"(?:string|int)_?value"\s*:\s*' + _TEXT + rb'[^{}]{0,500}\}\s*,\s*"key"\s*:\s*"' + _ATTRIBUTES + rb'"', re.IGNORECASE
    ),
)
_EMBEDDED: Final = re.compile(
    rb'(?<!\\)\\+"(?:' + _FIELDS + rb"|" + _ATTRIBUTES + rb')\\+"\s*:\s*(?:\\+"([^"\\]{1,500})\\+"|(\d{1,20})(?=\s*[,}\]]))',
    re.IGNORECASE,
)
"""The same in JSON that is kept as text in JSON."""


def users_named_in(line: bytes) -> list[str]:
    """The customers that a line names, as the table `conversations` would have them, native fields first; none twice.

    Args:
        line: As it was read, before redaction; JSON or what is left of it.
    """
    quoted = [match[1] for pattern in _FOUND for match in pattern.finditer(line)]
    quoted += [b'"' + (match[1] or match[2]) + b'"' for match in _EMBEDDED.finditer(line)]
    names = (_name(each) for each in quoted)
    return list(dict.fromkeys(pseudonym(Redactor(), name) for name in names if name and name.isprintable()))


def _name(quoted: bytes) -> str | None:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return None
