"""How much of each source a training set takes: shares of bytes, and rows of earlier cycles with decay.

What belongs here: the arithmetic of shares, and the draws. What does not: reading the sources (`external`, `build`).

A draw goes by the hash of the cycle's and the row's name: the same rows for the same cycle, others for the next. Nothing is
repeated to reach a share: where a source has too little, it is all taken, and the manifest says what the share came to.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import floor

import polars as pl

from wow_flywheel.datasets.rows import size


def share_budget(other_bytes: int, share: float) -> int:
    """Bytes of a source that make it this share of a whole whose other part has `other_bytes`: other · share / (1 − share).

    Args:
        other_bytes: UTF-8 bytes of the other part.
        share: From 0, below 1.
    """
    return floor(other_bytes * share / (1 - share))


def drawn(rows: pl.DataFrame, budget: int, cycle: str) -> pl.DataFrame:
    """As many rows, in the order of the draw, as fit the budget; the order of the input does not matter.

    Args:
        rows: With conversation_id (unique) and messages.
        budget: UTF-8 bytes.
        cycle: The cycle's name.
    """
    ordered = rows.with_columns(draw=draw(rows["conversation_id"], cycle)).sort("draw")
    return ordered.filter(size("messages").cum_sum() <= budget).drop("draw")


def replayed(earlier: pl.DataFrame, key: str, own_rows: int, cycle: str, share: float, decay: float) -> pl.DataFrame:
    """Rows of earlier cycles that this one sees again.

    The n-th cycle before this one, n from 1, gives at most floor(own_rows · share · decay^(n−1)) rows.

    Args:
        earlier: Training rows of earlier cycles, without those that this cycle has itself.
        key: The column that names a row; of a row of several cycles the latest counts.
        own_rows: Training rows of this cycle's own.
        cycle: The cycle's name; only cycles before it, in the order of names, count.
        share: From 0.
        decay: 0 to 1.

    Returns:
        The rows, with the cycle that gave them in `from_cycle`.
    """
    before = earlier.filter(pl.col("cycle") < cycle).sort("cycle", key, descending=[True, False])
    once = before.unique(key, keep="first", maintain_order=True)
    caps = quotas(sorted(set(before["cycle"]), reverse=True), own_rows, share, decay)
    ranked = once.with_columns(draw=draw(once[key], cycle)).with_columns(rank=pl.col("draw").rank("ordinal").over("cycle"))
    limit = pl.col("cycle").replace_strict(list(caps), list(caps.values()), default=0, return_dtype=pl.Int64)
    kept = ranked.filter(pl.col("rank") <= limit).drop("draw", "rank")
    return kept.with_columns(from_cycle=pl.col("cycle")).with_columns(cycle=pl.lit(cycle))


def quotas(cycles: Sequence[str], own_rows: int, share: float, decay: float) -> Mapping[str, int]:
    """Most rows by cycle, the latest first."""
    return {name: floor(own_rows * share * decay**place) for place, name in enumerate(cycles)}


def draw(keys: pl.Series, cycle: str) -> pl.Series:
    """The place of each row in the draw of a cycle, as hexadecimal text."""
    return pl.Series("draw", [sha256(f"{cycle}:{key}".encode()).hexdigest() for key in keys], dtype=pl.String)
