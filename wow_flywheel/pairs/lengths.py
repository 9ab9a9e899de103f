"""Whether length alone tells the chosen side from the rejected: a model that learns that learns nothing else.

What belongs here: the two classifiers, and when so few pairs prove it. What does not: what is done about it (`selection`).
"""

from collections.abc import Sequence
from math import comb
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Lengths: TypeAlias = NDArray[np.int64]
FOLDS: Final = 5
SURPRISING: Final = 0.05


class Threshold(NamedTuple):
    """Says that a side is the chosen one if it is longer than `at`, or, if not `longer`, that it is so if it is not longer."""

    at: float
    longer: bool

    def chosen(self, lengths: Lengths) -> NDArray[np.bool_]:
        """Which of some sides it takes for the chosen one."""
        longer: NDArray[np.bool_] = lengths > self.at
        return longer if self.longer else ~longer


def told_by_pair(chosen: Sequence[int], rejected: Sequence[int]) -> float:
    """Accuracy of naming the longer side of each pair, or the shorter one, whichever is right more often; ties count half.

    Args:
        chosen: Characters of each pair's chosen side; at least one.
        rejected: Of its rejected side.
    """
    difference = np.subtract(chosen, rejected)
    return float((max((difference > 0).sum(), (difference < 0).sum()) + (difference == 0).sum() / 2) / difference.size)


def told_by_threshold(chosen: Sequence[int], rejected: Sequence[int]) -> float:
    """Accuracy of the best threshold on a side's length, cross-validated in five folds of whole pairs.

    A logistic regression on length alone decides by such a threshold. Pair `i` is in fold `i` modulo 5.
    """
    longer, shorter = np.asarray(chosen), np.asarray(rejected)
    folds = np.arange(longer.size) % min(FOLDS, max(longer.size, 1))
    right = 0
    for fold in range(min(FOLDS, longer.size)):
        train, test = folds != fold, folds == fold
        rule = best_threshold(longer[train], shorter[train])
        right += int(rule.chosen(longer[test]).sum() + (~rule.chosen(shorter[test])).sum())
    return right / (2 * longer.size)


def best_threshold(chosen: Lengths, rejected: Lengths) -> Threshold:
    """The threshold that tells most sides rightly."""
    if not chosen.size:
        return Threshold(0.0, longer=True)
    cuts = np.unique(np.concatenate([chosen, rejected]))
    above = chosen.size - np.searchsorted(np.sort(chosen), cuts, side="right")
    below = np.searchsorted(np.sort(rejected), cuts, side="right")
    right = above + below
    high, low = int(right.argmax()), int(right.argmin())
    if right[high] >= 2 * chosen.size - right[low]:
        return Threshold(float(cuts[high]), longer=True)
    return Threshold(float(cuts[low]), longer=False)


def telling(chosen: Sequence[int], rejected: Sequence[int]) -> NDArray[np.int64]:
    """For each pair how much it helps the better of both classifiers: 2 if it gets both sides right by it, 0 if none."""
    longer, shorter = np.asarray(chosen), np.asarray(rejected)
    rule = best_threshold(longer, shorter)
    by_threshold = rule.chosen(longer).astype(np.int64) + ~rule.chosen(shorter)
    sign = np.sign(longer - shorter)
    by_pair = 1 + sign * (1 if (sign > 0).sum() >= (sign < 0).sum() else -1)
    return by_threshold if by_threshold.sum() >= by_pair.sum() else by_pair


def told(chosen: Sequence[int], rejected: Sequence[int]) -> float:
    """The higher of both accuracies; 0.5 without a pair."""
    return max(told_by_pair(chosen, rejected), told_by_threshold(chosen, rejected)) if len(chosen) else 0.5


def beyond_chance(right: float, of: int, limit: float, evidence: int) -> bool:
    """True if a share is above its limit: outright from `evidence` pairs on, below that only where chance hardly does it.

    With few pairs a share swings. It counts as above the limit if, were the limit the truth (or a coin, where the limit is
    lower), so many would be right on fewer than one of twenty days (the upper tail of the binomial distribution): 6 of 6 pairs
    are above 60 %, 3 of 3 are not.

    Args:
        right: Pairs that are told rightly; fractions are cut off below `evidence`.
        of: All pairs.
        limit: The share that may be.
        evidence: From how many pairs on the share itself decides.
    """
    if not of or right / of <= limit:
        return False
    return of >= evidence or upper_tail(int(right + 1e-9), of, max(limit, 0.5)) < SURPRISING


def upper_tail(at_least: int, of: int, chance: float) -> float:
    """The probability that at least so many of some trials succeed, each with the same chance."""
    return sum(comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(at_least, of + 1))
