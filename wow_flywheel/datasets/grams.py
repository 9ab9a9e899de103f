"""Which texts hold most of another text's own words: runs of 13 words, hashed, compared by joins.

What belongs here: the comparison of two columns of texts. What does not: which texts (`contamination`).

A run that many customers hear is a script or a phrase, and repeating it proves nothing: it counts for neither side. What is
left of a text are its distinctive runs; the score of two texts is the share of the shorter one's that the other holds (overlap
coefficient), so that a prompt cut out of a long dialogue is found as well as a whole copy.

How often training rows hold a run cannot make it a script: a text that leaked is copied, and the more copies the worse. So the
texts kept aside decide: several of their customers must hold it, each counted once, however many rows their talks give.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from wow_flywheel.conversations.duplicates.shingles import shingles

WORDS: Final = 13
"""Words of a run, as in the scan of GPT-3's training data (Brown et al. 2020, appendix C). A shorter text is one run."""
BOILERPLATE: Final = 10
"""A run that more owners of texts kept aside hold than this is nobody's own."""
SCRIPT: Final = 3
"""So many customers kept aside make a run a script already, where more than `BOILERPLATE` training texts hold it too."""
LEAST: Final = 0.8
"""Share of the shorter text's distinctive runs from which on it is copied."""
FOUND: Final = {"row": pl.Int64, "of_row": pl.Int64, "similarity": pl.Float64}
_RUN: Final = {"text": pl.UInt32, "run": pl.UInt64}


def overlaps(texts: pl.Series, kept_aside: pl.DataFrame) -> pl.DataFrame:
    """The texts that hold most of one that is kept aside, or most of which it holds.

    Args:
        texts: Strings without nulls, each beginning with a character of no word.
        kept_aside: `text` (the same), `owner` (whose it is; rows of one owner count once), `customer` (whether the owner is a
            customer, whose talks follow scripts).

    Returns:
        `row`, `of_row` (places in the two columns), `similarity` (from `LEAST` to 1).
    """
    aside = pl.concat(list(_runs(kept_aside["text"])) or [pl.DataFrame(schema=_RUN)])
    counts, shared = [], []
    for part in _runs(texts):
        counts.append(part.group_by("text").len("runs"))
        shared.append(part.join(aside, on="run", how="semi"))
    if not shared or aside.is_empty():
        return pl.DataFrame(schema=FOUND)
    ours = pl.concat(shared)
    common = _common(ours, aside, kept_aside)
    pairs = ours.join(common, on="run", how="anti").join(aside, on="run").group_by("text", "text_right").len("both")
    sizes = _distinctive(pl.concat(counts), ours, common)
    theirs = _distinctive(aside.group_by("text").len("runs"), aside, common)
    scored = pairs.join(sizes, on="text").join(theirs, left_on="text_right", right_on="text")
    similarity = pl.col("both") / pl.min_horizontal("runs", "runs_right")
    found = scored.select(row="text", of_row="text_right", similarity=similarity).filter(pl.col("similarity") >= LEAST)
    return found.cast(pl.Schema(FOUND)).sort("row", "of_row")


def _common(ours: pl.DataFrame, aside: pl.DataFrame, kept_aside: pl.DataFrame) -> pl.DataFrame:
    """The runs that are nobody's own: column `run`."""
    whose = kept_aside.select("owner", "customer").with_row_index("text")
    owned = aside.join(whose, on="text").select("run", "owner", "customer").unique()
    heard = owned.group_by("run").agg(pl.len().alias("owners"), pl.col("customer").sum().alias("customers"))
    trained = ours.group_by("run").len("trained")
    both = heard.join(trained, on="run", how="left").with_columns(pl.col("trained").fill_null(0))
    script = (pl.col("customers") >= SCRIPT) & (pl.col("trained") > BOILERPLATE)
    return both.filter((pl.col("owners") > BOILERPLATE) | script).select("run")


def _distinctive(counts: pl.DataFrame, runs: pl.DataFrame, common: pl.DataFrame) -> pl.DataFrame:
    """Runs of each text without the common ones among those given."""
    dropped = runs.join(common, on="run", how="semi").group_by("text").len("dropped")
    left = counts.join(dropped, on="text", how="left").select("text", pl.col("runs") - pl.col("dropped").fill_null(0))
    return left.filter(pl.col("runs") > 0)


def _runs(texts: pl.Series) -> Iterator[pl.DataFrame]:
    """The distinct runs of each text, some texts at a time: text (its place), run (hash)."""
    first = 0
    for hashes, begins in shingles(texts, WORDS):
        words = np.diff(begins)
        text = np.repeat(np.arange(words.size), words)
        whole = np.arange(hashes.size) - begins[:-1][text] < np.maximum(1, words - WORDS + 1)[text]
        yield pl.DataFrame({"text": (text[whole] + first).astype(np.uint32), "run": hashes[whole]}, schema=_RUN).unique()
        first += words.size
