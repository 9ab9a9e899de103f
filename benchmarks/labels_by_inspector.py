"""Each inspector against gold: what people said where it accepts a claim, and where it does not.

What belongs here: the table. What does not: scores (`labels_agreement`), labels (`labels_by_label`), planted defects
(`labels_planted`). Nothing is fitted, so all rows with gold that may be scored are counted.
"""

from collections.abc import Iterator
from typing import Final

import polars as pl

from benchmarks.labels_by_label import shown_share
from benchmarks.labels_gold import Gold, frames

LEAST: Final = 10
"""Conversations with a claim from which on an inspector gets a row."""


def tables(gold: Gold, name: str, shown: str) -> Iterator[str]:
    """Markdown: a row for each inspector and issue type.

    Args:
        gold: The truth.
        name: Of the set.
        shown: What is true of a positive row, as printed.
    """
    truths = {key: truth for key, truth, counted in zip(gold.ids, gold.truths, gold.counted, strict=True) if counted}
    accepted = frames(name)["inspections"].filter(
        pl.col("decision") == "accepted", pl.col("conversation_id").is_in(list(truths))
    )
    yield f"\n### inspector × {gold.name}: {shown}, of {len(truths)} conversations\n"
    yield f"| issue type | inspector | claims in | {shown} where it accepts a claim | where it does not |"
    yield "|---|---|---|---|---|"
    for (issue_type, inspector), rows in sorted(accepted.partition_by("issue_type", "inspector", as_dict=True).items()):
        claimed = set(rows["conversation_id"])
        if len(claimed) >= LEAST:
            with_it = sum(truths[key] for key in claimed), len(claimed)
            without = sum(truths.values()) - with_it[0], len(truths) - len(claimed)
            yield f"| {issue_type} | {inspector} | {len(claimed)} | {shown_share(with_it)} | {shown_share(without)} |"
