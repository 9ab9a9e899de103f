"""Small arithmetic that the triage's features share.

What belongs here: shares, means and trends of lists that may be empty. What does not: what they are of.
"""

import math
import statistics
from collections.abc import Iterable, Sequence

NAN = float("nan")


def share(truths: Iterable[bool]) -> float:
    """The share that is true; 0 for none."""
    values = list(truths)
    return sum(values) / len(values) if values else 0.0


def mean(values: Sequence[float]) -> float:
    """log(1 + mean); NaN for none."""
    return math.log1p(statistics.fmean(values)) if values else NAN


def trend(values: Sequence[int]) -> float:
    """Length of the later half of the user's turns against the earlier half, as a logarithm; 0 if there are under four."""
    half = len(values) // 2
    return math.log((1 + statistics.fmean(values[half:])) / (1 + statistics.fmean(values[:half]))) if half > 1 else 0.0
