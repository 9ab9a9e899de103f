"""The order in which examples are seen: a pure function of lengths, batch size, length of the run and seed.

Because the order hangs on no random state, a run that was killed and resumed sees exactly what an undisturbed one would have
seen. What belongs here: which example comes when. What does not: what an example is (`encoding`).
"""

import math
import random
from collections.abc import Sequence

WINDOW = 16
"""Steps sorted by length together: wide enough to save most padding, narrow enough to keep steps mixed."""


def steps_of(examples: float, group: int, epochs: float, max_steps: int) -> int:
    """Optimizer steps of a run: `max_steps`, or as many as the epochs need, rounded up.

    Args:
        examples: Examples in an epoch; with weights, their sum.
        group: Examples in one optimizer step over all devices.
        epochs: Passes over the data.
        max_steps: 0, or the answer.
    """
    return max_steps or max(1, math.ceil(examples * epochs / group))


def training_order(
    lengths: Sequence[int], group: int, steps: int, seed: int, weights: Sequence[float] | None = None
) -> list[int]:
    """Indices of the examples of a whole run, `steps * group` of them.

    Permutations of all examples follow one another, one an epoch; the last step is filled from the next. Within windows of
    `WINDOW` steps examples are sorted by length, so that a step's batches need little padding; the steps of a window are then
    shuffled, so that lengths do not drift.

    Args:
        lengths: Tokens of each example.
        group: Examples in one optimizer step over all devices.
        steps: Optimizer steps of the run.
        seed: Decides every permutation.
        weights: How often each example is seen in an epoch, on average; by default once.
    """
    rng = random.Random(seed)
    stream: list[int] = []
    while len(stream) < steps * group:
        epoch = list(range(len(lengths))) if weights is None else _drawn(weights, rng)
        stream += rng.sample(epoch, len(epoch))
    order: list[int] = []
    for start in range(0, steps * group, group * WINDOW):
        window = sorted(stream[start : min(start + group * WINDOW, steps * group)], key=lambda index: lengths[index])
        members = [window[i : i + group] for i in range(0, len(window), group)]
        rng.shuffle(members)
        order += [index for step in members for index in step]
    return order


def _drawn(weights: Sequence[float], rng: random.Random) -> list[int]:
    """Each example as often as its weight says; of a fraction, by chance."""
    return [index for index, weight in enumerate(weights) for _ in range(int(weight) + (rng.random() < weight % 1))]
