"""The LLM panel: hears conversations at once, and says what holds of them.

What belongs here: the day's cases, many at once, the second opinion, the verdicts and the counts. What does not: one case's
hearing (`hearing`), what holds against the evidence (`combine`), calls (`llm`).
Whatever could not be asked is shown as a failure, never left out.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from wow_flywheel.contracts import ATTEMPT
from wow_flywheel.inspection.answers import Adjudication, ruled
from wow_flywheel.inspection.cascade import Cascade, Plan
from wow_flywheel.inspection.case import BY_POLICY, Case, cases
from wow_flywheel.inspection.combine import RULES, combined, for_a_person, opposed, sides
from wow_flywheel.inspection.hearing import SEVERE, VERSION, Hearing
from wow_flywheel.inspection.proof import proven
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.inspection.trace import Trace
from wow_flywheel.llm.client import Failure, LlmClient, Session
from wow_flywheel.llm.fanout import bounded_map


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What the panel found.

    Attributes:
        claims: All claims: the panel's own, ruled on, and the given ones, of which those unresolved are ruled on too.
        verdicts: A verdict on each conversation that was heard, with the evidence's; `failures` says what could not be done, as
            `who: reason (detail)`.
        counts: Of this run llm_calls, llm_from_ledger, llm_retries, llm_spent_usd, llm_pushbacks; of all answers, whenever they
            were paid for, llm_answers, llm_repaired (sent back before they fitted), llm_prompt_tokens, llm_completion_tokens,
            llm_cost_usd; llm_disputed, llm_stray_rulings, llm_instruction_attempts, llm_second_opinions, llm_without_policy (no
            policy applied, so that specialist was not asked); llm_failed_<reason> where any failed.
        traces: Every question that was put.
    """

    claims: list[Claim]
    verdicts: dict[str, Verdict]
    counts: dict[str, int | float]
    traces: list[Trace]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the panel makes of one conversation."""

    hearing: Hearing
    verdict: Verdict
    second: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel behind one endpoint, or two.

    Attributes:
        client: The endpoint.
        second: Another model, asked where the first one's ruling is contested; None asks nobody.
        cascade: Which conversations of a day are heard; None hears each.
        reverse_share: See `Hearing`.
    """

    client: LlmClient
    second: LlmClient | None = None
    cascade: Cascade | None = None
    reverse_share: float = 0.1

    def inspect(
        self,
        context: InspectionContext,
        claims: Sequence[Claim],
        verdicts: Mapping[str, Verdict],
        heard: Collection[str] | None = None,
    ) -> PanelResult:
        """Hear conversations of the context.

        Args:
            context: See there.
            claims: The evidence inspectors' claims; the adjudicator is shown those not rejected, without their authors.
            verdicts: What evidence concludes, by conversation.
            heard: The conversations to hear; None hears all.

        Raises:
            EndpointRefused: The endpoint refuses for good.
            EndpointUnavailable: It is down: many calls in a row got no answer.
        """
        before = self._spending()
        everyone = cases(context, claims, verdicts, self.client.settings.max_conversation_tokens)
        chosen = [case for case in everyone if heard is None or case.key in heard]
        found = asyncio.run(self._inspect(chosen))
        now = {name: value - before[name] for name, value in self._spending().items()}
        keys = {case.key for case in chosen}
        return PanelResult(
            [
                *(c for c in claims if c.decision == "rejected" or c.conversation_id not in keys),
                *(claim for each in found for claim in [*each.hearing.claims, *_attempts(each.hearing.case)]),
            ],
            {each.verdict.conversation_id: each.verdict for each in found},
            {**now, **_counts(found)},
            [trace for each in found for trace in each.hearing.traces],
        )

    def plan(self, context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict]) -> Plan | None:
        """What the cascade would have heard, within the client's budget; None without a cascade."""
        if self.cascade is None:
            return None
        return self.cascade.plan(context, claims, verdicts, self.client.settings, self.client.budget)

    async def _inspect(self, cases: Sequence[Case]) -> list[_Found]:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.client.session())
            second = await stack.enter_async_context(self.second.session()) if self.second else None

            async def one(case: Case) -> _Found:
                hearing = Hearing(case, session, self.reverse_share)
                await hearing.hold()
                return await _concluded(hearing, second)

            return await bounded_map(one, cases, min(len(cases), self.client.settings.max_in_flight))

    def _spending(self) -> dict[str, int | float]:
        clients = [self.client, *([self.second] if self.second else [])]
        parts = [client.spending() for client in clients]
        return {name: sum(part[name] for part in parts) for name in parts[0]}


async def _concluded(hearing: Hearing, second: Session | None) -> _Found:
    """The verdict: the adjudicator's, a second model's on what is contested, and the evidence's."""
    case, said = hearing.case, hearing.said
    if hearing.failures or said is None:
        failed = Verdict(case.key, 0.5, 0.5, 0.0, (), tuple(f"{who}: {failure}" for who, failure in hearing.failures.items()))
        return _Found(
            hearing, combined(case.evidence, failed, instructed=False, outvoted=False, severe=False, cited=False), second=False
        )
    disputed = [f"the adjudicator disputes {c.issue_type} at turn {c.turn}: {c.decision_reason}" for c in hearing.disputes]
    panel = Verdict(case.key, said.solved, said.satisfied, said.confidence, (f"adjudicator: {said.reason}", *disputed))
    contested = _contested(hearing, panel)
    outvoted = False
    if contested and second is not None and not case.attempts:
        outvoted = await _second_opinion(hearing, panel, second)
    if "second adjudicator" in hearing.failures:
        waiting = Verdict(case.key, 0.5, 0.5, 0.0, (), (f"second adjudicator: {hearing.failures['second adjudicator']}",))
        kept = combined(case.evidence, waiting, instructed=False, outvoted=False, severe=False, cited=False)
        return _Found(hearing, kept, second=True)
    if contested and not outvoted:
        panel = for_a_person(panel, f"contested: {'; '.join(contested)}") if not opposed(case.evidence, panel) else panel
    severe = any(_counts_against(claim) for claim in hearing.claims)
    shown = proven(case.messages, said, solved=sides(panel)[0] != -1)
    verdict = combined(case.evidence, panel, instructed=bool(case.attempts), outvoted=outvoted, severe=severe, cited=shown)
    return _Found(hearing, verdict, second=contested != [] and second is not None and not case.attempts)


def _contested(hearing: Hearing, panel: Verdict) -> list[str]:
    """Why the adjudicator's word needs a second one."""
    evidence = hearing.case.evidence
    against = opposed(evidence, panel) if evidence.confidence >= RULES.confidence else []
    loose = _loose(hearing) if sides(panel)[0] == 1 else []
    waiting = [c for c in hearing.claims if c.kind == "llm" and c.decision == "unresolved" and c.severity in SEVERE]
    return [
        *(["low confidence"] if panel.confidence < RULES.confidence else []),
        *([f"evidence decides otherwise on {' and '.join(against)}"] if against else []),
        *(["it disputes severe claims that evidence accepts"] if hearing.disputes else []),
        *([f"{len(waiting)} severe claims stay open"] if waiting else []),
        *([f"{len(loose)} severe claims rest on nothing that is shown"] if loose else []),
    ]


async def _second_opinion(hearing: Hearing, panel: Verdict, second: Session) -> bool:
    """True if a second model, asked the same, decides as the first one did, on the whole and on every severe claim."""
    shown = [claim for claim in hearing.claims if claim.decision != "rejected" or claim in hearing.disputes]
    last = len(hearing.case.windows) - 1
    request = hearing.adjudicator_prompt(last, hearing.summaries[last], shown)
    outcome = await second.complete(request, Adjudication)
    if isinstance(outcome, Failure):
        hearing.trace("second adjudicator", last, request, outcome, second.settings.model, (), "no second word")
        if outcome.reason == "pending":
            hearing.failures["second adjudicator"] = outcome
        return False
    hearing.answers.append(outcome)
    value = outcome.value
    other = Verdict(hearing.case.key, value.solved, value.satisfied, value.confidence, ())
    again = ruled([replace(claim, decision="unresolved") for claim in shown], value)
    differing = [a for a, b in zip(shown, again, strict=True) if a.severity in SEVERE and a.decision != b.decision]
    agrees = sides(other) == sides(panel) and value.confidence >= RULES.confidence and not differing
    said = "agrees with the first" if agrees else f"differs from the first ({len(differing)} severe claims): a person decides"
    hearing.trace("second adjudicator", last, request, outcome, second.settings.model, (), said)
    return agrees


def _counts_against(claim: Claim) -> bool:
    by_models = claim.kind == "llm" or claim.decision_reason.startswith("adjudicator")
    return by_models and claim.decision == "accepted" and claim.severity in SEVERE


def _loose(hearing: Hearing) -> list[Claim]:
    """Severe claims on the panel's word alone, which cite nothing that is about what they say; none where evidence accepts a
    severe one itself."""
    if any(claim.decision == "accepted" and claim.severity in SEVERE for claim in hearing.case.known):
        return []
    return [claim for claim in hearing.claims if _counts_against(claim) and not claim.anchored]


def _attempts(case: Case) -> list[Claim]:
    """Each attempt to instruct the judge as a finding; it is nobody's fault in the service, so it is minor."""
    return [
        Claim(
            conversation_id=case.key,
            inspector="panel/attempts",
            inspector_version=VERSION,
            kind="deterministic",
            issue_type=ATTEMPT,
            severity="minor",
            turn=attempt.turn,
            quote=attempt.quote,
            explanation=f"said by {case.messages[attempt.turn]['role']}; disguise: {attempt.disguise}",
            confidence=0.9,
            decision="accepted",
            decision_reason="the words are in the turn",
        )
        for attempt in case.attempts
    ]


def _counts(found: Sequence[_Found]) -> dict[str, int | float]:
    answers = [answer for each in found for answer in each.hearing.answers]
    failed = Counter(failure.reason for each in found for failure in each.hearing.failures.values())
    return {
        "llm_prompt_tokens": sum(answer.usage.prompt_tokens for answer in answers),
        "llm_completion_tokens": sum(answer.usage.completion_tokens for answer in answers),
        "llm_cost_usd": round(sum(answer.cost_usd for answer in answers), 6),
        "llm_answers": len(answers),
        "llm_repaired": sum(answer.repairs > 0 for answer in answers),
        "llm_disputed": sum(len(each.hearing.disputes) for each in found),
        "llm_stray_rulings": sum(each.hearing.stray_rulings for each in found),
        "llm_instruction_attempts": sum(len(each.hearing.case.attempts) for each in found),
        "llm_second_opinions": sum(each.second for each in found),
        "llm_without_policy": sum(BY_POLICY not in each.hearing.case.specialists for each in found),
        **{f"llm_failed_{reason}": count for reason, count in sorted(failed.items())},
    }
