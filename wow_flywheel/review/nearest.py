"""How unlike each conversation is from those that people decided, by their MinHash signatures.

What belongs here: the distance to the nearest decided one. What does not: making signatures (`conversations.duplicates`).
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wow_flywheel.conversations.duplicates.fingerprints import VALUES

COMPARED: Final = 1000
"""Most decided conversations that are compared with, evenly spread over all."""
AT_ONCE: Final = 256


def distances(open_ones: pl.Series, decided: pl.Series) -> pl.Series:
    """1 − the estimated Jaccard similarity with the nearest decided conversation; 1 if none is, null without a signature.

    Args:
        open_ones: Signatures, as in `fingerprints`; null where nobody says a word.
        decided: The same of the decided ones.
    """
    known = decided.drop_nulls()
    spread = known.gather_every(max(1, -(-len(known) // COMPARED)))
    targets = _matrix(spread)
    spoken = open_ones.drop_nulls()
    found = np.ones(len(spoken))
    if len(targets):
        rows = _matrix(spoken)
        for start in range(0, len(rows), AT_ONCE):
            found[start : start + AT_ONCE] = 1 - _likeness(rows[start : start + AT_ONCE], targets)
    values = iter(found.tolist())
    return pl.Series("distance", [next(values) if given else None for given in open_ones.is_not_null()], dtype=pl.Float64)


def _likeness(rows: NDArray[np.uint32], targets: NDArray[np.uint32]) -> NDArray[np.float64]:
    same = np.zeros((len(rows), len(targets)), dtype=np.int16)
    for place in range(VALUES):
        same += rows[:, place, None] == targets[None, :, place]
    best: NDArray[np.float64] = same.max(axis=1) / VALUES
    return best


def _matrix(signatures: pl.Series) -> NDArray[np.uint32]:
    return np.frombuffer(b"".join(signatures), np.uint32).reshape(-1, VALUES)
