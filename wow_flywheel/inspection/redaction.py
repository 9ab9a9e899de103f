"""What models say about a conversation, as it may be stored: redacted as the conversation was.

What belongs here: which words of an answer are a model's own. What does not: redaction itself
(`wow_flywheel.conversations.redaction`), the ledger, which keeps answers as they came.
A model sees only redacted text. What it says all the same of somebody, or makes up, is nobody's number in a table, nor in the
next prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wow_flywheel.cases.typed import redactor
from wow_flywheel.conversations.redaction.json_text import redact_content
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.answers import Adjudication


@dataclass(frozen=True, slots=True)
class Redacted:
    """Redacts what is said about one conversation; one value gets one placeholder in all of it."""

    own: Redactor

    @classmethod
    def about(cls, messages: Sequence[Message]) -> "Redacted":
        """For a conversation, whose own placeholders are not given again."""
        return cls(redactor(messages))

    def words(self, text: str) -> str:
        """Prose, or JSON, which stays JSON."""
        return redact_content(self.own, text)

    def adjudication(self, said: Adjudication) -> Adjudication:
        """The adjudicator's reasons; its citations are held against the conversation and not stored."""
        rulings = [ruling.model_copy(update={"reason": self.words(ruling.reason)}) for ruling in said.rulings]
        return said.model_copy(update={"rulings": rulings, "reason": self.words(said.reason)})
