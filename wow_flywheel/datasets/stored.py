"""The contamination scan of datasets as they are stored.

What belongs here: reading what is compared. What does not: the comparison (`contamination`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wow_flywheel.datasets.contamination import scan, texts
from wow_flywheel.datasets.external import read_evaluation_sets
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


def stored_scan(lake: Lake, cycle: str, name: str, evaluation_sets: str | None, similarity: float) -> Scanned:
    """Scan the training rows of one dataset of a cycle against the held-out rows of both, and further evaluation sets.

    Args:
        lake: The tables.
        cycle: The cycle's name.
        name: `sft_dataset` or `preference_dataset`.
        evaluation_sets: Folder of further sets, if there are any.
        similarity: Estimated Jaccard similarity of a near duplicate.
    """
    aside = [texts(each, lake.read(each, cycle).filter(split="held_out")) for each in DATASETS]
    if evaluation_sets is not None:
        aside.append(read_evaluation_sets(evaluation_sets))
    kept_aside = pl.concat(aside)
    training = texts(name, lake.read(name, cycle).filter(split="train"))
    sets = dict(kept_aside["set"].value_counts().sort("set").iter_rows())
    return Scanned(scan(training, kept_aside, similarity), training.height, sets)
