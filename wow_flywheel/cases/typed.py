"""What a reviewer types, as it may be stored: names checked, texts redacted like logs.

What belongs here: the reviewer's name, notes, and redaction of what is written about a conversation. What does not: what is
done with them (`decisions`, `findings`, `rewrites`).
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from wow_flywheel.conversations.redaction.json_text import redact_json
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.errors import DecisionError

LONGEST_NAME: Final = 80
LONGEST_NOTE: Final = 2000


def who(name: str) -> str:
    """The name of who decides, trimmed.

    Raises:
        DecisionError: There is none, or it is too long or holds characters that cannot be seen.
    """
    named = name.strip()
    if not named:
        raise DecisionError("a decision needs the name of who decides", hint="name a person, such as --by ana")
    if len(named) > LONGEST_NAME or not named.isprintable():
        raise DecisionError(
            "the name of who decides is too long, or has characters that cannot be seen",
            hint=f"use at most {LONGEST_NAME} letters",
        )
    return named


def note(text: str, messages: Sequence[Message] = ()) -> str | None:
    """A note as it may be stored: redacted, without control characters; None if it is empty.

    Args:
        text: As it was typed.
        messages: Of the conversation, so that new placeholders do not repeat its own.

    Raises:
        DecisionError: It is too long.
    """
    if len(text) > LONGEST_NOTE:
        raise DecisionError(f"the note has {len(text)} characters", hint=f"use at most {LONGEST_NOTE}")
    return redactor(messages).redact(clean(text)).strip() or None


def redacted(output: DialogueAction, messages: Sequence[Message]) -> DialogueAction:
    """An output with personal values replaced, in its reply and thought as in the arguments of its action."""
    own = redactor(messages)
    action = output.action
    if action is not None:
        arguments = json.loads(redact_json(own, json.dumps(action.arguments, ensure_ascii=False)))
        action = Action(name=action.name, arguments=arguments)
    reply, thought = (own.redact(clean(text)) if text else text for text in (output.reply, output.thought))
    return output.model_copy(update={"reply": reply, "thought": thought, "action": action})


def redactor(messages: Sequence[Message]) -> Redactor:
    """A redactor whose placeholders come after those of the conversation."""
    return Redactor.after(_texts(messages))


def clean(text: str) -> str:
    """The text with line ends of one kind, and without characters that steer a display."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"})


def _texts(messages: Iterable[Message]) -> Iterator[str]:
    for message in messages:
        yield message.get("content") or ""
        yield from (call["arguments"] or "" for call in message.get("tool_calls") or [])
