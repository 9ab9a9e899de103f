"""Inspects a day: evidence inspectors first, then the LLM panel where an endpoint is configured.

What belongs here: the order, and the two tables. What does not: what inspectors look for.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from wow_flywheel.cases.findings import FindingDecisions, overruled
from wow_flywheel.contracts import AUDIT, PANEL_CALLS
from wow_flywheel.dialogue import turns
from wow_flywheel.inspection.evidence import gather, one_each
from wow_flywheel.inspection.frames import claims_frame, verdicts_frame
from wow_flywheel.inspection.outcome import conclude
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.policies.apply import Applied

if TYPE_CHECKING:  # the panel brings the endpoint's client along, which a day without endpoint does not need
    from wow_flywheel.inspection.panel import Panel


@dataclass(frozen=True, slots=True)
class Inspection:
    """What inspection found on a day.

    Attributes:
        inspections: Contract `inspections`: every claim with its decision.
        verdicts: Contract `verdicts`: one row a conversation.
        counts: conversations, claims, accepted, rejected, unresolved, failures, and the panel's own counts.
        calls: Contract `panel_calls`: every question to the panel.
        audit: Contract `inspection_audit`: rates in the panel's random sample.
        plan: What the panel was to hear and at what estimated cost, in words; empty without a panel that chooses.
    """

    inspections: pl.DataFrame
    verdicts: pl.DataFrame
    counts: Mapping[str, int | float]
    calls: pl.DataFrame = field(default_factory=PANEL_CALLS.empty)
    audit: pl.DataFrame = field(default_factory=AUDIT.empty)
    plan: Sequence[tuple[str, str]] = ()


def inspect(
    conversations: pl.DataFrame,
    *,
    rule_findings: pl.DataFrame,
    satisfaction: pl.DataFrame,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
    triage: pl.DataFrame | None = None,
    applied: Mapping[str, Applied] | None = None,
    by_people: FindingDecisions | None = None,
    panel: "Panel | None" = None,
    say: Callable[[str], None] = lambda _: None,
) -> Inspection:
    """Inspect conversations.

    Args:
        conversations: Contract `conversations`.
        rule_findings: Contract `rule_findings`.
        satisfaction: Contract `satisfaction`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        triage: Contract `triage`: whom the panel hears first; None without one. Evidence inspectors do not look at it.
        applied: What each conversation was to follow; None without policy matches.
        by_people: What people decided about findings of the day: it outweighs evidence and panel, and scores follow from it.
        panel: The LLM panel; None runs the evidence inspectors alone, and every row says so.
        say: Told before the panel is asked what that is estimated to cost.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    tables = (conversations, turns(conversations), rule_findings, satisfaction, knowledge, procedures)
    context = InspectionContext(*tables, triage=triage, applied=applied)
    people = by_people or FindingDecisions({})
    claims = with_decisions(gather(context), people)
    verdicts = conclude(context, claims)
    if panel is not None:
        return _with_panel(context, claims, verdicts, panel, people, say)
    return Inspection(
        claims_frame(conversations, claims),
        verdicts_frame(conversations, verdicts, lambda _: "evidence"),
        _counts(claims, verdicts),
    )


def _with_panel(
    context: InspectionContext,
    claims: Sequence[Claim],
    verdicts: Mapping[str, Verdict],
    panel: "Panel",
    people: FindingDecisions,
    say: Callable[[str], None],
) -> Inspection:
    from wow_flywheel.inspection.trace import traces_frame

    conversations = context.conversations
    plan = panel.plan(context, claims, verdicts)
    for name, value in plan.lines() if plan else ():
        say(f"{name}: {value}")
    heard = {chosen.key for chosen in plan.heard} if plan else set(verdicts)
    result = panel.inspect(context, claims, verdicts, heard)
    over = {chosen.key: _over_budget(verdicts[chosen.key], plan.budget.shown()) for chosen in plan.left} if plan else {}
    joined = {**verdicts, **result.verdicts, **over}
    merged = with_decisions(one_each(result.claims), people)
    inspections = claims_frame(conversations, merged)
    rows = verdicts_frame(conversations, joined, lambda key: "evidence+panel" if key in heard else "evidence")
    audit = panel.cascade.audit(conversations, inspections, rows) if panel.cascade else AUDIT.empty()
    counts = {**_counts(merged, joined), **result.counts, "llm_over_budget": len(over)}
    lines = plan.lines() if plan else ()
    return Inspection(inspections, rows, counts, traces_frame(conversations, result.traces), audit, lines)


def with_decisions(claims: Sequence[Claim], people: FindingDecisions) -> list[Claim]:
    """The claims, with people's decisions on them in place of evidence's and the panel's."""
    found = [people.on(claim.conversation_id, claim.turn, claim.issue_type, claim.quote) for claim in claims]
    return [
        claim if row is None else dataclasses.replace(claim, **overruled(claim.adjudication or claim.decision, row))
        for claim, row in zip(claims, found, strict=True)
    ]


def _over_budget(verdict: Verdict, budget: str) -> Verdict:
    """What the panel was to hear but could not afford: evidence alone does not decide it."""
    failure = f"panel: over_budget (the budget of {budget} does not reach it)"
    return dataclasses.replace(verdict, failures=(failure,), confidence=0.0)


def _counts(claims: Sequence[Claim], verdicts: Mapping[str, Verdict]) -> dict[str, int | float]:
    decided = Counter(claim.decision for claim in claims)
    return {
        "conversations": len(verdicts),
        "claims": len(claims),
        "accepted": decided["accepted"],
        "rejected": decided["rejected"],
        "unresolved": decided["unresolved"],
        "failures": sum(bool(verdict.failures) for verdict in verdicts.values()),
    }
