"""The order in which a day's conversations are worth inspecting.

What belongs here: one rank from two risks. What does not: estimating (`estimator`), spending a budget (`inspection.run`). The
triage makes no label: it says where to look first, and a high unsolved risk withholds Good (`cases.label`).
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Final

import polars as pl

from wow_flywheel.contracts import TRIAGE
from wow_flywheel.inspection.triage.estimator import TARGETS, Estimator, Examples, Target
from wow_flywheel.inspection.triage.features import KEY, observe
from wow_flywheel.inspection.triage.labels import known
from wow_flywheel.inspection.triage.meaning import SentenceEncoder

ENOUGH_OF_EACH: Final = 30
"""Labels of each kind from which on the estimate ranks better than the evidence inspectors: docs/labelling/calibration.md."""

Tables = dict[str, pl.DataFrame]
"""conversations, satisfaction, inspections, verdicts, findings; see `features.observe`."""


def rank(
    today: Tables,
    earlier: Tables,
    decisions: pl.DataFrame,
    encoder: SentenceEncoder | None = None,
    upheld: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Rank a day's conversations by how much they need inspection.

    Args:
        today: The day's tables.
        earlier: The same of the days before it, to learn from.
        decisions: Contract `decisions`.
        encoder: Reads what was said last; None goes without.
        upheld: dt and conversation_id of those with a severe finding that a person accepted.

    Returns:
        Contract `triage`. Where there are too few labels to learn from, a risk is null and the evidence inspectors' verdict
        takes its place in the rank.
    """
    conversations = today["conversations"]
    if conversations.is_empty():
        return TRIAGE.empty()
    unknown: Sequence[float | None] = [None] * conversations.height
    of_earlier = cache(partial(_examples, earlier, encoder))
    of_today = cache(lambda: _examples(today, encoder).beside(of_earlier()))
    risks, trained = {}, 0
    for target in TARGETS:
        learned = _labelled(earlier["conversations"], known(target, earlier["satisfaction"], decisions, upheld))
        risks[target], count = _risks(target, learned, of_earlier, of_today) if _enough(learned) else (unknown, 0)
        trained = max(trained, count)
    verdicts = today["verdicts"].select("conversation_id", "solved_score", "satisfied_score")
    rows = conversations.select("dt", "conversation_id", "scenario").with_columns(
        dissatisfied_risk=pl.Series(risks["dissatisfied"], dtype=pl.Float64),
        unsolved_risk=pl.Series(risks["unsolved"], dtype=pl.Float64),
        trained_on=pl.lit(trained, pl.Int64),
    )
    joined = rows.join(verdicts, on="conversation_id", how="left", maintain_order="left")
    places = [
        pl.coalesce(risk, 1 - pl.col(score), 0.5).rank("average", descending=True)
        for risk, score in (("dissatisfied_risk", "satisfied_score"), ("unsolved_risk", "solved_score"))
    ]
    need = pl.min_horizontal(*places) + sum(places, pl.lit(0.0)) / (1000 * len(conversations))
    ranked = joined.with_columns(need_rank=pl.struct(need.alias("need"), "conversation_id").rank("ordinal").cast(pl.Int64))
    return TRIAGE.conform(ranked.drop("solved_score", "satisfied_score").sort("need_rank"))


def _labelled(conversations: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The conversations that have a label, in the order of their ids: row (its place among all), dt, conversation_id, label."""
    return conversations.select(KEY).with_row_index("row").join(labels, on=KEY).sort("conversation_id", "dt")


def _enough(learned: pl.DataFrame) -> bool:
    positives = int(learned["label"].sum())
    return min(positives, learned.height - positives) >= ENOUGH_OF_EACH


def _risks(
    target: Target, learned: pl.DataFrame, earlier: Callable[[], Examples], today: Callable[[], Examples]
) -> tuple[Sequence[float | None], int]:
    fitted = Estimator(target).fit(earlier().take(learned["row"].to_list()), learned["label"].to_list())
    return fitted.score(today()), learned.height


def _examples(tables: Tables, encoder: SentenceEncoder | None) -> Examples:
    return Examples.of(observe(**tables), tables["conversations"]["scenario"].to_list(), encoder)
