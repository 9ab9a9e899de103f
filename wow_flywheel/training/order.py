"""The order in which examples are seen: a pure function of lengths, batch size, length of the run and seed.

Because the order hangs on no random state, a run that was killed and resumed sees exactly what an undisturbed one would have
seen. What belongs here: which example comes when. What does not: what an example is (`encoding`).
"""

import math
import random
from collections.abc import Sequence

WINDOW = 16
"""Steps sorted by length together: wide enough to save most padding, narrow enough to keep steps mixed."""


def steps_of(examples: int, group: int, epochs: float, max_steps: int) -> int:
    """Optimizer steps of a run: `max_steps`, or as many as the epochs need, rounded up."""
    return max_steps or max(1, math.ceil(examples * epochs / group))


def training_order(lengths: Sequence[int], group: int, steps: int, seed: int) -> list[int]:
    """Indices of the examples of a whole run, `steps * group` of them.

    Permutations of all examples follow one another, one an epoch; the last step is filled from the next. Within windows of
    `WINDOW` steps examples are sorted by length, so that a step's batches need little padding; the steps of a window are then
    shuffled, so that lengths do not drift.

    Args:
        lengths: Tokens of each example.
        group: Examples in one optimizer step over all devices.
        steps: Optimizer steps of the run.
        seed: Decides every permutation.
    """
    rng = random.Random(seed)
    stream: list[int] = []
    while len(stream) < steps * group:
        stream += rng.sample(range(len(lengths)), len(lengths))
    order: list[int] = []
    for start in range(0, steps * group, group * WINDOW):
        window = sorted(stream[start : min(start + group * WINDOW, steps * group)], key=lambda index: lengths[index])
        members = [window[i : i + group] for i in range(0, len(window), group)]
        rng.shuffle(members)
        order += [index for step in members for index in step]
    return order
