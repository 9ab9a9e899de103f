"""What the panel's specialists and its adjudicator answer, and what code checks of it.

What belongs here: the answers' schemas, quotes, rulings. What does not: who is asked what (`panel`).
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.protocol import Claim
from wow_flywheel.inspection.transcript import as_data

MIN_CITED: Final = 4
"""A shorter quote is in some turn by chance."""


class Contradicted(BaseModel):
    """What a claim's quote contradicts: a turn by its number, a knowledge unit or a step of the procedure by its id."""

    model_config = ConfigDict(extra="forbid")

    source: Literal["turn", "knowledge", "procedure", "nothing"]
    id: str

    def __str__(self) -> str:
        return "nothing that is shown" if self.source == "nothing" else f"{self.source} {self.id[:80]}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a prompt shows that a claim may cite: ids of knowledge units and of steps of the procedure."""

    units: frozenset[str]
    steps: frozenset[str]


class PanelClaim(BaseModel):
    """A specialist's claim. An unknown issue type is rejected by `problem`: it costs one claim, not the whole answer."""

    model_config = ConfigDict(extra="forbid")

    issue_type: str = Field(json_schema_extra={"enum": list(ISSUE_TYPES)})
    severity: Literal["minor", "major", "critical"]
    turn: int = Field(ge=0, le=1_000_000)
    quote: str
    explanation: str
    contradicts: Contradicted
    confidence: float = Field(ge=0, le=1)


class PanelClaims(BaseModel):
    """A specialist's answer."""

    model_config = ConfigDict(extra="forbid")

    claims: list[PanelClaim]


class Ruling(BaseModel):
    """The adjudicator's word on one claim, by its number."""

    model_config = ConfigDict(extra="forbid")

    claim: int
    accepted: bool
    reason: str


class Citation(BaseModel):
    """Words of anyone in the conversation, or of a tool result, on which the adjudicator rests its word on the whole."""

    model_config = ConfigDict(extra="forbid")

    turn: int = Field(ge=0, le=1_000_000)
    quote: str


class Adjudication(BaseModel):
    """The adjudicator's answer. One without citations is read too; what it may decide then says `combine`."""

    model_config = ConfigDict(extra="forbid")

    rulings: list[Ruling]
    solved: float = Field(ge=0, le=1)
    satisfied: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)
    reason: str
    citations: list[Citation] = Field(default_factory=list)


class Proven(BaseModel):
    """The answer of a reverse check: is a claim proven although the turn that it quotes is withheld?"""

    model_config = ConfigDict(extra="forbid")

    proven: bool
    reason: str


class Summary(BaseModel):
    """What the turns up to the end of a window came to, for the next window's readers."""

    model_config = ConfigDict(extra="forbid")

    demands: list[str]
    established: list[str]
    done: list[str]
    promised: list[str]
    mood: str


def problem(messages: Sequence[Message], claim: PanelClaim, shown: Shown, brief: Collection[str] = ISSUE_TYPES) -> str | None:
    """The forward check: why a claim cannot stand, whatever the adjudicator may think; None if it can.

    Args:
        messages: The conversation.
        claim: What a specialist claims.
        shown: What its prompt showed beside the conversation.
        brief: The issue types that the specialist was asked about.
    """
    if claim.issue_type not in ISSUE_TYPES:
        return f"unknown issue type {claim.issue_type[:40]!r}"
    if claim.issue_type not in brief:
        return f"{claim.issue_type} is not in the brief of this specialist"
    if claim.turn >= len(messages):
        return f"the conversation has no turn {claim.turn}"
    if messages[claim.turn]["role"] != "assistant":
        return f"turn {claim.turn} is not the assistant's"
    if not verbatim(messages[claim.turn], claim.quote):
        return "quote not found in the turn"
    if not _substantial(claim.quote):
        return "the quote is too short to show anything"
    if cited_turn(messages, claim.contradicts) == claim.turn:
        return f"it cites its own turn {claim.turn} as what contradicts it"
    return _uncited(messages, claim.contradicts, shown)


def _uncited(messages: Sequence[Message], cited: Contradicted, shown: Shown) -> str | None:
    exists = {
        "nothing": True,
        "turn": cited_turn(messages, cited) is not None,
        "knowledge": cited.id in shown.units,
        "procedure": cited.id in shown.steps,
    }
    return None if exists[cited.source] else f"it cites {cited}, which is not there"


def cited_turn(messages: Sequence[Message], cited: Contradicted) -> int | None:
    """The number of the turn that is cited; None if none is, or there is no such turn."""
    is_number = cited.source == "turn" and len(cited.id) < 10 and cited.id.isascii() and cited.id.isdecimal()
    return int(cited.id) if is_number and int(cited.id) < len(messages) else None


def verbatim(message: Mapping[str, Any], quote: str) -> str | None:
    """The words of a turn that a quote gives, as the turn has them; None if it has them nowhere.

    White space may differ, and a quote may be escaped as JSON, as the prompt shows it. Looks at the turn's content and at the
    names and arguments of its tool calls.
    """
    calls = message.get("tool_calls") or []
    sources = [message.get("content") or "", *(text for call in calls for text in (call["name"], call["arguments"]))]
    for wanted in (quote, _unescaped(quote)):
        if not wanted.strip():
            continue
        pattern = r"\s+".join(map(re.escape, wanted.split()))
        for source in sources:
            if (found := re.search(pattern, source)) is not None:
                return found[0]
    return None


def cited(messages: Sequence[Message], said: Adjudication) -> list[Citation]:
    """The adjudicator's citations that stand: words of some length that are in the turn that they name."""
    return [each for each in said.citations if _substantial(each.quote) and _stands(messages, each)]


def _stands(messages: Sequence[Message], citation: Citation) -> bool:
    return citation.turn < len(messages) and verbatim(messages[citation.turn], citation.quote) is not None


def _substantial(quote: str) -> bool:
    """Four letters or digits; a Chinese character counts as two."""
    return sum(2 if "\u4e00" <= sign <= "\u9fff" else 1 for sign in quote if sign.isalnum()) >= MIN_CITED


def blind_order(claim: Claim) -> tuple[int, str, str, str]:
    """By what is claimed, so that the order says nothing about the authors."""
    return claim.turn, claim.issue_type, claim.quote, claim.explanation


def numbered(claims: Sequence[Claim]) -> str:
    """Claims as the adjudicator sees them: by position, without authors, confidence or decision."""
    rows = [
        {"claim": i, "turn": c.turn, "issue_type": c.issue_type, "severity": c.severity, "quote": c.quote, "why": c.explanation}
        for i, c in enumerate(claims)
    ]
    return as_data(rows) or "none"


def ruled(claims: Sequence[Claim], adjudication: Adjudication) -> list[Claim]:
    """Claims with their rulings: by position; passed over or contradictory, a claim is unresolved and says why."""
    rulings: dict[int, list[Ruling]] = defaultdict(list)
    for ruling in adjudication.rulings:
        rulings[ruling.claim].append(ruling)
    return [_ruled(claim, rulings.get(i, [])) for i, claim in enumerate(claims)]


def stray(claims: Sequence[Claim], adjudication: Adjudication) -> int:
    """How many rulings name no claim."""
    return sum(not 0 <= ruling.claim < len(claims) for ruling in adjudication.rulings)


def _ruled(claim: Claim, rulings: Sequence[Ruling]) -> Claim:
    if not rulings:
        return replace(claim, decision="unresolved", decision_reason="the adjudicator did not rule on it")
    if len({ruling.accepted for ruling in rulings}) > 1:
        return replace(claim, decision="unresolved", decision_reason="the adjudicator contradicts itself")
    return replace(
        claim, decision="accepted" if rulings[0].accepted else "rejected", decision_reason=f"adjudicator: {rulings[0].reason}"
    )


def _unescaped(quote: str) -> str:
    try:
        return str(json.loads(f'"{quote}"'))
    except json.JSONDecodeError:
        return ""
