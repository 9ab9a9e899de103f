"""What came of each document that a reader was given.

What belongs here: the reasons why a document or a part of it gives nothing, and the note of what was left out. What does not:
which reason applies (each format), and what became a record (`records`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.values import Message

Documents = Iterable[tuple[int, Any]]
"""Parsed JSON, each value with the index by which the caller knows it."""

UNKNOWN: Final = "unknown_document"
OTHER_CHOICE: Final = "other_choice"
IGNORED: Final = {
    "no_reply": "a call without an answer: it failed, or the document only holds a question",
    "no_messages": "a call without messages that can be read",
    "no_time": "a call without a time",
    "superseded": "a reply that was not used: a retry, an earlier chunk, a regenerated answer, a branch that was left",
    OTHER_CHOICE: "a further reply that the model was asked for at once (`n`): the first one counts",
    "helper_call": "a call beside the conversation in the same trace: a title, a router",
    "repeated": "a call, span or row that says again what another one said",
    "unclear_score": "a score that is neither a thumb nor a rating from 1 to 5",
    "no_conversation": "feedback for a conversation or call that is not here: it waits for it in the table `feedback`",
    "automatic_score": "a score by a model or by code, not by a person",
    "not_a_call": "a span, an observation or a document that is no call of a model",
    UNKNOWN: "the document is none of this format; ingestion quarantines it",
}
"""Why a document or a part of it gave nothing; besides these, the reasons of quarantine (`fields.REASONS`). Of several parts
that gave nothing, the first reason in this order stands for their document."""
ORDER: Final = {reason: place for place, reason in enumerate(IGNORED)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a person said of something that is not among the documents: it is kept until that comes.

    Attributes:
        keys: Ids of a call, a trace or a session, the most precise first.
        feedback: Any of thumb, score and comment.
        reply: The better reply that the person wrote.
        sources: The documents that it was read from.
    """

    keys: tuple[str, ...]
    feedback: Mapping[str, Any]
    reply: Sequence[Message]
    sources: frozenset[int]


@dataclass(slots=True)
class LeftOut:
    """What a reader left out so far.

    Attributes:
        parts: How many calls, spans, scores and documents, by reason.
        reasons: For each document, the reason that stands for it.
        broken: For each document of which a part would be read wrongly or in part, what is wrong with the first such part. No
            other part of it is used either, so that quarantine keeps it whole.
        waiting: Feedback of which nobody knows yet what it is about.
    """

    parts: Counter[str] = field(default_factory=Counter)
    reasons: dict[int, str] = field(default_factory=dict)
    broken: dict[int, BrokenRecordError] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    def wait(
        self, keys: Iterable[str | None], feedback: Mapping[str, Any], reply: Sequence[Message], sources: Iterable[int]
    ) -> None:
        """Note what a person said of something that is not here; see `Waiting`."""
        named = tuple(key for key in keys if key)
        if named:
            self.waiting.append(Waiting(named, feedback, reply, frozenset(sources)))

    def add(self, reason: str, sources: Iterable[int]) -> None:
        """Note one part that gives nothing.

        Args:
            reason: A key of `IGNORED`.
            sources: The documents that it was read from.
        """
        self.parts[reason] += 1
        for index in sources:
            if index not in self.reasons or ORDER[reason] < ORDER[self.reasons[index]]:
                self.reasons[index] = reason

    def refuse(self, error: BrokenRecordError, sources: Iterable[int]) -> None:
        """Note one part that is damaged; its documents go to quarantine.

        Args:
            error: What is wrong.
            sources: The documents that it was read from.
        """
        self.parts[error.reason] += 1
        for index in sources:
            self.broken.setdefault(index, error)

    @contextmanager
    def reading(self, sources: Iterable[int]) -> Iterator[None]:
        """Read a part of these documents, and `refuse` it if that shows damage."""
        try:
            yield
        except BrokenRecordError as error:
            self.refuse(error, sources)
