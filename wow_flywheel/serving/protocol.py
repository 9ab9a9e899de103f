"""What the chat endpoint and the evaluation need of a model: replies to a batch of conversations.

What belongs here: the protocol and its value type. What does not: loading weights (`engine`), HTTP (`app`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wow_flywheel.dialogue import ChatMessage, DialogueAction


@dataclass(frozen=True, slots=True)
class Reply:
    """One assistant turn as generated.

    Attributes:
        raw: The text as generated.
        output: The text as the unified dialogue-action object; None if it is no valid one.
        prompt_tokens: Length of the prompt, in tokens.
        completion_tokens: Length of the text, in tokens.
    """

    raw: str
    output: DialogueAction | None
    prompt_tokens: int
    completion_tokens: int


class Engine(Protocol):
    """Anything that gives the next assistant turn of conversations."""

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        """The next assistant turn of each conversation, in order."""
        ...
