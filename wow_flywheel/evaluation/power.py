"""How many episodes a comparison needs: the power of the paired test, by the normal approximation.

What belongs here: the formulas. What does not: the standard deviation of the differences (`intervals.clustered_sd`), what the
gate makes of it (`release.gate`).

Source: for paired differences with standard deviation s, a two-sided interval of confidence 1 − α excludes a difference that is
δ away from the truth with probability 1 − β once n ≥ ((z₁₋α⸝₂ + z₁₋β) · s / δ)² (Machin et al., "Sample Sizes for Clinical,
Laboratory and Epidemiology Studies", 4th ed., ch. 3 and 9: superiority, and non-inferiority of equal treatments by a margin δ).
"""

from math import ceil, sqrt
from statistics import NormalDist
from typing import Final

from wow_flywheel.evaluation.intervals import LEVEL

POWER: Final = 0.8


def episodes_for(margin: float, sd: float, *, power: float = POWER, level: float = LEVEL) -> int:
    """Fewest episodes with which the interval excludes a difference `margin` away from the truth.

    For superiority `margin` is the gain to be seen; for non-inferiority, the margin, when both models are equal.

    Args:
        margin: In the metric's unit, above 0.
        sd: Of the paired differences, in the same unit, 0 or more.
        power: Probability of seeing it, between 0 and 1.
        level: Of the interval.

    Raises:
        ValueError: A value is out of its range.
    """
    if margin <= 0 or sd < 0 or not 0 < power < 1 or not 0 < level < 1:
        raise ValueError(f"no sample size for margin={margin}, sd={sd}, power={power}, level={level}")
    return max(2, ceil((_quantiles(power, level) * sd / margin) ** 2))


def detectable(n: int, sd: float, *, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest difference that `n` episodes show with the given power, in the unit of `sd`.

    Raises:
        ValueError: There are no episodes.
    """
    if n < 1:
        raise ValueError("no episodes")
    return _quantiles(power, level) * sd / sqrt(n)


def power_of(n: int, margin: float, sd: float, *, level: float = LEVEL) -> float:
    """The probability that `n` episodes exclude a difference `margin` away from the truth."""
    if sd == 0:
        return 1.0
    return NormalDist().cdf(margin * sqrt(n) / sd - NormalDist().inv_cdf((1 + level) / 2))


def _quantiles(power: float, level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(power)
