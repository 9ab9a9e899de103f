"""Near duplicates among fingerprints: candidates by shared bands, verified by their signatures.

What belongs here: comparing two sets of fingerprints in numpy. What does not: which days are compared (`find`).

A band that many conversations share (a script, run a thousand times) gives each of them a few candidates, not a thousand: the
first, the one before, and the one in the middle. So the work grows with the rows and not with their pairs, and as those of one
script resemble each other, few suffice; a test measures what is missed against comparing all pairs.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wow_flywheel.conversations.duplicates.fingerprints import BANDS, VALUES, Signatures

Places: TypeAlias = NDArray[np.int64]
VERIFIED_AT_ONCE: Final = 20_000
MATCHES: Final = {"row": pl.Int64, "of_row": pl.Int64, "similarity": pl.Float64}


def near(later: pl.DataFrame, earlier: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Which rows are near duplicates of a row of an earlier time.

    Args:
        later: Contract `fingerprints`, in order, bands and signatures not null.
        earlier: The same of an earlier time.
        threshold: Least estimated Jaccard similarity, 0 to 1.

    Returns:
        `row`, `of_row` (places in the two frames) and `similarity`: the first near row of each row that has one.
    """
    pairs = _candidates_between(_bands(later), _bands(earlier))
    return _verified(pairs, _signatures(later), _signatures(earlier), threshold)


def near_within(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """As `near`, of each row against those before it."""
    found = _signatures(rows)
    return _verified(_candidates_within(_bands(rows)), found, found, threshold)


def links_within(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """As `near_within`, but every verified pair and not only the first of each row: what connects rows to clusters."""
    found = _signatures(rows)
    return _matches(_candidates_within(_bands(rows)), found, found, threshold)


def _candidates_between(later: Places, earlier: Places) -> Places:
    order = np.argsort(earlier, axis=None, kind="stable")
    keys = earlier.reshape(-1)[order]
    wanted = later.reshape(-1)
    begin, end = np.searchsorted(keys, wanted, side="left"), np.searchsorted(keys, wanted, side="right")
    met = np.flatnonzero(end > begin)
    row, begin, end = met // BANDS, begin[met], end[met]
    return _distinct(row, (order[place] // BANDS for place in (begin, end - 1, (begin + end) // 2)))


def _candidates_within(bands: Places) -> Places:
    order = np.argsort(bands, axis=None, kind="stable")
    keys, row = bands.reshape(-1)[order], order // BANDS
    place = np.arange(keys.size)
    begins = np.append(True, keys[1:] != keys[:-1])
    first = np.maximum.accumulate(np.where(begins, place, 0))
    later = np.flatnonzero(~begins)
    others = (row[found[later]] for found in (first, place - 1, (first + place) // 2))
    return _distinct(row[later], others)


def _distinct(row: Places, others: Iterator[Places]) -> Places:
    """Pairs of places, each once, ordered."""
    joined = [(row << np.int64(32)) | other for other in others]
    codes = np.unique(np.concatenate(joined))
    return np.stack([codes >> np.int64(32), codes & np.int64(0xFFFFFFFF)])


def _verified(pairs: Places, later: Signatures, earlier: Signatures, threshold: float) -> pl.DataFrame:
    return _matches(pairs, later, earlier, threshold).unique("row", keep="first", maintain_order=True)


def _matches(pairs: Places, later: Signatures, earlier: Signatures, threshold: float) -> pl.DataFrame:
    row, other = pairs
    similarity = np.zeros(row.size)
    for start in range(0, row.size, VERIFIED_AT_ONCE):
        part = slice(start, start + VERIFIED_AT_ONCE)
        similarity[part] = (later[row[part]] == earlier[other[part]]).mean(axis=1)
    kept = similarity >= threshold
    return pl.DataFrame([row[kept], other[kept], similarity[kept]], schema=MATCHES)


def _bands(rows: pl.DataFrame) -> Places:
    return rows["bands"].explode(empty_as_null=False).to_numpy().reshape(-1, BANDS)


def _signatures(rows: pl.DataFrame) -> Signatures:
    return np.frombuffer(b"".join(rows["signature"]), np.uint32).reshape(-1, VALUES)
