"""What a cycle without preference pairs tunes its SFT model on: labelled replies of its training side, where that is asked for.

What belongs here: which labelled replies a cycle may train on, and why it has none. What does not: which replies have a label
(`labelled`), the sides (`placed`), the scan (`contamination`).

    last replies of the Good Cases that are trained on, turns at which Bad Cases went wrong → without duplicates → training side
    alone → caps → without what repeats an evaluation set → at least `LEAST` of each label

The dialogues are not touched: they are those of a cycle that is not asked for labelled replies.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wow_flywheel.contracts import LABELLED_DATASET
from wow_flywheel.datasets.components import UNIT
from wow_flywheel.datasets.contamination import scan, texts
from wow_flywheel.datasets.labelled import bad_replies, good_replies
from wow_flywheel.datasets.limits import limited, repeats, without
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.placed import Placed, place_beside
from wow_flywheel.datasets.recipe import Recipe
from wow_flywheel.datasets.tables import DATASETS, Tables

NAME: Final = "labelled_dataset"
LEAST: Final = 10
"""Fewer good or bad replies than this are learned by heart, and say nothing of what is good or bad."""
Account = dict[str, int]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled replies of a cycle.

    Attributes:
        rows: Contract `labelled_dataset`; none unless there are enough of each label.
        left_out: How many replies are not in it, by reason: duplicate, held_out, merged, reserved_customer, user_cap,
            template_cap, contaminated; and too_few_good, too_few_bad: how many there were where these were too few.
        found: The contaminated ones, as `contamination.scan` gives them.
    """

    rows: pl.DataFrame
    left_out: Account
    found: pl.DataFrame


def labelled(
    tables: Tables,
    cycle: str,
    days: Sequence[dt.date],
    dialogues: pl.DataFrame,
    placed: Placed,
    aside: pl.DataFrame,
    recipe: Recipe,
) -> Labelled:
    """The labelled replies that a cycle may train on.

    Args:
        tables: With cases, conversations, inspections, duplicates and fingerprints.
        cycle: The cycle's name.
        days: The source partitions.
        dialogues: Contract `sft_dataset`, as the cycle trains on it.
        placed: The sides of the cycle's conversations.
        aside: `contamination.TEXTS` of all that is evaluated on.
        recipe: The caps and the similarity.
    """
    account: Account = {}
    bad = _sided(tables, _once(tables, _bad(tables, days), account), placed, recipe, account)
    good = good_replies(dialogues.filter(pl.col("split") == "train", pl.col("from_cycle").is_null()))
    rows = LABELLED_DATASET.conform(pl.concat([good, bad]).with_columns(cycle=pl.lit(cycle), split=pl.lit("train")))
    rows = rows.sort("dt", "reply_id").unique("reply_id", keep="first", maintain_order=True)
    templates = tables.prints(rows).select(*UNIT, "template_hash")
    rows, capped = limited(rows, DATASETS[NAME], templates, recipe.limits)
    found = scan(texts(NAME, rows), aside, recipe.split_similarity)
    clean = rows.filter(~pl.col("reply_id").is_in(found["row"].implode()))
    account |= capped | {"contaminated": rows.height - clean.height}
    return Labelled(_enough(clean, account), account, found)


def why_none(manifest: Manifest) -> str | None:
    """Why a cycle has no labelled replies to train on, in words; None if it has."""
    if manifest.stage == "kto":
        return None
    if manifest.stage == "dpo":
        return "it has preference pairs to train on"
    if manifest.recipe.get("without_pairs", "sft") == "sft":
        return "without preference pairs its SFT model is the candidate (WOW_WITHOUT_PAIRS=sft)"
    there = manifest.counts[f"{NAME}.left_out"]
    good, bad = there["too_few_good"], there["too_few_bad"]
    return f"{good} good and {bad} bad replies may be trained on, {LEAST} of each are needed: its SFT model is the candidate"


def _bad(tables: Tables, days: Sequence[dt.date]) -> pl.DataFrame:
    cases = tables.of_days("cases", days).filter(pl.col("label") == "bad").collect()
    theirs = cases.lazy().select(UNIT)
    talks, found = (
        tables.of_days(name, days).join(theirs, on=list(UNIT), how="semi").collect()
        for name in ("conversations", "inspections")
    )
    return bad_replies(cases, talks, found)


def _once(tables: Tables, rows: pl.DataFrame, account: Account) -> pl.DataFrame:
    once = without(rows, repeats(tables.scan("duplicates"), tables.scan("fingerprints")))
    account["duplicate"] = rows.height - once.height
    return once


def _sided(tables: Tables, rows: pl.DataFrame, placed: Placed, recipe: Recipe, account: Account) -> pl.DataFrame:
    units = rows.select(*UNIT, "user_id", "scenario").unique(UNIT, keep="first", maintain_order=True)
    decided = place_beside(tables, placed, units, recipe.split_similarity)
    joined = rows.join(decided, on=UNIT, how="left", maintain_order="left")
    reasons = joined.select(why=pl.coalesce("why", pl.when(side="held_out").then(pl.lit("held_out")))).drop_nulls()
    account |= {"held_out": 0, "merged": 0, "reserved_customer": 0} | dict(reasons["why"].value_counts().iter_rows())
    return joined.filter(side="train").select(rows.columns)


def _enough(rows: pl.DataFrame, account: Account) -> pl.DataFrame:
    counts = {label: rows.filter(label=label).height for label in ("good", "bad")}
    if min(counts.values()) >= LEAST:
        return rows
    account |= {f"too_few_{label}": count for label, count in counts.items()}
    return rows.clear()
