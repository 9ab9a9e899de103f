"""The columns beside what was said: labels of a conversation, actions, names of tools. They are text and may hold anything.

What belongs here: which columns these are, and how each is redacted. What does not: what was said (`rows`, `frame`).

A label is mostly a word that many conversations share (`refund`, `claude`), and a customer may be called by that word. So names
are looked for only in labels that are more than one word of ASCII; what can be told by its looks is looked for in all.
"""

import re
from typing import Final

from wow_flywheel.conversations.redaction.json_text import redact_content
from wow_flywheel.conversations.redaction.people import People
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.redaction.told import Told

OF_CONVERSATIONS: Final = ("channel", "scenario", "locale", "model", "extra")
OF_MESSAGES: Final = ("action",)
OF_CALLS: Final = ("name",)
PROSE: Final = r"[^!-~]|^[{\[]"
"""A label of more than one word, or kept as JSON. For Python's `re` and Rust's `regex` alike."""
_PROSE: Final = re.compile(PROSE)


def redact_label(redactor: Redactor, text: str) -> str:
    """A label with personal values replaced, and names where it is more than a word; answers are not looked for."""
    people, told = redactor.people, redactor.told
    redactor.people, redactor.told = people if _PROSE.search(text) else People(), Told()
    redacted = redact_content(redactor, text)
    redactor.people, redactor.told = people, told
    return redacted
