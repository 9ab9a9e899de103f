"""Deterministic verdicts: was the demand solved, was the customer satisfied, and how sure is that.

What belongs here: the pieces of evidence and their weights, all in one place. What does not: claims about single turns.
A score is the logistic function of the sum of its pieces' weights, so that a person can follow it by its evidence sentences;
nothing here is about one task or one company.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.inspection.results import Call, calls
from wow_flywheel.inspection.wording import REFUSED, RESIGNED, THANKS, UNMET, UPSET, WRAPPED_UP, text_of

LAST_TURNS = 2
LAST_REPLIES = 3
MAX_SEVERE = 3


@dataclass(frozen=True, slots=True)
class SolvedWeights:
    """Log-odds that each piece of evidence adds to solved.

    Attributes:
        base: With no evidence at all.
        last_succeeded: The last tool result reports success, or the last call changes something and gave data.
        some_succeeded: An earlier result reports success, the last one does not.
        last_answered: The last tool result gave data without saying whether it succeeded.
        last_failed: The last tool result is a failure or empty.
        failed_share: Times the share of tool results that failed or were empty.
        refused: One of the assistant's last replies declines, and no tool call succeeded after it.
        thanked: The customer thanks in one of the last two turns.
        unmet: The customer says at the end that the demand was not met.
        dissatisfied: The customer complains, asks for a human, or leaves with an open question, without saying so much.
        unanswered: An accepted claim of incomplete_solution in the last quarter.
        length: Times the natural logarithm of the number of messages over 20, for long conversations.
        rated_good: An explicit rating is good.
    """

    base: float = 0.3
    last_succeeded: float = 1.3
    some_succeeded: float = 1.0
    last_answered: float = 0.9
    last_failed: float = -1.8
    failed_share: float = -1.0
    refused: float = -0.3
    thanked: float = 0.25
    unmet: float = -0.9
    dissatisfied: float = -0.35
    unanswered: float = -0.3
    length: float = -1.6
    rated_good: float = 0.8


@dataclass(frozen=True, slots=True)
class SatisfiedWeights:
    """Log-odds that each piece of evidence adds to satisfied, where the customer did not rate.

    Attributes:
        thanked: The customer thanks in one of the last two turns.
        asked_for_human: The customer asks for a human.
        complained: The customer complains; a complaint before the first reply is about the matter, and counts only if no thanks
            follow.
        abandoned: The customer leaves with an open question.
        repeat_contact: The customer comes back with the same matter.
        unmet: The customer says at the end that the demand was not met.
        resigned: The last words are a mere "fine" or "okay".
        failed_share: Times the share of tool results that failed or were empty.
        severe_claim: For each accepted severe claim, three at most.
    """

    thanked: float = 1.8
    asked_for_human: float = -2.2
    complained: float = -1.8
    abandoned: float = -1.2
    repeat_contact: float = -1.0
    unmet: float = -0.9
    resigned: float = -0.3
    failed_share: float = -1.0
    severe_claim: float = -0.25


SOLVED = SolvedWeights()
SATISFIED = SatisfiedWeights()


class Piece(NamedTuple):
    """One piece of evidence: what it says, and how much it moves one of the two scores."""

    score: Literal["solved", "satisfied"]
    weight: float
    sentence: str


@dataclass(frozen=True, slots=True)
class _Case:
    """One conversation with what is known of it."""

    messages: Sequence[Message]
    signals: Mapping[str, Any]
    claims: Sequence[Claim]
    results: Sequence[Call]
    users: Sequence[str]

    @property
    def failed_share(self) -> float:
        return sum(not call.worked for call in self.results) / len(self.results) if self.results else 0.0

    @property
    def unmet(self) -> bool:
        """True if the customer says so at the end, and does not take it back by thanks in the last turn."""
        last = self.users[-1] if self.users else ""
        took_back = THANKS.search(last) and not UNMET.search(last)
        return not took_back and any(map(UNMET.search, self.users[-LAST_TURNS:]))

    @property
    def thanked(self) -> bool:
        return not self.unmet and any(map(THANKS.search, self.users[-LAST_TURNS:]))

    @property
    def complained_of_service(self) -> bool:
        """True unless all that upset the customer was said before the first reply, and thanks followed."""
        first = next((i for i, message in enumerate(self.messages) if message["role"] == "assistant"), len(self.messages))
        later = [text_of(message) for message in self.messages[first:] if message["role"] == "user"]
        return bool(self.signals.get("complained")) and not (self.thanked and not any(map(UPSET.search, later)))


def conclude(context: InspectionContext, claims: Sequence[Claim]) -> dict[str, Verdict]:
    """A verdict on each conversation.

    Args:
        context: See there; `satisfaction` may lack conversations, of which then only the talk itself speaks.
        claims: The claims made so far; accepted ones count.
    """
    signals = {row["conversation_id"]: row for row in context.satisfaction.iter_rows(named=True)}
    accepted: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.decision == "accepted":
            accepted.setdefault(claim.conversation_id, []).append(claim)
    return {
        key: _verdict(key, _case(messages, signals.get(key, {}), accepted.get(key, [])))
        for key, messages in context.dialogues().items()
    }


def _case(messages: Sequence[Message], signals: Mapping[str, Any], claims: Sequence[Claim]) -> _Case:
    return _Case(
        messages,
        signals,
        claims,
        [call for call in calls(messages) if call.result is not None and call.about_demand],
        [text_of(message) for message in messages if message["role"] == "user" and text_of(message)],
    )


def _verdict(key: str, case: _Case) -> Verdict:
    pieces = [*_tool_evidence(case), *_reply_evidence(case), *_customer_evidence(case), *_claim_evidence(case)]
    solved = _logistic(SOLVED.base + sum(piece.weight for piece in pieces if piece.score == "solved"))
    satisfied = _logistic(sum(piece.weight for piece in pieces if piece.score == "satisfied"))
    evidence = [f"{piece.sentence} ({piece.score} {piece.weight:+.2f})" for piece in pieces]
    if case.signals.get("explicit"):
        satisfied = float(case.signals["satisfied_score"])
        evidence.append(f"satisfied {satisfied:.2f}: the customer rated it")
    confidence = round(min(1.0, 0.3 + abs(solved - 0.5) + abs(satisfied - 0.5)), 3)
    return Verdict(key, solved, satisfied, confidence, tuple(evidence) or ("nothing speaks for or against",))


def _tool_evidence(case: _Case) -> Iterator[Piece]:
    if not case.results:
        return
    last = case.results[-1]
    if last.result == "succeeded" or (last.writes and last.worked):
        yield Piece("solved", SOLVED.last_succeeded, f"the last tool call, at turn {last.turn}, succeeded")
    elif not last.worked:
        yield Piece("solved", SOLVED.last_failed, f"the last tool call, at turn {last.turn}, failed or found nothing")
    else:
        yield Piece("solved", SOLVED.last_answered, f"the last tool call, at turn {last.turn}, gave data")
    if last.result != "succeeded" and any(call.result == "succeeded" for call in case.results):
        yield Piece("solved", SOLVED.some_succeeded, "an earlier tool call succeeded")
    if case.failed_share:
        share = f"{case.failed_share:.0%} of the tool calls failed or found nothing"
        yield Piece("solved", SOLVED.failed_share * case.failed_share, share)
        yield Piece("satisfied", SATISFIED.failed_share * case.failed_share, share)


def _reply_evidence(case: _Case) -> Iterator[Piece]:
    since = max((call.turn for call in case.results if call.result == "succeeded"), default=0)
    replies = [text_of(message) for message in case.messages[since:] if message["role"] == "assistant"]
    said = [text for text in replies if text and not WRAPPED_UP.search(text)][-LAST_REPLIES:]
    if any(map(REFUSED.search, said)):
        yield Piece("solved", SOLVED.refused, "one of the assistant's last replies declines")
    if len(case.messages) > 20:
        weight = SOLVED.length * math.log(len(case.messages) / 20)
        yield Piece("solved", weight, f"it took {len(case.messages)} messages")


def _customer_evidence(case: _Case) -> Iterator[Piece]:
    if case.thanked:
        yield Piece("solved", SOLVED.thanked, "the customer thanks at the end")
        yield Piece("satisfied", SATISFIED.thanked, "the customer thanks at the end")
    elif case.users and RESIGNED.search(case.users[-1]):
        yield Piece("satisfied", SATISFIED.resigned, "the customer's last words are resigned")
    if case.unmet:
        yield Piece("solved", SOLVED.unmet, "the customer says at the end that the demand was not met")
        yield Piece("satisfied", SATISFIED.unmet, "the customer says at the end that the demand was not met")
    signs = {
        "asked for a human": (bool(case.signals.get("asked_for_human")), SATISFIED.asked_for_human),
        "complained": (case.complained_of_service, SATISFIED.complained),
        "left with an open question": (bool(case.signals.get("abandoned")), SATISFIED.abandoned),
    }
    unhappy = {name: weight for name, (is_so, weight) in signs.items() if is_so}
    yield from (Piece("satisfied", weight, f"the customer {name}") for name, weight in unhappy.items())
    if case.signals.get("repeat_contact"):
        yield Piece("satisfied", SATISFIED.repeat_contact, "the customer came back with the same matter")
    if unhappy and not case.unmet:
        yield Piece("solved", SOLVED.dissatisfied, f"the customer {' and '.join(unhappy)}")
    if case.signals.get("explicit") and case.signals.get("satisfied"):
        yield Piece("solved", SOLVED.rated_good, "the customer rated it good")


def _claim_evidence(case: _Case) -> Iterator[Piece]:
    late = [c.turn for c in case.claims if c.issue_type == "incomplete_solution" and c.turn >= 0.75 * len(case.messages)]
    if late:
        yield Piece("solved", SOLVED.unanswered, f"unanswered at turn {late[-1]}")
    severe = min(MAX_SEVERE, sum(claim.severity in {"major", "critical"} for claim in case.claims))
    if severe:
        yield Piece("satisfied", SATISFIED.severe_claim * severe, f"severe faults accepted, counted up to 3: {severe}")


def _logistic(log_odds: float) -> float:
    return round(1 / (1 + math.exp(-log_odds)), 3)
