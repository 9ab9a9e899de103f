"""Inspects a day: evidence inspectors first, then the LLM panel where an endpoint is configured.

What belongs here: the order, and the two tables. What does not: what inspectors look for.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from wow_flywheel.contracts import INSPECTIONS, VERDICTS
from wow_flywheel.dialogue import turns
from wow_flywheel.inspection.evidence import gather, one_each
from wow_flywheel.inspection.outcome import conclude
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict

if TYPE_CHECKING:  # the panel brings the endpoint's client along, which a day without endpoint does not need
    from wow_flywheel.inspection.panel import Panel


@dataclass(frozen=True, slots=True)
class Inspection:
    """What inspection found on a day.

    Attributes:
        inspections: Contract `inspections`: every claim with its decision.
        verdicts: Contract `verdicts`: one row a conversation.
        counts: conversations, claims, accepted, rejected, unresolved, failures, and the panel's own counts.
    """

    inspections: pl.DataFrame
    verdicts: pl.DataFrame
    counts: Mapping[str, int | float]


def inspect(
    conversations: pl.DataFrame,
    *,
    rule_findings: pl.DataFrame,
    satisfaction: pl.DataFrame,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
    panel: "Panel | None" = None,
) -> Inspection:
    """Inspect conversations.

    Args:
        conversations: Contract `conversations`.
        rule_findings: Contract `rule_findings`.
        satisfaction: Contract `satisfaction`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        panel: The LLM panel; None runs the evidence inspectors alone, and every row says so.

    Raises:
        EndpointRefused: The endpoint refuses for good.
    """
    context = InspectionContext(conversations, turns(conversations), rule_findings, satisfaction, knowledge, procedures)
    claims = gather(context)
    verdicts = conclude(context, claims)
    extra: Mapping[str, int | float] = {}
    if panel is not None:
        result = panel.inspect(context, claims)
        claims = one_each(result.claims)
        verdicts = {key: _joined(verdict, result.verdicts.get(key)) for key, verdict in verdicts.items()}
        extra = result.counts
    by = "evidence" if panel is None else "evidence+panel"
    return Inspection(
        _claims_frame(conversations, claims),
        _verdicts_frame(conversations, verdicts, by),
        {**_counts(claims, verdicts), **extra},
    )


def _joined(evidence: Verdict, panel: Verdict | None) -> Verdict:
    """The panel's verdict with the evidence's reasons; where the panel failed, the evidence's verdict with the failure
    shown.
    """
    if panel is None:
        return evidence
    if panel.failures:
        return dataclasses.replace(evidence, failures=panel.failures, confidence=min(evidence.confidence, panel.confidence))
    return dataclasses.replace(panel, evidence=(*panel.evidence, *evidence.evidence))


def _claims_frame(conversations: pl.DataFrame, claims: Sequence[Claim]) -> pl.DataFrame:
    names = [field.name for field in dataclasses.fields(Claim)]
    columns = {name: [getattr(claim, name) for claim in claims] for name in names}
    rows = pl.DataFrame(columns, schema={name: INSPECTIONS.columns[name] for name in names})
    return INSPECTIONS.conform(
        rows.join(conversations.select("conversation_id", "dt", "scenario"), on="conversation_id").sort(
            "conversation_id", "turn", "inspector"
        )
    )


def _verdicts_frame(conversations: pl.DataFrame, verdicts: Mapping[str, Verdict], by: str) -> pl.DataFrame:
    rows = [
        {
            "conversation_id": verdict.conversation_id,
            "solved_score": verdict.solved_score,
            "satisfied_score": verdict.satisfied_score,
            "confidence": verdict.confidence,
            "evidence": list(verdict.evidence),
            "failures": list(verdict.failures),
            "inspected_by": by,
        }
        for verdict in verdicts.values()
    ]
    schema = {name: kind for name, kind in VERDICTS.columns.items() if name not in {"dt", "scenario"}}
    frame = pl.DataFrame(rows, schema=schema)
    return VERDICTS.conform(
        frame.join(conversations.select("conversation_id", "dt", "scenario"), on="conversation_id").sort("conversation_id")
    )


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
