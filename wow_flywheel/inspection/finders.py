"""Inspectors that find on their own, thoroughly where rules must be quick.

What belongs here: deterministic inspectors that compare turns in Python. What does not: rules, language models.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.protocol import Claim, InspectionContext

STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "can",
        "could",
        "do",
        "does",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "please",
        "the",
        "this",
        "that",
        "to",
        "what",
        "when",
        "where",
        "will",
        "you",
        "your",
    ]
)
SAME_QUESTION = 0.75
MIN_WORDS = 2


@dataclass(frozen=True, slots=True)
class RepeatedDemand:
    """The user asks the same question again after a reply: the reply between them did not answer it."""

    name: str = "repeated_demand"
    version: str = "1"

    def inspect(self, context: InspectionContext, dialogues: Mapping[str, Sequence[Message]]) -> list[Claim]:
        """One claim a reply after which the same question comes back."""
        del context
        return [claim for conversation_id, messages in dialogues.items() for claim in self._claims(conversation_id, messages)]

    def _claims(self, conversation_id: str, messages: Sequence[Message]) -> list[Claim]:
        claims = []
        users = [i for i, message in enumerate(messages) if message["role"] == "user"]
        for before, after in itertools.pairwise(users):
            replies = [i for i in range(before + 1, after) if messages[i]["role"] == "assistant" and messages[i].get("content")]
            first, second = (messages[i].get("content") or "" for i in (before, after))
            if replies and _is_question(second) and similarity(first, second) >= SAME_QUESTION:
                claims.append(self._claim(conversation_id, messages, replies[-1], after))
        return claims

    def _claim(self, conversation_id: str, messages: Sequence[Message], reply: int, again: int) -> Claim:
        return Claim(
            conversation_id=conversation_id,
            inspector=self.name,
            inspector_version=self.version,
            kind="deterministic",
            issue_type="incomplete_solution",
            severity="major",
            turn=reply,
            quote=messages[reply].get("content") or "",
            explanation=f"the user asks the same again at turn {again}",
            confidence=0.7,
            decision="accepted",
            decision_reason="two user turns around the reply ask the same",
        )


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of two questions' content words (pairs of characters in Chinese); 0 if either has too few."""
    a, b = _content_words(one), _content_words(other)
    return len(a & b) / len(a | b) if min(len(a), len(b)) >= MIN_WORDS else 0.0


def _is_question(text: str) -> bool:
    return text.rstrip().endswith(("?", "？", "吗", "呢"))


def _content_words(text: str) -> set[str]:
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", text))
    return (set(re.findall(r"[a-z0-9']+", text.lower())) - STOPWORDS) | {chinese[i : i + 2] for i in range(len(chinese) - 1)}
