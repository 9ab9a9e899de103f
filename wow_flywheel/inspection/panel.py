"""The LLM panel: specialists make claims, code checks their quotes, an adjudicator rules without knowing the authors.

What belongs here: who is asked what, in what order, and what becomes of failures. What does not: calls (`llm`), wording
(`prompts/`), the answers' shape and checks (`answers`). Whatever could not be asked is shown as a failure, never left out.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.answers import (
    Adjudication,
    PanelClaim,
    PanelClaims,
    blind_order,
    numbered,
    problem,
    ruled,
    stray,
    verbatim,
)
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, procedure_text, render
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest, Session, Success
from wow_flywheel.llm.fanout import bounded_map
from wow_flywheel.llm.settings import LlmSettings, estimated_tokens

VERSION: Final = "1"
SPECIALISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "demand": ("unclarified_demand",),
    "grounding": ("hallucination", "knowledge_misuse"),
    "policy": ("policy_violation",),
    "repetition": ("script_repetition",),
    "empathy": ("poor_empathy",),
    "action": ("action_mismatch",),
    "solution": ("incomplete_solution",),
}
"""The issue types of each specialist; each has a template of its name in `prompts/`."""

DISPUTED_CONFIDENCE: Final = 0.3
"""Confidence of a verdict where the adjudicator rejects a severe claim that the evidence had accepted: a person decides."""


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What the panel found.

    Attributes:
        claims: All claims: the panel's own, ruled on, and the given ones, of which those unresolved are ruled on too.
        verdicts: A verdict on each conversation; `failures` says what could not be done, as `who: reason (detail)`.
        counts: Of this run llm_calls, llm_from_ledger, llm_retries, llm_spent_usd; of all answers, whenever they were paid for,
            llm_prompt_tokens, llm_completion_tokens, llm_cost_usd; llm_disputed, llm_stray_rulings; llm_failed_<reason> where
            any failed.
    """

    claims: list[Claim]
    verdicts: dict[str, Verdict]
    counts: dict[str, int | float]


@dataclass(frozen=True, slots=True)
class _Case:
    """One conversation before the panel."""

    key: str
    messages: Sequence[Message]
    materials: Mapping[str, str]
    known: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What the panel makes of one conversation."""

    claims: Sequence[Claim]
    verdict: Verdict
    failures: Sequence[Failure]
    answers: Sequence[Success[Any]] = ()
    disputed: int = 0
    stray_rulings: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel behind one endpoint.

    Attributes:
        client: The endpoint.
    """

    client: LlmClient

    def inspect(self, context: InspectionContext, claims: Sequence[Claim]) -> PanelResult:
        """Inspect every conversation of the context.

        Args:
            context: See there.
            claims: The evidence inspectors' claims; the adjudicator is shown those not rejected, without their authors.

        Raises:
            EndpointRefused: The endpoint refuses for good.
            EndpointUnavailable: It is down: many calls in a row got no answer.
        """
        before = self.client.spending()
        findings = asyncio.run(self._inspect(context, claims))
        now = {name: value - before[name] for name, value in self.client.spending().items()}
        return PanelResult(
            [*(c for c in claims if c.decision == "rejected"), *(claim for finding in findings for claim in finding.claims)],
            {finding.verdict.conversation_id: finding.verdict for finding in findings},
            {**now, **_counts(findings)},
        )

    async def _inspect(self, context: InspectionContext, claims: Sequence[Claim]) -> list[_Finding]:
        known: dict[str, list[Claim]] = {}
        for claim in claims:
            if claim.decision != "rejected":
                known.setdefault(claim.conversation_id, []).append(claim)
        scenarios = dict(context.conversations.select("conversation_id", "scenario").iter_rows())
        index = KnowledgeIndex.of(context.knowledge)
        async with self.client.session() as session:

            async def one(item: tuple[str, Sequence[Message]]) -> _Finding:
                key, messages = item
                materials = {
                    "turns": as_data(messages),
                    "knowledge": index.relevant(messages),
                    "procedure": procedure_text(context.procedures, scenarios[key]),
                }
                return await self._conversation(session, _Case(key, messages, materials, known.get(key, [])))

            return await bounded_map(one, context.dialogues().items(), self.client.settings.max_in_flight)

    async def _conversation(self, session: Session, case: _Case) -> _Finding:
        settings = self.client.settings
        tokens = estimated_tokens(case.materials["turns"])
        if tokens > settings.max_conversation_tokens:
            detail = f"about {tokens} tokens, {settings.max_conversation_tokens} are allowed"
            return _failed(case, case.known, {"conversation": Failure("too_long", detail)})
        requests = [_brief(case, name) for name in SPECIALISTS]
        outcomes = dict(zip(SPECIALISTS, await session.complete_many(requests, PanelClaims), strict=True))
        answers = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Success)}
        failures = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Failure)}
        claims = [
            _claim(case, name, claim, answer, settings) for name, answer in answers.items() for claim in answer.value.claims
        ]
        return await self._adjudicate(session, case, claims, list(answers.values()), failures)

    async def _adjudicate(
        self,
        session: Session,
        case: _Case,
        claims: Sequence[Claim],
        answers: Sequence[Success[PanelClaims]],
        failures: Mapping[str, Failure],
    ) -> _Finding:
        settled = [claim for claim in claims if claim.decision == "rejected"]
        shown = sorted([*(claim for claim in claims if claim.decision != "rejected"), *case.known], key=blind_order)
        outcome = await session.complete(
            _prompt(case, "adjudicator.jinja", {**case.materials, "claims": numbered(shown)}), Adjudication
        )
        if isinstance(outcome, Failure):
            reason = f"adjudication failed: {outcome.reason}"
            waiting = [claim if claim.kind == "deterministic" else replace(claim, decision_reason=reason) for claim in shown]
            return _failed(case, [*settled, *waiting], {**failures, "adjudicator": outcome}, answers)
        said, decided = outcome.value, ruled(shown, outcome.value)
        disputes = [new for old, new in zip(shown, decided, strict=True) if _disputed(old, new)]
        return _Finding(
            [*settled, *(old if old.decision == "accepted" else new for old, new in zip(shown, decided, strict=True))],
            _verdict(case.key, said, disputes, failures),
            list(failures.values()),
            [*answers, outcome],
            len(disputes),
            stray(shown, said),
        )


def _claim(case: _Case, specialist: str, claim: PanelClaim, answer: Success[PanelClaims], settings: LlmSettings) -> Claim:
    """A specialist's claim as a row. One that cannot stand is rejected here and never reaches the adjudicator."""
    wrong = problem(case.messages, claim)
    return Claim(
        conversation_id=case.key,
        inspector=f"panel/{specialist}",
        inspector_version=VERSION,
        kind="llm",
        issue_type=claim.issue_type if claim.issue_type in ISSUE_TYPES else SPECIALISTS[specialist][0],
        severity=claim.severity,
        turn=claim.turn,
        quote=claim.quote if wrong else verbatim(case.messages[claim.turn], claim.quote) or "",
        explanation=claim.explanation,
        confidence=claim.confidence,
        decision="rejected" if wrong else "unresolved",
        decision_reason=wrong or "not ruled on",
        llm_model=settings.model,
        llm_parameters=settings.parameters_json(),
        prompt_hash=answer.prompt_hash,
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        cost_usd=answer.cost_usd,
    )


def _brief(case: _Case, specialist: str) -> LlmRequest:
    return _prompt(case, f"{specialist}.jinja", {**case.materials, "issue_types": ", ".join(SPECIALISTS[specialist])})


def _prompt(case: _Case, template: str, values: Mapping[str, str]) -> LlmRequest:
    system = render("inspection", "system.jinja", {})
    return LlmRequest(render("inspection", template, values), system=system, about=case.key)


def _disputed(old: Claim, new: Claim) -> bool:
    return old.decision == "accepted" and new.decision == "rejected" and old.severity != "minor"


def _verdict(key: str, said: Adjudication, disputes: Sequence[Claim], failures: Mapping[str, Failure]) -> Verdict:
    disputed = [f"the adjudicator disputes {c.issue_type} at turn {c.turn}: {c.decision_reason}" for c in disputes]
    confidence = min(said.confidence, DISPUTED_CONFIDENCE) if disputes else said.confidence
    evidence = (f"adjudicator: {said.reason}", *disputed)
    return Verdict(key, said.solved, said.satisfied, 0.0 if failures else confidence, evidence, _shown(failures))


def _failed(
    case: _Case, claims: Sequence[Claim], failures: Mapping[str, Failure], answers: Sequence[Success[PanelClaims]] = ()
) -> _Finding:
    return _Finding(claims, Verdict(case.key, 0.5, 0.5, 0.0, (), _shown(failures)), list(failures.values()), answers)


def _shown(failures: Mapping[str, Failure]) -> tuple[str, ...]:
    return tuple(f"{who}: {failure}" for who, failure in failures.items())


def _counts(findings: Sequence[_Finding]) -> dict[str, int | float]:
    answers = [answer for finding in findings for answer in finding.answers]
    failed = Counter(failure.reason for finding in findings for failure in finding.failures)
    return {
        "llm_prompt_tokens": sum(answer.usage.prompt_tokens for answer in answers),
        "llm_completion_tokens": sum(answer.usage.completion_tokens for answer in answers),
        "llm_cost_usd": round(sum(answer.cost_usd for answer in answers), 6),
        "llm_disputed": sum(finding.disputed for finding in findings),
        "llm_stray_rulings": sum(finding.stray_rulings for finding in findings),
        **{f"llm_failed_{reason}": count for reason, count in sorted(failed.items())},
    }
