"""What keeps one script, one customer or a repeated conversation from flooding a training set.

What belongs here: leaving out duplicates, and the caps. What does not: finding duplicates (`conversations.duplicates`).

The caps draw by the hash of a row's id: the same rows of the same input, in no order of time. The defaults leave the closed
world untouched (at most 5 of a customer and 12 of a script in a cycle); of a week of logs that a hundred crowd workers made,
up to 107 conversations each, they keep nine in ten.
"""

from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from wow_flywheel.lake import Lake

CONVERSATION = ("dt", "conversation_id")


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of each dataset of a cycle.

    Attributes:
        per_user: Most rows of one customer, from 1.
        per_template: Most rows of one script on each side of the split, from 1: of conversations whose assistant's side is the
            same but for numbers, placeholders and names.
    """

    per_user: int = 50
    per_template: int = 50


def repeated(lake: Lake) -> pl.LazyFrame:
    """`repeats` of a lake as it is now."""
    return repeats(lake.scan("duplicates"), lake.scan("fingerprints"))


def repeats(duplicates: pl.LazyFrame, fingerprints: pl.LazyFrame) -> pl.LazyFrame:
    """The conversations that training leaves out as duplicates: dt, conversation_id.

    A duplicate whose original is no longer there (its day was read again without it, or it was forgotten) is not left out.

    Args:
        duplicates: Contract `duplicates`.
        fingerprints: Contract `fingerprints`: which conversations are there.
    """
    there = fingerprints.select(of_dt="dt", of_conversation_id="conversation_id")
    return duplicates.join(there, on=["of_dt", "of_conversation_id"], how="semi").select(CONVERSATION)


def without(rows: pl.DataFrame, duplicates: pl.LazyFrame) -> pl.DataFrame:
    """The rows whose conversation is none of these, in their order."""
    days = rows["dt"].unique().to_list()
    return rows.join(duplicates.filter(pl.col("dt").is_in(days)).collect(), on=CONVERSATION, how="anti", maintain_order="left")


def limited(rows: pl.DataFrame, key: str, templates: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows of a dataset that stay under its caps.

    Args:
        rows: With dt, conversation_id, user_id, split.
        key: The column that names a row.
        templates: Columns dt, conversation_id, template_hash; a conversation without one is under no cap of its script.
        limits: The caps.

    Returns:
        The rows, in their order, and how many were left out by reason: user_cap, template_cap.
    """
    named = rows.join(templates, on=CONVERSATION, how="left", maintain_order="left").with_columns(draw=_draw(rows[key]))
    of_user = named.filter(_rank("user_id") <= limits.per_user)
    kept = of_user.filter(pl.col("template_hash").is_null() | (_rank("split", "template_hash") <= limits.per_template))
    left_out = {"user_cap": named.height - of_user.height, "template_cap": of_user.height - kept.height}
    return kept.select(rows.columns), left_out


def _rank(*by: str) -> pl.Expr:
    return pl.col("draw").rank("ordinal").over(by)


def _draw(keys: pl.Series) -> pl.Series:
    return pl.Series([sha256(f"draw:{key}".encode()).hexdigest() for key in keys], dtype=pl.String)
