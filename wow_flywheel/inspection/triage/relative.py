"""Features relative to the scenario: how a conversation differs from the others that are about the same.

What belongs here: that subtraction. What does not: features (`features`), learning from them (`estimator`). Ten turns are many
where a demand takes four, and few where it takes twelve; what is usual is seen without any label, so that it is known of a
scenario that nobody has labelled yet.
"""

from collections.abc import Sequence
from typing import Any, Final

FEWEST: Final = 5
"""Conversations of a scenario below which nothing is known to be usual there: they get zeros."""
TINY: Final = 1e-6


def relative(numbers: Any, scenarios: Sequence[str]) -> Any:
    """Each feature's distance from its scenario's mean, in that scenario's standard deviations.

    Args:
        numbers: Float (conversations, features), NaN where a log does not say.
        scenarios: Of each conversation.

    Returns:
        Float (conversations, features): NaN where `numbers` has NaN, zeros in scenarios of fewer than five conversations.
    """
    import numpy as np

    found = np.zeros_like(numbers)
    names = np.asarray(scenarios, dtype=object)
    for name in sorted(set(scenarios)):
        rows = names == name
        if rows.sum() >= FEWEST:
            own = np.ma.masked_invalid(numbers[rows])
            found[rows] = np.ma.filled((own - own.mean(axis=0)) / (own.std(axis=0) + TINY), np.nan)
    return found
