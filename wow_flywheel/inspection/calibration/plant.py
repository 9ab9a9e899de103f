"""Plants defects into a set of clean conversations.

What belongs here: which conversations get which defect, and the two frames that come out. What does not: how a defect is
planted (`planters`), what finds it (`measure`).
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.inspection.calibration.phrases import language_of
from wow_flywheel.inspection.calibration.planters import PLANTERS, Ground

DEFECTS: Final = {
    "conversation_id": pl.String,
    "original_id": pl.String,
    "issue_type": pl.String,
    "turn": pl.Int64,
    "until": pl.Int64,
    "locale": pl.String,
}


@dataclass(frozen=True, slots=True)
class Planted:
    """Conversations with known defects, beside the clean ones that they come from.

    Attributes:
        conversations: Contract `conversations`: each original that was used, and each with a defect, named `<id>~<issue type>`.
        defects: conversation_id, original_id, issue_type, turn, until (the last turn at which it shows), locale (en or zh).
    """

    conversations: pl.DataFrame
    defects: pl.DataFrame


def plant(clean: pl.DataFrame, *, knowledge: pl.DataFrame, procedures: pl.DataFrame, each: int = 40, seed: int = 0) -> Planted:
    """Plant each issue type into clean conversations.

    Args:
        clean: Contract `conversations`; nobody knows of a defect in them.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        each: How many defects of each type, at most: where fewer conversations offer a place there are fewer.
        seed: Equal seeds plant the same.
    """
    rng = random.Random(seed)
    units, steps = knowledge["content"].to_list(), _steps(procedures)
    rows = clean.sort("conversation_id").to_dicts()
    defects: list[dict[str, Any]] = []
    changed: dict[str, dict[str, Any]] = {}
    for issue_type in PLANTERS:
        rng.shuffle(rows)
        for row, defect in _of_type(issue_type, rows, units, steps, rng, each):
            defects.append(defect)
            changed[defect["conversation_id"]] = row
    used = clean.filter(pl.col("conversation_id").is_in([defect["original_id"] for defect in defects]))
    frame = pl.DataFrame(list(changed.values()), schema=CONVERSATIONS.columns)
    return Planted(CONVERSATIONS.conform(pl.concat([used.select(frame.columns), frame])), pl.DataFrame(defects, schema=DEFECTS))


def _of_type(
    issue_type: str,
    rows: list[dict[str, Any]],
    units: list[str],
    steps: Mapping[str, Mapping[str, str]],
    rng: random.Random,
    each: int,
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    made = 0
    for row in rows:
        ground = Ground(row["messages"], rng, units, steps.get(row["scenario"], {}))
        planting = PLANTERS[issue_type](ground) if made < each else None
        if planting is not None:
            made += 1
            key = f"{row['conversation_id']}~{issue_type}"
            defect = {
                "conversation_id": key,
                "original_id": row["conversation_id"],
                "issue_type": issue_type,
                "turn": planting.turn,
                "until": planting.until,
                "locale": language_of(row["messages"]),
            }
            yield {**row, "conversation_id": key, "messages": planting.messages}, defect


def _steps(procedures: pl.DataFrame) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for scenario, step, following in procedures.select("scenario", "reply_id", "next_reply_id").drop_nulls().iter_rows():
        found.setdefault(scenario, {})[step] = following
    return found
