"""Inspectors that find on their own, turn by turn, what rules over a whole day's relations miss.

What belongs here: where each finder looks, and the claims it makes. What does not: deciding (`examine`), rules, models.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.examine import (
    MIN_SUBSTANTIAL,
    Examination,
    Examined,
    Suspicion,
    claimed_not_done,
    guessed_arguments,
    repetition,
    ungrounded_numbers,
)
from wow_flywheel.inspection.grounding import NUMBER, Grounds, stated
from wow_flywheel.inspection.protocol import Claim, InspectionContext, quoted
from wow_flywheel.inspection.wording import DONE, QUESTION, WRAPPED_UP, folded, text_of

COMMON = (
    "a again an and are but can could do does i in is it me my of on please now so the then this that to well what when"
    " where will you your"
)
STOPWORDS = frozenset(COMMON.split())
SAME_QUESTION = 0.75
MIN_WORDS = 2

Places = Callable[[Grounds], Iterator[tuple[int, str]]]
"""The turns that a finder suspects, each with the suspected words."""


@dataclass(frozen=True, slots=True)
class Finder:
    """Suspects turns of a conversation and keeps the suspicions that evidence accepts.

    Attributes:
        name: Stable, in snake case.
        issue_type: What it claims.
        severity: How bad that is.
        places: Where it looks.
        examine: What decides.
        version: Raised when it would decide otherwise.
    """

    name: str
    issue_type: str
    severity: str
    places: Places
    examine: Examination
    version: str = "2"

    def inspect(self, context: InspectionContext, grounds: Mapping[str, Grounds]) -> list[Claim]:
        """Accepted claims only: an open suspicion that no rule raised would be noise."""
        del context  # what it needs of it is in the grounds
        return [claim for conversation_id, ground in grounds.items() for claim in self._claims(conversation_id, ground)]

    def _claims(self, conversation_id: str, grounds: Grounds) -> Iterator[Claim]:
        for turn, quote in self.places(grounds):
            examined = self.examine(Suspicion(grounds, turn, quote))
            if not quoted(grounds.messages[turn], quote):
                examined = Examined("rejected", "quote not found in that turn", 0.0)
            if examined.decision == "accepted":
                yield self._claim(conversation_id, turn, quote, examined)

    def _claim(self, conversation_id: str, turn: int, quote: str, examined: Examined) -> Claim:
        return Claim(
            conversation_id=conversation_id,
            inspector=self.name,
            inspector_version=self.version,
            kind="deterministic",
            issue_type=self.issue_type,
            severity=self.severity,
            turn=turn,
            quote=quote,
            explanation=examined.reason,
            confidence=examined.confidence,
            decision=examined.decision,
            decision_reason=examined.reason,
        )


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of two texts' content words (pairs of characters in Chinese); 0 if either has too few."""
    a, b = content_words(one), content_words(other)
    return len(a & b) / len(a | b) if min(len(a), len(b)) >= MIN_WORDS else 0.0


def asked_same_again(suspicion: Suspicion) -> Examined:
    """The user asks the same question before and after the reply, and no tool ran in between that could have changed it."""
    before, after = suspicion.asked, suspicion.answered_by
    if QUESTION.search(after) and similarity(before, after) >= SAME_QUESTION:
        return Examined("accepted", "the user asks the same before and after this reply", 0.7)
    return Examined("rejected", "the user goes on to something else", 0.6)


def _replies(messages: Sequence[Message]) -> Iterator[tuple[int, str]]:
    for turn, message in enumerate(messages):
        if message["role"] == "assistant" and message.get("content"):
            yield turn, text_of(message)


def _unknown_numbers(grounds: Grounds) -> Iterator[tuple[int, str]]:
    """Only where the log shows sources at all: elsewhere each number would be ungrounded."""
    if not grounds.knowledge and not any(message["role"] == "tool" for message in grounds.messages):
        return
    for turn, text in _replies(grounds.messages):
        unknown = [number for number in stated(text) if not grounds.knows(number, turn)]
        if unknown:
            yield turn, unknown[0]


def _unknown_arguments(grounds: Grounds) -> Iterator[tuple[int, str]]:
    for turn, message in enumerate(grounds.messages):
        for call in message.get("tool_calls") or []:
            unknown = [n for n in NUMBER.findall(call["arguments"]) if len(n) > 1 and not grounds.knows(n, turn)]
            if unknown:
                yield turn, unknown[0]
                break


def _same_replies(grounds: Grounds) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for turn, text in _replies(grounds.messages):
        said = folded(text)
        if said in seen and len(said) >= MIN_SUBSTANTIAL and not WRAPPED_UP.search(text):
            yield turn, text
        seen.add(said)


def _done(grounds: Grounds) -> Iterator[tuple[int, str]]:
    for turn, text in _replies(grounds.messages):
        yield from ((turn, match[0]) for match in DONE.finditer(text))


def _between_questions(grounds: Grounds) -> Iterator[tuple[int, str]]:
    users = [i for i, message in enumerate(grounds.messages) if message["role"] == "user"]
    for before, after in itertools.pairwise(users):
        replies = [turn for turn, _ in _replies(grounds.messages[:after]) if turn > before]
        if replies:
            yield replies[-1], text_of(grounds.messages[replies[-1]])


def content_words(text: str) -> set[str]:
    """The words that a text is about: English ones less the commonest, and pairs of Chinese characters."""
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", text))
    return (set(re.findall(r"[a-z0-9']+", text.lower())) - STOPWORDS) | {chinese[i : i + 2] for i in range(len(chinese) - 1)}


FINDERS: tuple[Finder, ...] = (
    Finder("number_grounding", "hallucination", "major", _unknown_numbers, ungrounded_numbers),
    Finder("argument_grounding", "unclarified_demand", "major", _unknown_arguments, guessed_arguments),
    Finder("repetition", "script_repetition", "major", _same_replies, repetition),
    Finder("claimed_action", "action_mismatch", "major", _done, claimed_not_done, version="3"),
    Finder("repeated_demand", "incomplete_solution", "major", _between_questions, asked_same_again),
)
