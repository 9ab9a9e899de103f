"""The scan of training rows for what they are evaluated on: equal texts, near duplicates, shared runs of words.

What belongs here: the texts that are compared, and the three comparisons. What does not: runs of words (`grams`), MinHash
(`conversations.duplicates`).

Building a dataset leaves the rows out that the scan finds; the check of the stored tables scans again, and blocks.
"""

from typing import Final

import polars as pl

from wow_flywheel.conversations.duplicates.fingerprints import BANDS, bands_of, signatures
from wow_flywheel.conversations.duplicates.near import near
from wow_flywheel.datasets.grams import overlaps
from wow_flywheel.datasets.tables import DATASETS

ANSWERS: Final = {"sft_dataset": (), "preference_dataset": ("chosen", "rejected"), "labelled_dataset": ("completion",)}
"""The columns of what is said after the prompt; a dialogue has none apart."""
FOUND: Final = {"row": pl.String, "set": pl.String, "of_row": pl.String, "rule": pl.String, "similarity": pl.Float64}
TEXTS: Final = {"set": pl.String, "row": pl.String, "text": pl.String, "customer": pl.String}
"""A text by the set and row that it is of; `customer` is null for what no customer of ours was part of."""
SHAPE: Final = (
    '{"knowledge":[],"reply":null', '{"knowledge":[],"reply":', '{"knowledge":', ',"reply":', ',"action":null}',
    ',"action":{"name":', ',"arguments":', "\\n", '\\"',
)  # fmt: skip
"""What every unified output has in common, and escapes: no words of anybody."""
MARK: Final = "\x02"


def texts(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """What the rows of a dataset say: set (the table), row (its key), text, customer.

    Args:
        table: A dataset.
        rows: Its contract.
    """
    messages = "prompt" if ANSWERS[table] else "messages"
    said = pl.col(messages).list.eval(pl.element().struct.field("content")).list.join(MARK)
    answers = [part for name in ANSWERS[table] for part in (pl.lit(MARK), pl.col(name))]
    whole = pl.concat_str(pl.lit(MARK), said.fill_null(""), *answers)
    text = whole.str.replace_many(list(SHAPE), ["\x04"] * len(SHAPE))
    return rows.select(set=pl.lit(table), row=DATASETS[table], text=text, customer="user_id")


def scan(training: pl.DataFrame, kept_aside: pl.DataFrame, similarity: float) -> pl.DataFrame:
    """The training rows that hold what is kept aside.

    Args:
        training: `TEXTS`.
        kept_aside: The same, of every evaluation set.
        similarity: Estimated Jaccard similarity of a near duplicate.

    Returns:
        row, set and of_row (what it holds), rule (equal, near or runs), similarity; one line for each row and rule, that with
        the highest similarity.
    """
    ours, theirs = (frame.with_columns(text=pl.concat_str(pl.lit(MARK), "text")) for frame in (training, kept_aside))
    if ours.is_empty() or theirs.is_empty():
        return pl.DataFrame(schema=FOUND)
    found = {
        "equal": _equal(ours, theirs),
        "near": _near(ours, theirs, similarity),
        "runs": overlaps(ours["text"], _owned(theirs)),
    }
    named = [
        pl.DataFrame(
            {
                "row": ours["row"][places["row"]],
                "set": theirs["set"][places["of_row"]],
                "of_row": theirs["row"][places["of_row"]],
                "rule": pl.repeat(rule, places.height, eager=True, dtype=pl.String),
                "similarity": places["similarity"],
            },
            schema=FOUND,
        )
        for rule, places in found.items()
    ]
    return (
        pl.concat(named)
        .sort("row", "rule", "similarity", "set", "of_row", descending=[False, False, True, False, False])
        .unique(["row", "rule"], keep="first", maintain_order=True)
    )


def _owned(texts: pl.DataFrame) -> pl.DataFrame:
    """Whose each text is: a customer's, or nobody's but its own."""
    alone = pl.format("{}\x02{}", "set", "row")
    return texts.select("text", owner=pl.coalesce("customer", alone), customer=pl.col("customer").is_not_null())


def _equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    left, right = (frame.select("text").with_row_index("place") for frame in (ours, theirs))
    same = left.join(right.unique("text", keep="first", maintain_order=True), on="text")
    return same.select(
        pl.col("place").cast(pl.Int64).alias("row"), pl.col("place_right").cast(pl.Int64).alias("of_row"), similarity=1.0
    )


def _near(ours: pl.DataFrame, theirs: pl.DataFrame, similarity: float) -> pl.DataFrame:
    mine, other = _prints(ours["text"]), _prints(theirs["text"])
    found = near(mine, other, similarity)
    return found.with_columns(row=mine["place"][found["row"]], of_row=other["place"][found["of_row"]])


def _prints(texts: pl.Series) -> pl.DataFrame:
    """Bands and signatures of the texts that have any words, with their places."""
    rows, spoken = signatures(texts)
    packed = pl.Series("signature", [row.tobytes() for row in rows[spoken]], dtype=pl.Binary)
    bands = pl.Series("bands", bands_of(rows[spoken]), dtype=pl.Array(pl.Int64, BANDS)).cast(pl.List(pl.Int64))
    return pl.DataFrame([pl.Series("place", spoken.nonzero()[0], dtype=pl.Int64), bands, packed])
