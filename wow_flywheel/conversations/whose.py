"""Whose line it is that nobody could read: the customer's id is made out even of broken JSON.

What belongs here: finding the id and storing it as ingestion stores ids. What does not: reading records (`record`). Redaction
would turn an id that is an e-mail address into a placeholder, and then the person could not be forgotten.
"""

import json
import re
from typing import Final

from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym

_USER: Final = re.compile(rb'"user_id"\s*:\s*("(?:[^"\\]|\\.){1,500}")')


def user_named_in(line: bytes) -> str | None:
    """The first `user_id` that a line names, as the table `conversations` would have it; None if there is none.

    Args:
        line: As it was read, before redaction; JSON or what is left of it.
    """
    match = _USER.search(line)
    try:
        named = json.loads(match[1]) if match else None
    except ValueError:
        return None
    return pseudonym(Redactor(), named) if named and named.isprintable() else None
