"""Planted defects: recall and precision by issue type, on the closed world, written Chinese dialogues, STAR and CrossWOZ.

What belongs here: the clean conversations of each source, and the table. What does not: planting and measuring
(`wow_flywheel.inspection.calibration`).
"""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from benchmarks.labels_gold import SHARED, all_days, answers, frames
from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.defs.calibration.sources import Clean, reference
from wow_flywheel.inspection.calibration.measure import claims_on, measure
from wow_flywheel.inspection.calibration.plant import plant
from wow_flywheel.inspection.calibration.samples import promises
from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA, PROCEDURE_SCHEMA, load_knowledge, load_procedures

DAY = dt.date(2026, 1, 5)
EACH = 150


def star() -> Clean:
    """STAR conversations whose task was achieved, to the content of their users, as far as these were asked."""
    gold = answers("star")
    good = [
        key for key, row in gold.items() if row["task_achieved"] and row["agent_calm_and_helpful"] and not row["user_annoyed"]
    ]
    rows = frames("star")["conversations"].filter(pl.col("conversation_id").is_in(good))
    procedures = load_procedures(str(SHARED / "star" / "policies.jsonl.gz"))
    return Clean("STAR (en)", rows, load_knowledge(str(SHARED / "star" / "knowledge")), procedures, (promises(),))


def crosswoz() -> Clean:
    """CrossWOZ, Chinese dialogues between people; nobody judged them, so that a real fault in one counts as a false alarm."""
    no_knowledge, no_procedures = pl.DataFrame(schema=KNOWLEDGE_SCHEMA), pl.DataFrame(schema=PROCEDURE_SCHEMA)
    return Clean("CrossWOZ (zh)", all_days("crosswoz"), no_knowledge, no_procedures, (promises(),))


def tables() -> Iterator[str]:
    """Markdown: one table a source."""
    sources = [*reference(DAY, 600), *([star(), crosswoz()] if SHARED.is_dir() else [])]
    for source in sources:
        planted = plant(source.conversations, knowledge=source.knowledge, procedures=source.procedures, each=EACH)
        claims = claims_on(planted, knowledge=source.knowledge, procedures=source.procedures, policies=source.policies)
        found = measure(planted, claims, DAY).filter(locale="*")
        yield f"\n### {source.name}: {planted.defects.height} defects\n"
        yield "| issue type | planted | rules: recall | rules: precision | evidence: recall | evidence: precision |"
        yield "|---|---|---|---|---|---|"
        for issue_type in ISSUE_TYPES:
            rows = {row["inspector"]: row for row in found.filter(issue_type=issue_type).iter_rows(named=True)}
            if rows:
                cells = [_cell(rows[layer], kind) for layer in ("rules", "evidence") for kind in ("recall", "precision")]
                yield f"| {issue_type} | {rows['rules']['defects']} | {' | '.join(cells)} |"


def _cell(row: dict[str, float | None], kind: str) -> str:
    if row[kind] is None:
        return "–"
    return f"{row[kind]:.2f} [{row[f'{kind}_low']:.2f}, {row[f'{kind}_high']:.2f}]"
