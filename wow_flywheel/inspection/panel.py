"""The LLM panel: specialists make claims, code checks their quotes, an adjudicator rules without knowing the authors.

What belongs here: who is asked what, and checking the answers. What does not: calls (`llm`), wording (`prompts/`). What a
language model says counts only where its quote is in the turn that it names; whatever could not be asked is shown as a failure.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict, quoted
from wow_flywheel.inspection.transcript import as_data, procedure_text, relevant_knowledge, render
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest, Session, Success

SPECIALISTS = ("demand", "grounding", "policy", "repetition", "empathy", "action", "solution")
VERSION = "1"
MAX_PROMPT_CHARACTERS = 60_000
"""About 20,000 tokens. A longer conversation is not cut: it is a failure `too_long`, for a person or a larger model."""

IssueType = Literal[
    "unclarified_demand", "hallucination", "script_repetition", "incomplete_solution", "policy_violation", "knowledge_misuse",
    "poor_empathy", "action_mismatch",
]  # fmt: skip


class PanelClaim(BaseModel):
    """A specialist's claim."""

    model_config = ConfigDict(extra="forbid")

    issue_type: IssueType
    severity: Literal["minor", "major", "critical"]
    turn: int
    quote: str
    explanation: str
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


class Adjudication(BaseModel):
    """The adjudicator's answer."""

    model_config = ConfigDict(extra="forbid")

    rulings: list[Ruling]
    solved: float = Field(ge=0, le=1)
    satisfied: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)
    reason: str


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What the panel found.

    Attributes:
        claims: The panel's own claims, ruled on.
        verdicts: A verdict on each conversation; where something failed it says what.
        counts: Calls made, answers from the ledger, retries, failures by reason, tokens, cost_usd.
    """

    claims: list[Claim]
    verdicts: dict[str, Verdict]
    counts: Mapping[str, int | float]


@dataclass(slots=True)
class Panel:
    """A panel behind one endpoint.

    Attributes:
        client: The endpoint.
    """

    client: LlmClient
    _failures: Counter[str] = field(default_factory=Counter)
    _tokens: Counter[str] = field(default_factory=Counter)
    _cost: float = 0.0

    def inspect(self, context: InspectionContext, claims: Sequence[Claim]) -> PanelResult:
        """Inspect every conversation of the context.

        Args:
            context: See there.
            claims: The evidence inspectors' claims; the adjudicator is shown the accepted and unresolved ones, without authors.

        Raises:
            EndpointRefused: The endpoint refuses for good.
        """
        return asyncio.run(self._inspect(context, claims))

    async def _inspect(self, context: InspectionContext, claims: Sequence[Claim]) -> PanelResult:
        known: dict[str, list[Claim]] = {}
        for claim in claims:
            if claim.decision != "rejected":
                known.setdefault(claim.conversation_id, []).append(claim)
        scenarios = dict(context.conversations.select("conversation_id", "scenario").iter_rows())
        async with self.client.session() as session:
            tasks = [
                asyncio.ensure_future(
                    self._conversation(
                        session, key, messages, _materials(context, scenarios[key], messages), known.get(key, [])
                    )
                )
                for key, messages in context.dialogues().items()
            ]
            try:
                results = await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise
        return PanelResult(
            [claim for found, _ in results for claim in found], {v.conversation_id: v for _, v in results}, self._counts()
        )

    async def _conversation(
        self, session: Session, key: str, messages: Sequence[Message], materials: Mapping[str, str], known: Sequence[Claim]
    ) -> tuple[list[Claim], Verdict]:
        if sum(map(len, materials.values())) > MAX_PROMPT_CHARACTERS:
            return [], self._failed(key, [Failure("too_long", "the conversation exceeds the panel's prompt limit")])
        requests = [_prompt(f"{name}.jinja", {**materials, "issue_types": ", ".join(ISSUE_TYPES)}) for name in SPECIALISTS]
        answers = await session.complete_many(requests, PanelClaims)
        claims = [
            claim
            for name, answer in zip(SPECIALISTS, answers, strict=True)
            if isinstance(answer, Success)
            for claim in self._checked(key, name, messages, answer)
        ]
        failures = [answer for answer in answers if isinstance(answer, Failure)]
        open_claims = [claim for claim in claims if claim.decision == "unresolved"]
        shown = [*open_claims, *known]
        ruling = await session.complete(_prompt("adjudicator.jinja", {**materials, "claims": _numbered(shown)}), Adjudication)
        if isinstance(ruling, Failure):
            return claims, self._failed(key, [*failures, ruling])
        self._count(ruling)
        ruled = _ruled(open_claims, ruling.value)
        verdict = _verdict(key, ruling.value)
        done = [*(claim for claim in claims if claim.decision != "unresolved"), *ruled]
        return done, (self._failed(key, failures) if failures else verdict)

    def _checked(self, key: str, specialist: str, messages: Sequence[Message], answer: Success[PanelClaims]) -> list[Claim]:
        """The specialist's claims as rows; one whose quote or turn is wrong is rejected here and never reaches the
        adjudicator.
        """
        self._count(answer)
        return [self._claim(key, specialist, messages, claim, answer) for claim in answer.value.claims]

    def _claim(
        self, key: str, specialist: str, messages: Sequence[Message], claim: PanelClaim, answer: Success[PanelClaims]
    ) -> Claim:
        settings = self.client.settings
        problem = _problem(messages, claim)
        return Claim(
            conversation_id=key,
            inspector=f"panel/{specialist}",
            inspector_version=VERSION,
            kind="llm",
            issue_type=claim.issue_type,
            severity=claim.severity,
            turn=max(claim.turn, 0),
            quote=claim.quote,
            explanation=claim.explanation,
            confidence=claim.confidence,
            decision="rejected" if problem else "unresolved",
            decision_reason=problem or "not ruled on",
            llm_model=settings.model,
            llm_parameters=json.dumps({"temperature": settings.temperature, "max_tokens": settings.max_tokens}),
            prompt_hash=answer.prompt_hash,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cost_usd=answer.cost_usd,
        )

    def _failed(self, key: str, failures: Sequence[Failure]) -> Verdict:
        self._failures.update(failure.reason for failure in failures)
        return Verdict(key, 0.5, 0.5, 0.0, (), tuple(f"{failure.reason}: {failure.detail}" for failure in failures))

    def _count(self, answer: Success[PanelClaims] | Success[Adjudication]) -> None:
        self._tokens.update(prompt_tokens=answer.usage.prompt_tokens, completion_tokens=answer.usage.completion_tokens)
        self._cost += answer.cost_usd

    def _counts(self) -> dict[str, int | float]:
        return {
            "llm_calls": self.client.calls,
            "llm_from_ledger": self.client.from_ledger,
            "llm_retries": self.client.retries,
            **{f"llm_failed_{reason}": count for reason, count in sorted(self._failures.items())},
            **self._tokens,
            "cost_usd": round(self._cost, 6),
        }


def _materials(context: InspectionContext, scenario: str, messages: Sequence[Message]) -> dict[str, str]:
    return {
        "turns": as_data(messages),
        "knowledge": relevant_knowledge(context.knowledge, messages),
        "procedure": procedure_text(context.procedures, scenario),
    }


def _prompt(template: str, values: Mapping[str, str]) -> LlmRequest:
    return LlmRequest(render("inspection", template, values))


def _problem(messages: Sequence[Message], claim: PanelClaim) -> str | None:
    if not 0 <= claim.turn < len(messages) or messages[claim.turn]["role"] != "assistant":
        return "the turn is no turn of the assistant"
    return None if quoted(messages[claim.turn], claim.quote) else "the quote is not in that turn"


def _numbered(claims: Sequence[Claim]) -> str:
    rows = [
        {"claim": i, "turn": c.turn, "issue_type": c.issue_type, "severity": c.severity, "quote": c.quote, "why": c.explanation}
        for i, c in enumerate(claims)
    ]
    return as_data(rows) if rows else "none"


def _ruled(claims: Sequence[Claim], adjudication: Adjudication) -> list[Claim]:
    """The panel's claims with their rulings; one that the adjudicator passed over stays unresolved."""
    rulings = {ruling.claim: ruling for ruling in adjudication.rulings}
    return [
        replace(claim, decision="accepted" if ruling.accepted else "rejected", decision_reason=ruling.reason)
        if (ruling := rulings.get(i)) is not None
        else claim
        for i, claim in enumerate(claims)
    ]


def _verdict(key: str, adjudication: Adjudication) -> Verdict:
    evidence = (f"adjudicator: {adjudication.reason}",)
    return Verdict(key, adjudication.solved, adjudication.satisfied, adjudication.confidence, evidence)
