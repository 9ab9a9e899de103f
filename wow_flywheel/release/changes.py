"""A comparison's rows as the gate sees them: gains, turned so that positive is better.

What belongs here: reading the tables. What does not: rules and decisions (`gate`).

Where two kinds of evaluation measure the same metric, such as RR, the end-to-end one speaks: `KINDS` in its order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import polars as pl

from wow_flywheel.contracts.evaluations import EVALUATION_KINDS
from wow_flywheel.errors import ReleaseError
from wow_flywheel.evaluation.intervals import LEVEL

COLUMNS = ("metric", "difference", "low", "high", "n", "sd", "higher_is_better", "kind")


@dataclass(frozen=True, slots=True)
class Change:
    """One metric's row of a comparison that has a difference."""

    metric: str
    difference: float
    low: float | None
    high: float | None
    n: int
    sd: float | None
    higher_is_better: bool
    kind: str
    confidence: float = LEVEL

    @property
    def gain(self) -> float:
        """The difference, positive where the candidate is better."""
        return self.difference if self.higher_is_better else -self.difference

    @property
    def gain_low(self) -> float | None:
        """The worse end of the gain's interval."""
        return self.low if self.higher_is_better else None if self.high is None else -self.high

    @property
    def gain_high(self) -> float | None:
        """The better end of the gain's interval."""
        return self.high if self.higher_is_better else None if self.low is None else -self.low

    @property
    def p_value(self) -> float | None:
        """One-sided: how likely a gain of this size is if there is none, by the normal approximation to the paired mean."""
        if self.sd is None:
            return None
        if self.sd == 0:
            return 0.0 if self.gain > 0 else 1.0
        return 1 - NormalDist().cdf(self.gain * sqrt(self.n) / self.sd)

    @property
    def text(self) -> str:
        """Difference, interval and n in words."""
        bounds = (
            "no interval"
            if self.low is None or self.high is None
            else f"{percent(self.confidence)} interval {self.low:+.3f} to {self.high:+.3f}"
        )
        return f"{self.difference:+.3f} ({bounds}, n = {self.n})"


def pair_of(comparisons: pl.DataFrame, evaluations: pl.DataFrame) -> tuple[str, str]:
    """Baseline and candidate.

    Raises:
        ReleaseError: The comparison holds none or several pairs, or the evaluations lack one of the two models.
    """
    pairs = comparisons.select("cycle", "baseline", "candidate").unique().sort(pl.all()).rows()
    if len(pairs) != 1:
        raise ReleaseError(
            f"the gate judges one candidate against one baseline in one cycle, not {pairs}", hint="filter the comparisons first"
        )
    _, baseline, candidate = pairs[0]
    absent = sorted({baseline, candidate} - set(evaluations["model"]))
    if absent:
        raise ReleaseError(f"the evaluations lack {absent}", hint="pass the evaluations of both models")
    return baseline, candidate


def changes_of(comparisons: pl.DataFrame, confidence: float = LEVEL) -> dict[str, Change]:
    """The change of each metric that has one, by metric.

    Args:
        comparisons: Contract `comparisons`, with intervals of 95 %.
        confidence: Of the intervals that the changes are to have.
    """
    found: dict[str, Change] = {}
    for row in in_order_of_kind(comparisons).drop_nulls("difference").select(COLUMNS).iter_rows(named=True):
        ends = {end: stretched(row[end], row["difference"], confidence) for end in ("low", "high")}
        found.setdefault(row["metric"], Change(**{**row, **ends}, confidence=confidence))
    return found


def stretched(end: float | None, value: float, confidence: float) -> float | None:
    """An end of a 95 % interval, moved to another confidence by the ratio of the normal quantiles."""
    if end is None or confidence == LEVEL:
        return end
    return value + (end - value) * NormalDist().inv_cdf((1 + confidence) / 2) / NormalDist().inv_cdf((1 + LEVEL) / 2)


def percent(share: float) -> str:
    """A confidence in words, such as `95 %`."""
    return f"{100 * share:g} %"


def speaking(evaluations: pl.DataFrame) -> pl.DataFrame:
    """The evaluations' rows of the kind that speaks for each metric."""
    kinds: Mapping[str, str] = dict(reversed(in_order_of_kind(evaluations).select("metric", "kind").rows()))
    return evaluations.filter(
        pl.struct("metric", "kind").is_in([{"metric": metric, "kind": kind} for metric, kind in kinds.items()])
    )


def in_order_of_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows sorted so that the kind that speaks for a metric comes first; a table keeps its rows in no order."""
    order = pl.col("kind").replace_strict(list(EVALUATION_KINDS), list(range(len(EVALUATION_KINDS))), return_dtype=pl.Int64)
    return rows.sort(order, maintain_order=True)
