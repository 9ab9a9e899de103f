"""Confidence intervals: Wilson for shares, a clustered bootstrap for means and for paired differences.

What belongs here: formulas on arrays. What does not: metrics and tables.

Sources: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference"; B. Efron (1987), "Better
bootstrap confidence intervals" (BCa), with whole clusters drawn and left out, because the episodes of one customer are not
independent.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.95
DRAWS: Final = 4000
SEED: Final = 20251013
CELLS_AT_ONCE: Final = 2_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval.

    Attributes:
        value: The estimate; None when n is 0.
        low: Lower bound; None when the data cannot give one.
        high: Upper bound; None when the data cannot give one.
        n: Number of observations.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


def wilson(successes: int, n: int, level: float = LEVEL) -> Interval:
    """The Wilson score interval of a share: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n).

    Raises:
        ValueError: `successes` is not between 0 and `n`.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(None, None, None, 0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)), n)


def clustered_mean(values: Floats, clusters: NDArray[Any], *, level: float = LEVEL, seed: int = SEED) -> Interval:
    """The mean of values with its BCa bootstrap interval, drawing whole clusters.

    Given differences between two models on the same episodes, this is the paired bootstrap. With fewer than two clusters
    nothing can be resampled, so the bounds are None.

    Args:
        values: One number an observation, finite.
        clusters: Each observation's cluster (the customer), of the same length.
        level: Coverage aimed at.
        seed: Of the draws: the same data always give the same interval.
    """
    n = len(values)
    if n == 0:
        return Interval(None, None, None, 0)
    estimate = float(np.mean(values))
    _, index = np.unique(clusters.astype(str), return_inverse=True)
    sums: Floats = np.bincount(index, weights=values).astype(np.float64)
    counts: Floats = np.bincount(index).astype(np.float64)
    if len(sums) < 2:
        return Interval(estimate, None, None, n)
    draws = _draw_means(sums, counts, np.random.default_rng(seed))
    lower, upper = np.quantile(draws, _bca_levels(draws, estimate, _leave_one_out(sums, counts), level))
    return Interval(estimate, float(lower), float(upper), n)


def clustered_sd(values: Floats, clusters: NDArray[Any]) -> float | None:
    """The standard deviation that one observation would have if all were independent and the mean were as uncertain.

    √n times the cluster-robust standard error of the mean (Liang and Zeger 1986), with C clusters:
    √(Σ_c (Σ_{i∈c} (x_i − mean))² · C / (C − 1) / n). It carries what clustering costs, so that formulas for independent
    observations may be used.

    Returns:
        In the values' unit; None with fewer than two clusters.
    """
    _, index = np.unique(clusters.astype(str), return_inverse=True)
    n, size = len(values), int(index.max(initial=-1)) + 1
    if size < 2:
        return None
    totals = np.bincount(index, weights=values - np.mean(values))
    return float(np.sqrt(np.sum(totals**2) * size / (size - 1) / n))


def _draw_means(sums: Floats, counts: Floats, generator: np.random.Generator) -> Floats:
    """Means of `DRAWS` resamples, in blocks so that memory stays bounded however many clusters there are."""
    size = len(sums)
    block = max(1, min(DRAWS, CELLS_AT_ONCE // size))
    means = np.empty(DRAWS)
    for start in range(0, DRAWS, block):
        stop = min(DRAWS, start + block)
        picked = generator.integers(0, size, size=(stop - start, size))
        means[start:stop] = sums[picked].sum(axis=1) / counts[picked].sum(axis=1)
    return means


def _leave_one_out(sums: Floats, counts: Floats) -> Floats:
    left: Floats = (sums.sum() - sums) / (counts.sum() - counts)
    return left


def _bca_levels(draws: Floats, estimate: float, left_out: Floats, level: float) -> tuple[float, float]:
    """The quantile levels of the BCa interval; ties with the estimate count half, so that a symmetric case is not shifted."""
    normal = NormalDist()
    tolerance = 1e-12 * max(1.0, abs(estimate))
    below = np.mean(draws < estimate - tolerance) + np.mean(np.abs(draws - estimate) <= tolerance) / 2
    bias = normal.inv_cdf(float(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    spread = left_out.mean() - left_out
    squares = float(np.sum(spread**2))
    acceleration = float(np.sum(spread**3)) / (6 * squares**1.5) if squares > tolerance**2 else 0.0
    return _adjusted((1 - level) / 2, bias, acceleration), _adjusted((1 + level) / 2, bias, acceleration)


def _adjusted(level: float, bias: float, acceleration: float) -> float:
    normal = NormalDist()
    shifted = bias + normal.inv_cdf(level)
    return normal.cdf(bias + shifted / (1 - acceleration * shifted))
