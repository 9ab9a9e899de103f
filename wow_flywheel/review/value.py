"""What a person's look at a case is worth: the formula, part by part, with its sentence for the reviewer.

What belongs here: parts, weights, and how they are put together. What does not: where a part's number comes from (`queue`).

    value        = 0.5 · disagreement + 0.3 · stakes + 0.2 · novelty
    disagreement = 1 − ∏ (1 − weight · part)      any one strong doubt is enough
    stakes       = 1 − ∏ (1 − weight · part)
    novelty      = Σ weight · part                 weights sum to 1

Every part is from 0 to 1. The weights are choices, not measurements: disagreement counts most since that is where people change
labels; a part that could not be computed (no triage yet, no fingerprint) is 0 and so cannot push a case forward.
"""

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

Group = Literal["disagreement", "stakes", "novelty"]
GROUPS: Final[dict[Group, float]] = {"disagreement": 0.5, "stakes": 0.3, "novelty": 0.2}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the value.

    Attributes:
        name: Its column.
        group: Which of the three it belongs to.
        weight: From 0 to 1.
        why: What a reviewer reads beside it.
    """

    name: str
    group: Group
    weight: float
    why: str


PARTS: Final = (
    Part("unsure", "disagreement", 0.6, "the verdict is unsure: solved or satisfied are near the middle"),
    Part("sides", "disagreement", 0.7, "panel and evidence decide differently"),
    Part("contested", "disagreement", 0.5, "severe claims that inspectors contradict or leave open"),
    Part("customer", "disagreement", 0.6, "the customer's rating does not fit the outcome"),
    Part("triage", "disagreement", 0.5, "the learned estimate expects another outcome"),
    Part("rules", "disagreement", 0.2, "rules suspect what evidence rejects"),
    Part("use", "stakes", 0.6, "what hangs on the label: a preference pair, a training dialogue, or nothing until decided"),
    Part("severity", "stakes", 0.5, "how severe the gravest open or accepted claim is"),
    Part("script", "stakes", 0.3, "how many conversations run by the same script"),
    Part("scenario_new", "novelty", 0.3, "few cases of this scenario were decided so far"),
    Part("issue_new", "novelty", 0.3, "few findings of these issue types were decided so far"),
    Part("script_new", "novelty", 0.2, "few cases of this script were decided so far"),
    Part("distance", "novelty", 0.2, "unlike every conversation that was decided so far"),
)


def valued(parts: pl.DataFrame) -> pl.DataFrame:
    """The frame with `disagreement`, `stakes`, `novelty` and `value`; the most valuable first, ties by day and conversation.

    Args:
        parts: dt, conversation_id, and each part's column, from 0 to 1; null counts as 0.
    """
    known = parts.with_columns(pl.col(part.name).fill_null(0.0).fill_nan(0.0).clip(0.0, 1.0) for part in PARTS)
    grouped = known.with_columns(disagreement=_any_of("disagreement"), stakes=_any_of("stakes"), novelty=_sum_of("novelty"))
    value = pl.sum_horizontal(pl.col(group) * weight for group, weight in GROUPS.items())
    order = ["value", "dt", "conversation_id"]
    return grouped.with_columns(value=value.round(6)).sort(order, descending=[True, True, False])


def _any_of(group: Group) -> pl.Expr:
    left = pl.lit(1.0)
    for part in PARTS:
        if part.group == group:
            left = left * (1 - part.weight * pl.col(part.name))
    return (1 - left).round(6)


def _sum_of(group: Group) -> pl.Expr:
    return pl.sum_horizontal(part.weight * pl.col(part.name) for part in PARTS if part.group == group).round(6)
