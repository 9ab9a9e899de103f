"""What a person said of a conversation apart from it.

What belongs here: the value that native lines and other tools' documents are read to. What does not: reading (`record`,
`readers`), keeping (`heard`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.readers.values import Message


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said.

    Attributes:
        ids: That it names, the most precise first: of a message or call, a trace, a conversation.
        feedback: Any of thumb, score and comment.
        reply: The reply that the person would have given; empty where they gave none.
        conversation: The one among `ids` that is a conversation's, if the log says which.
        message: The one among `ids` that is a message's, if the log says which.
        personal: Texts that name the customer.
    """

    ids: tuple[str, ...]
    feedback: Mapping[str, Any]
    reply: Sequence[Message] = ()
    conversation: str | None = None
    message: str | None = None
    personal: Collection[str] = ()
