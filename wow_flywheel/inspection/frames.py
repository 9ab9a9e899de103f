"""Claims and verdicts as tables.

What belongs here: rows from objects. What does not: what they say.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from wow_flywheel.contracts import INSPECTIONS, VERDICTS
from wow_flywheel.inspection.protocol import Claim, Verdict


def claims_frame(conversations: pl.DataFrame, claims: Sequence[Claim]) -> pl.DataFrame:
    """Contract `inspections`."""
    names = [field.name for field in dataclasses.fields(Claim) if field.name in INSPECTIONS.columns]
    columns = {name: [getattr(claim, name) for claim in claims] for name in names}
    rows = pl.DataFrame(columns, schema={name: INSPECTIONS.columns[name] for name in names})
    return INSPECTIONS.conform(
        rows.join(conversations.select("conversation_id", "dt", "scenario"), on="conversation_id").sort(
            "conversation_id", "turn", "inspector"
        )
    )


def verdicts_frame(conversations: pl.DataFrame, verdicts: Mapping[str, Verdict], by: Callable[[str], str]) -> pl.DataFrame:
    """Contract `verdicts`; `by` says of a conversation who inspected it."""
    rows = [
        {
            "conversation_id": verdict.conversation_id,
            "solved_score": verdict.solved_score,
            "satisfied_score": verdict.satisfied_score,
            "confidence": verdict.confidence,
            "evidence": list(verdict.evidence),
            "failures": list(verdict.failures),
            "inspected_by": by(verdict.conversation_id),
        }
        for verdict in verdicts.values()
    ]
    schema = {name: kind for name, kind in VERDICTS.columns.items() if name not in {"dt", "scenario"}}
    frame = pl.DataFrame(rows, schema=schema)
    return VERDICTS.conform(
        frame.join(conversations.select("conversation_id", "dt", "scenario"), on="conversation_id").sort("conversation_id")
    )
