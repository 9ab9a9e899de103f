"""Deterministic verdicts: was the demand solved, was the customer satisfied, and how sure is that.

What belongs here: the evidence and its weights, all in one place. What does not: claims about single turns. The weights are
additive and few, so that a person can follow each score by its evidence sentences; nothing in them is about one task or one
company.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict

FAILURE = re.compile(
    r'"(?:ok|success)" *: *false|"error" *: *[^n ]|^\s*"?error|not found|no such|unavailable|failed|unable to|失败|不存在|无法',
    re.IGNORECASE,
)
EMPTY = re.compile(r'"total_items" *: *(?:0|-1)\b|^\s*(?:\[\]|\{\}|null|)\s*$')
SUCCESS = re.compile(r'"(?:ok|success)" *: *true|success|confirmed|booked|completed', re.IGNORECASE)
WRAPPED_UP = re.compile(
    r"anything else|have a (?:nice|great|good)|good ?bye|glad (?:to|i could)|welcome|is there more"
    r"|还有(?:什么|其他)|祝您|不客气|再见|欢迎",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"(?:can ?not|can't|could not|couldn't|unable to|not able to|no (?:longer )?available|unavailable|not available"
    r"|unfortunately|nothing (?:was )?found|transfer(?:red|ring)? (?:you )?to)|无法|不能|没有(?:找|查)到",
    re.IGNORECASE,
)
CLOSING = re.compile(r"\b(?:bye|thanks|thank you|that'?s all|that is all|great|perfect)\b|谢|再见", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each piece of evidence moves a score, from 0.5.

    Attributes:
        last_call_succeeded: To solved: the last tool call with a result reports success.
        last_call_answered: To solved: it gave data without saying whether it succeeded.
        last_call_failed: To solved: it failed or found nothing.
        thanked: To solved: the customer thanks at the end.
        wrapped_up: To solved: the assistant closes the conversation.
        refused_last: To solved: the assistant's last words but the closing decline or hand over.
        dissatisfied: To solved: the customer complains, asks for a human or leaves with an open question.
        unanswered: To solved: an accepted incomplete_solution claim in the last quarter of the conversation.
        severe_claim: To satisfied, for each accepted severe claim.
    """

    last_call_succeeded: float = 0.35
    last_call_answered: float = 0.15
    last_call_failed: float = -0.2
    thanked: float = 0.15
    wrapped_up: float = 0.1
    refused_last: float = -0.2
    dissatisfied: float = -0.2
    unanswered: float = -0.15
    severe_claim: float = -0.1


WEIGHTS = Weights()


def conclude(context: InspectionContext, claims: Sequence[Claim]) -> dict[str, Verdict]:
    """A verdict on each conversation.

    Args:
        context: See there; `satisfaction` may lack conversations.
        claims: The claims made so far; accepted ones count.
    """
    signals = {row["conversation_id"]: row for row in context.satisfaction.iter_rows(named=True)}
    accepted: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.decision == "accepted":
            accepted.setdefault(claim.conversation_id, []).append(claim)
    return {
        conversation_id: _verdict(
            conversation_id, messages, signals.get(conversation_id, {}), accepted.get(conversation_id, [])
        )
        for conversation_id, messages in context.dialogues().items()
    }


def _verdict(conversation_id: str, messages: Sequence[Message], signals: Mapping[str, Any], claims: Sequence[Claim]) -> Verdict:
    pieces = [
        *_tool_evidence(messages),
        *_talk_evidence(messages),
        *_signal_evidence(signals),
        *_claim_evidence(messages, claims),
    ]
    solved = _bounded(0.5 + sum(weight for weight, _ in pieces))
    satisfied, why = _satisfied(signals, claims)
    confidence = round(min(1.0, 0.3 + abs(solved - 0.5) + abs(satisfied - 0.5)), 3)
    evidence = tuple(f"{sentence} ({weight:+.2f} solved)" for weight, sentence in pieces)
    return Verdict(conversation_id, solved, satisfied, confidence, (*evidence, *why))


Piece = tuple[float, str]


def _tool_evidence(messages: Sequence[Message]) -> list[Piece]:
    results = [(i, message.get("content") or "") for i, message in enumerate(messages) if message["role"] == "tool"]
    if not results:
        return []
    turn, text = results[-1]
    if FAILURE.search(text) or _found_nothing(text):
        return [(WEIGHTS.last_call_failed, f"the last tool call, at turn {turn}, failed or found nothing")]
    if SUCCESS.search(text):
        return [(WEIGHTS.last_call_succeeded, f"the last tool call, at turn {turn}, succeeded")]
    return [(WEIGHTS.last_call_answered, f"the last tool call, at turn {turn}, gave data")]


def _found_nothing(text: str) -> bool:
    if not EMPTY.search(text):
        return False
    try:
        parsed = json.loads(text or "null")
    except json.JSONDecodeError:
        return True
    return not (isinstance(parsed, dict) and SUCCESS.search(text))


def _talk_evidence(messages: Sequence[Message]) -> list[Piece]:
    replies = [
        (i, message["content"] or "")
        for i, message in enumerate(messages)
        if message["role"] == "assistant" and message.get("content")
    ]
    pieces: list[Piece] = []
    if replies and WRAPPED_UP.search(replies[-1][1]):
        pieces.append((WEIGHTS.wrapped_up, f"the assistant wraps up at turn {replies[-1][0]}"))
    said = [(i, text) for i, text in replies[-3:] if not WRAPPED_UP.search(text)]
    if said and REFUSED.search(said[-1][1]):
        pieces.append((WEIGHTS.refused_last, f"the assistant declines at turn {said[-1][0]}"))
    return pieces


def _signal_evidence(signals: Mapping[str, Any]) -> list[Piece]:
    pieces: list[Piece] = []
    if signals.get("thanked"):
        pieces.append((WEIGHTS.thanked, "the customer thanks at the end"))
    unhappy = [name.replace("_", " ") for name in ("asked_for_human", "complained", "abandoned") if signals.get(name)]
    if unhappy:
        pieces.append((WEIGHTS.dissatisfied, f"the customer: {', '.join(unhappy)}"))
    return pieces


def _claim_evidence(messages: Sequence[Message], claims: Sequence[Claim]) -> list[Piece]:
    late = [claim.turn for claim in claims if claim.issue_type == "incomplete_solution" and claim.turn >= 0.75 * len(messages)]
    return [(WEIGHTS.unanswered, f"unanswered at turn {late[-1]}")] if late else []


def _satisfied(signals: Mapping[str, Any], claims: Sequence[Claim]) -> tuple[float, tuple[str, ...]]:
    score = float(signals.get("satisfied_score", 0.5))
    if signals.get("explicit"):
        return score, (f"satisfied {score:.2f}: the customer rated it",)
    severe = sum(claim.severity in {"major", "critical"} for claim in claims)
    lowered = _bounded(score + WEIGHTS.severe_claim * min(severe, 3))
    return lowered, (f"satisfied {lowered:.2f}: {', '.join(signals.get('reasons') or ['no signal'])}; {severe} severe claims",)


def _bounded(score: float) -> float:
    return round(min(1.0, max(0.0, score)), 3)
