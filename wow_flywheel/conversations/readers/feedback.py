"""Feedback as a log keeps it beside a call, or as a document of its own that came later.

What belongs here: the object `feedback` and the ids that a document of feedback names. What does not: what a score means
(`scores`), joining it (`said`).
"""

from typing import Any

from wow_flywheel.conversations.readers.said import Feedback
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_object, decoded, first, first_text

CORRECTIONS = ("correction", "corrected", "demonstration", "better_reply")
SAID_IN = ("output", "content", "text", "answer", "response", "reply", "value")


def feedback_in(given: JsonObject) -> Feedback:
    """Thumb, score and comment in `{thumb, rating, score, comment}`; empty when it says nothing clear."""
    found: Feedback = {}
    for name in ("thumb", "rating", "score"):
        found |= feedback_of(name, given.get(name))
    return found | feedback_of("comment", None, given.get("comment"))


def correction_in(given: JsonObject) -> list[Message]:
    """The better reply that a person wrote, in `{correction}`; empty when there is none."""
    return reply_in(first(given, *CORRECTIONS))


def reply_in(value: Any) -> list[Message]:
    """A person's better reply as text, messages or `{output: …}`; what the assistant says in it, as it stands."""
    messages = chat_messages(value, "assistant")
    if messages:
        return [each for each in messages if each["role"] in {"assistant", "tool"}]
    value = decoded(value)
    text = first_text(value, *SAID_IN) if isinstance(value, dict) else value
    return [{"role": "assistant", "content": text}] if isinstance(text, str) and text.strip() else []


def feedback_document(document: Any) -> tuple[str, Feedback] | None:
    """The conversation and what was said of it in a document `{conversation_id, feedback}` without messages.

    None for any other document; the feedback is empty when it says nothing clear.
    """
    if not isinstance(document, dict) or "messages" in document or "request" in document:
        return None
    name, given = first_text(document, "conversation_id"), as_object(document.get("feedback"))
    return (name, feedback_in(given)) if name and given else None
