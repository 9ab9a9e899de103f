"""How a conversation is talked: what customer and assistant sound like, and who says again what was said.

What belongs here: shares of turns that match general patterns. What does not: counts that need no words (`structure`), single
words that a fit picks by itself (`words`).
"""

import itertools
import statistics
from collections.abc import Sequence
from typing import Final

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.triage.arithmetic import share
from wow_flywheel.inspection.triage.manner import ASSISTANT, CUSTOMER
from wow_flywheel.inspection.wording import (
    ACKNOWLEDGED,
    DONE,
    HANDED_OVER,
    HUMAN,
    PUSHBACK,
    QUESTION,
    REFUSED,
    RESIGNED,
    THANKS,
    UNMET,
    UPSET,
    WRAPPED_UP,
    folded,
    text_of,
)

USER_SAYS: Final = {
    "thanks": THANKS,
    "upset": UPSET,
    "pushback": PUSHBACK,
    "human": HUMAN,
    "unmet": UNMET,
    "question": QUESTION,
}
AGENT_SAYS: Final = {
    "refuses": REFUSED,
    "sorry": ACKNOWLEDGED,
    "done": DONE,
    "wraps_up": WRAPPED_UP,
    "asks": QUESTION,
    "hands_over": HANDED_OVER,
}


def speech(messages: Sequence[Message]) -> dict[str, float]:
    """Features of wording and of repetition between turns, by name."""
    return {**_wording(messages), **_echoes(messages)}


def _wording(messages: Sequence[Message]) -> dict[str, float]:
    users = [text_of(m) for m in messages if m["role"] == "user" and text_of(m)]
    agents = [text_of(m) for m in messages if m["role"] == "assistant" and text_of(m)]
    found = {}
    for name, pattern in (USER_SAYS | dict(CUSTOMER)).items():
        found[f"user_{name}"] = share(bool(pattern.search(t)) for t in users)
        found[f"user_{name}_late"] = share(bool(pattern.search(t)) for t in users[-2:])
    for name, pattern in (AGENT_SAYS | dict(ASSISTANT)).items():
        found[f"agent_{name}"] = share(bool(pattern.search(t)) for t in agents)
        found[f"agent_{name}_late"] = share(bool(pattern.search(t)) for t in agents[-2:])
    found["user_resigned"] = float(bool(users) and bool(RESIGNED.search(users[-1])))
    return found


def _echoes(messages: Sequence[Message]) -> dict[str, float]:
    """Who says again what was said: similarity of each user turn to the one before, and of replies to the user's words."""
    users = [text_of(m) for m in messages if m["role"] == "user" and text_of(m)]
    again = [_overlap(one, other) for i, other in enumerate(users) for one in users[:i]]
    replies = [
        _overlap(text_of(one), text_of(other))
        for one, other in itertools.pairwise(m for m in messages if text_of(m) and m["role"] != "tool")
        if one["role"] == "user" and other["role"] == "assistant"
    ]
    return {
        "user_again_max": max(again, default=0.0),
        "user_again": statistics.fmean(again) if again else 0.0,
        "reply_echo": statistics.fmean(replies) if replies else 0.0,
        "reply_echo_last": replies[-1] if replies else 0.0,
    }


def _overlap(one: str, other: str) -> float:
    """Jaccard similarity of two texts' words (pairs of characters where words have no spaces); 0 where one has under three."""
    a, b = _words(one), _words(other)
    return len(a & b) / len(a | b) if min(len(a), len(b)) > 2 else 0.0


def _words(text: str) -> set[str]:
    words = set(folded(text).split())
    long = {word for word in words if not word.isascii() and len(word) > 2}
    return (words - long) | {word[i : i + 2] for word in long for i in range(len(word) - 1)}
