"""How far scores and labels agree with the truth: AUROC, precision at k, Cohen's kappa, each with an interval.

What belongs here: formulas on lists. What does not: where truth comes from, tables.

Sources: J. A. Hanley, B. J. McNeil (1982), "The meaning and use of the area under a ROC curve" (AUROC as a rank statistic);
J. Cohen (1960), "A coefficient of agreement for nominal scales"; B. Efron, R. Tibshirani (1993), "An introduction to the
bootstrap", chapter 13 (percentile intervals).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wow_flywheel.evaluation.intervals import LEVEL, SEED, Interval

DRAWS = 1000
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Measure = Callable[[Floats, Bools], float]


def auroc(scores: Floats, truths: Bools) -> float:
    """The share of pairs of a true and a false case that the scores put in the right order; ties count half.

    NaN if one of the two kinds is missing.
    """
    positives = int(truths.sum())
    negatives = len(truths) - positives
    if not positives or not negatives:
        return float("nan")
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]
    return float((ranks[truths].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def precision_at(k: int) -> Measure:
    """A measure: the share of true cases among the k highest scores (all of them if there are fewer)."""

    def measure(scores: Floats, truths: Bools) -> float:
        top = np.argsort(-scores, kind="stable")[:k]
        return float(truths[top].mean()) if len(top) else float("nan")

    return measure


def kappa(labels: Bools, truths: Bools) -> float:
    """Cohen's kappa of two labellings into two kinds: (p − pₑ) / (1 − pₑ); NaN where chance alone would agree fully."""
    agreed = float((labels == truths).mean())
    by_chance = float(labels.mean() * truths.mean() + (1 - labels.mean()) * (1 - truths.mean()))
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def kappa_above(threshold: float) -> Measure:
    """A measure: the kappa of calling true what scores at least `threshold`."""
    return lambda scores, truths: kappa(scores >= threshold, truths)


def confusion(labels: Sequence[bool], truths: Sequence[bool]) -> dict[str, int]:
    """How many are true and called so (hits), false and called true (alarms), missed (misses), and rightly left (rest)."""
    pairs = list(zip(labels, truths, strict=True))
    return {
        "hits": pairs.count((True, True)),
        "alarms": pairs.count((True, False)),
        "misses": pairs.count((False, True)),
        "rest": pairs.count((False, False)),
    }


def measured(
    measure: Measure, scores: Sequence[float], truths: Sequence[bool], clusters: Sequence[str] | None = None
) -> Interval:
    """A measure with its percentile bootstrap interval.

    Args:
        measure: Such as `auroc`.
        scores: One a case.
        truths: One a case.
        clusters: Whole clusters are drawn where cases of one (a customer, a task) are not independent; None draws cases.

    Returns:
        Bounds are None where fewer than half of the draws give a value.
    """
    points, kinds = np.asarray(scores, dtype=float), np.asarray(truths, dtype=bool)
    value = measure(points, kinds) if len(points) else float("nan")
    if np.isnan(value):
        return Interval(None, None, None, len(points))
    members = _members(clusters, len(points))
    generator = np.random.default_rng(SEED)
    drawn = []
    for _ in range(DRAWS):
        picked = np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))])
        drawn.append(measure(points[picked], kinds[picked]))
    found = np.array([each for each in drawn if not np.isnan(each)])
    if len(found) < DRAWS / 2:
        return Interval(value, None, None, len(points))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), len(points))


def _members(clusters: Sequence[str] | None, size: int) -> list[NDArray[Any]]:
    if clusters is None:
        return [np.array([i]) for i in range(size)]
    names = np.asarray(clusters)
    return [np.flatnonzero(names == name) for name in sorted(set(clusters))]
