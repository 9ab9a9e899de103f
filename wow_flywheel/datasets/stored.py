"""The contamination scan of datasets as they are stored.

What belongs here: reading what is compared. What does not: the comparison (`contamination`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wow_flywheel.datasets.contamination import scan, texts
from wow_flywheel.datasets.tables import DATASETS
from wow_flywheel.lake import Lake


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found.

    Attributes:
        found: As `contamination.scan` gives it: ids and scores, no text.
        training: Training rows that were looked at.
        sets: Evaluated rows by set.
    """

    found: pl.DataFrame
    training: int
    sets: Mapping[str, int]

    @property
    def kept_aside(self) -> int:
        """Evaluated rows in all."""
        return sum(self.sets.values())


def stored_scan(lake: Lake, cycle: str, name: str, evaluated: pl.DataFrame, similarity: float) -> Scanned:
    """Scan the training rows of one dataset of a cycle against the held-out rows of both, and what else is evaluated on.

    Args:
        lake: The tables.
        cycle: The cycle's name.
        name: `sft_dataset` or `preference_dataset`.
        evaluated: Further texts; columns `contamination.TEXTS`.
        similarity: Estimated Jaccard similarity of a near duplicate.
    """
    aside = [texts(each, lake.read(each, cycle).filter(split="held_out")) for each in DATASETS]
    kept_aside = pl.concat([*aside, evaluated])
    training = texts(name, lake.read(name, cycle).filter(pl.col("split") != "held_out"))
    sets = dict(kept_aside["set"].value_counts().sort("set").iter_rows())
    return Scanned(scan(training, kept_aside, similarity), training.height, sets)
