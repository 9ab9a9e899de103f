"""Everything that is measured of a cycle's models, summed up: evaluations, comparisons, and the comparison by group.

What belongs here: putting the kinds of outcomes together. What does not: outcomes (`run`, `repair`, `judged`), the tables'
writing (`defs`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.contracts import COMPARISON_SLICES, COMPARISONS, EVALUATIONS
from wow_flywheel.evaluation.compare import compare
from wow_flywheel.evaluation.metrics import KINDS, summarise
from wow_flywheel.evaluation.slices import compare_slices

Outcomes = Mapping[str, pl.DataFrame]
"""Outcomes frames by kind."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A cycle's evaluation.

    Attributes:
        evaluations: Contract `evaluations`.
        comparisons: Contract `comparisons`: each other model with the baseline.
        slices: Contract `comparison_slices`.
    """

    evaluations: pl.DataFrame
    comparisons: pl.DataFrame
    slices: pl.DataFrame


def measure(
    outcomes: Outcomes, baseline: str, others: Sequence[str], cycle: str, hashes: Mapping[str, str | None] | None = None
) -> Measured:
    """Sum up the outcomes of all kinds.

    Args:
        outcomes: By kind; each holds the baseline and others, perhaps more models. A judge hears the candidate alone.
        baseline: The model in use.
        others: The cycle's models, the candidate last.
        cycle: Its name.
        hashes: SHA-256 of the evaluated files, by model.

    Raises:
        ContractError: An outcomes frame is malformed or lacks a model.
    """
    kinds = [kind for kind in KINDS if kind in outcomes and outcomes[kind].height]
    evaluations = [summarise(outcomes[kind], cycle, kind) for kind in kinds]
    pairs = [(kind, other) for kind in kinds for other in others if other in outcomes[kind]["model"]]
    comparisons = [compare(outcomes[kind], baseline, other, cycle, kind) for kind, other in pairs]
    slices = [compare_slices(outcomes[kind], baseline, other, cycle, kind) for kind, other in pairs]
    values = pl.concat([EVALUATIONS.empty(), *evaluations])
    known = pl.col("model").replace_strict(dict(hashes or {}), default=None, return_dtype=pl.String)
    return Measured(
        values.with_columns(model_sha256=known),
        pl.concat([COMPARISONS.empty(), *comparisons]),
        pl.concat([COMPARISON_SLICES.empty(), *slices]),
    )


def with_locale(outcomes: pl.DataFrame, locales: pl.DataFrame) -> pl.DataFrame:
    """Outcomes of held-out dialogues with the language of each.

    Args:
        outcomes: Their episodes are conversation ids.
        locales: Columns conversation_id, locale.
    """
    once = locales.unique("conversation_id").select("locale", episode="conversation_id")
    return outcomes.join(once, on="episode", how="left", maintain_order="left")
