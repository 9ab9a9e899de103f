"""Plain text that a framework logged instead of messages.

What belongs here: which field holds the one text, transcripts in one text, values written as Python writes them. What does not:
messages (`shapes`).
"""

import ast
import re
from typing import Any

from wow_flywheel.conversations.readers.values import Message, first_text

TEXTS = {
    "user": (
        "input", "question", "query", "prompt", "message", "text", "inputText", "input_text", "user_input", "user_message",
    ),
    "assistant": (
        "output", "answer", "result", "text", "content", "response", "completion", "generation", "message", "outputText",
        "output_text",
    ),
}  # fmt: skip
"""Fields that may hold all that was asked or answered, by who says it, the more specific first."""
SPEAKERS = {
    "system": "system", "user": "user", "human": "user", "customer": "user", "assistant": "assistant", "ai": "assistant",
    "bot": "assistant", "tool": "tool",
}  # fmt: skip
LABEL = re.compile(rf"^(?i:({'|'.join(SPEAKERS)})): ?", re.MULTILINE)
MAX_WRITTEN = 2**20
"""Characters of a value written as Python writes it that are read."""


def text_in(value: Any, role: str) -> str | None:
    """The one text of this role in an object, in a traced function's arguments, or in a list of one text; else None."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and "kwargs" in value and set(value) <= {"args", "kwargs"} and not value.get("args"):
        value = value["kwargs"]
    if isinstance(value, dict):
        value = first_text(value, *TEXTS.get(role, ()))
    return value if isinstance(value, str) and value.strip() else None


def transcript(text: str) -> list[Message]:
    """The messages in `system: … user: …`, each begun by who speaks at the start of a line; empty for any other text."""
    labels = list(LABEL.finditer(text.lstrip()))
    if not labels or labels[0].start():
        return []
    ends = [label.start() for label in labels[1:]] + [None]
    told = [(label[1].lower(), text.lstrip()[label.end() : end].strip()) for label, end in zip(labels, ends, strict=True)]
    return [{"role": SPEAKERS[speaker], "content": said} for speaker, said in told if said]


def written_by_python(value: Any) -> Any:
    """The value in text such as `{'role': 'user'}`; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{'", "[{'", '["', "['")) or len(value) > MAX_WRITTEN:
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
