"""Builds a cycle's datasets: Good Cases and what is mixed with them for SFT, preference pairs for DPO, both on one split.

What belongs here: the order of the steps, and the account of what was left out. What does not: each step (`tables`, `rows`,
`placed`, `limits`, `mixing`, `contamination`), what a cycle without pairs has instead (`without_pairs`), files (`files`).

    rows of the days, dialogues between people, replay → without duplicates → one side for all that hangs together → caps
    → knowledge and general data at their shares → without what repeats an evaluation set
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import LABELLED_DATASET, PREFERENCE_DATASET, SFT_DATASET
from wow_flywheel.datasets import without_pairs
from wow_flywheel.datasets.components import UNIT, History
from wow_flywheel.datasets.contamination import scan, texts
from wow_flywheel.datasets.evaluated import site_texts
from wow_flywheel.datasets.external import External
from wow_flywheel.datasets.internalise import knowledge_rows
from wow_flywheel.datasets.limits import limited, repeats, without
from wow_flywheel.datasets.mixing import drawn, share_budget
from wow_flywheel.datasets.placed import Placed, place
from wow_flywheel.datasets.recipe import Recipe
from wow_flywheel.datasets.rows import dialogue_rows, preference_rows, sft_rows, size
from wow_flywheel.datasets.split import split_expr, split_of
from wow_flywheel.datasets.tables import DATASETS, Tables
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake

ALGORITHM: Final = 3
"""Raised whenever equal input gives other rows or files; a manifest of another one is not rebuilt by this code."""
GENERAL_HELD_OUT: Final = 0.05
GENERAL_HELD_OUT_ROWS: Final = 500
Rows = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Datasets:
    """A cycle's datasets.

    Attributes:
        sft: Contract `sft_dataset`.
        preferences: Contract `preference_dataset`.
        days: The source partitions.
        versions: Version of each source table that was read.
        counts: Rows by dataset and split.
        left_out: By table, how many rows would have been in it but for a reason: stale (judged by a policy that has changed
            since), duplicate, merged or reserved_customer (see `components`), source_held_out (the chosen reply was said to a
            held-out customer), user_cap, template_cap, contaminated; of labelled replies see `without_pairs.Labelled`.
        mix: What the training set is made of, by source: rows, UTF-8 bytes, share of all bytes; and for shares that were asked
            for, `asked` and how many rows there were to choose from.
        recipe: What decided it.
        general: conversation_id of the general data that were drawn, those included that repeated what is evaluated.
        contaminated: The rows that were left out for what they repeat: column `table`, then those of
            `contamination.scan`.
        labelled: Contract `labelled_dataset`; rows only where KTO is to train on them.
    """

    sft: pl.DataFrame
    preferences: pl.DataFrame
    days: tuple[dt.date, ...]
    versions: Mapping[str, int]
    counts: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]
    mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)
    general: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    contaminated: pl.DataFrame = field(default_factory=pl.DataFrame)
    labelled: pl.DataFrame = field(default_factory=LABELLED_DATASET.empty)


def build_datasets(
    lake: Lake,
    cycle: str,
    days: Sequence[dt.date],
    recipe: Recipe | None = None,
    external: External | None = None,
    versions: Mapping[str, int] | None = None,
) -> Datasets:
    """Build the datasets of some days, at one version of each table.

    Args:
        lake: The tables.
        cycle: The cycle's name.
        days: The source partitions.
        recipe: By default that of `Recipe`.
        external: What is in no table; by default nothing.
        versions: Those of an earlier build, to repeat it; by default the newest.

    Raises:
        DatasetError: There is no dialogue to train on, or a table has a version no more.
    """
    recipe, external = recipe or Recipe(), external or External()
    tables = Tables.now(lake) if versions is None else Tables(lake, versions)
    rows = _candidates(tables, cycle, days, recipe, external)
    known = {"duplicate": 0, "merged": 0, "reserved_customer": 0, "source_held_out": 0}
    account = {name: {**known, "stale": stale} for name, stale in tables.stale(days).items()}
    rows = _once(tables, rows, account)
    units = pl.concat([frame.select(*UNIT, "user_id", "scenario") for frame in rows.values()])
    placed = place(tables, cycle, units, external, recipe.split_similarity)
    rows = _sided(rows, placed, recipe, account)
    rows = _capped(tables, rows, recipe, account)
    if rows["sft_dataset"].filter(split="train").is_empty():
        raise DatasetError(
            f"cycle {cycle}: the days {[str(day) for day in days]} hold no Good Case for training",
            hint="run `nightly` for days with more conversations, or look at the labels in the table `cases`",
        )
    rows["sft_dataset"], chosen_from = _mixed(rows["sft_dataset"], external, cycle, recipe)
    general = rows["sft_dataset"].filter(source="general")["conversation_id"]
    evaluated = pl.concat([external.evaluation, site_texts(tables, days)])
    aside = pl.concat([*(texts(name, frame.filter(split="held_out")) for name, frame in rows.items()), evaluated])
    rows, found = _clean(rows, aside, recipe, account)
    sft, preferences = SFT_DATASET.conform(rows["sft_dataset"]), PREFERENCE_DATASET.conform(rows["preference_dataset"])
    counts = {f"{name}_{split}": frame.filter(split=split).height for name, frame in
              (("sft", sft), ("preferences", preferences)) for split in ("train", "held_out")}  # fmt: skip
    if recipe.validation_share:
        counts["sft_validation"] = sft.filter(split="validation").height
    mix = shares(sft, chosen_from)
    built = Datasets(sft, preferences, tuple(days), tables.versions, counts, account, mix, recipe, general, found)
    if recipe.without_pairs == "sft" or counts["preferences_train"]:
        return built
    return _with(built, without_pairs.labelled(tables, cycle, days, sft, placed, aside, recipe))


def _with(built: Datasets, labelled: without_pairs.Labelled) -> Datasets:
    """The datasets with the labelled replies that a cycle without pairs has instead."""
    name = without_pairs.NAME
    return replace(
        built,
        labelled=labelled.rows,
        counts={**built.counts, "labelled_train": labelled.rows.height},
        left_out={**built.left_out, name: labelled.left_out},
        contaminated=pl.concat([built.contaminated, labelled.found.select(pl.lit(name).alias("table"), pl.all())]),
    )


def shares(sft: pl.DataFrame, chosen_from: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """What the training rows are made of, by source; see `Datasets.mix`."""
    replay = pl.when(pl.col("from_cycle").is_not_null()).then(pl.lit("replay")).otherwise("source")
    train = sft.filter(split="train").group_by(source=replay).agg(pl.len().alias("rows"), size("messages").sum().alias("bytes"))
    total = max(1, train["bytes"].sum())
    mix: dict[str, dict[str, float]] = {
        source: {"rows": rows, "bytes": said, "share": round(said / total, 4)}
        for source, rows, said in train.sort("source").iter_rows()
    }
    for source, asked in chosen_from.items():
        mix[source] = {"rows": 0, "bytes": 0, "share": 0.0} | mix.get(source, {}) | dict(asked)
    return mix


def _candidates(tables: Tables, cycle: str, days: Sequence[dt.date], recipe: Recipe, external: External) -> Rows:
    """All rows that are conversations of customers: the cycle's own, those between people, those of earlier cycles."""
    cases = tables.of_days("cases", days).filter(pl.col("label") == "good").collect()
    good = tables.of_days("conversations", days).join(cases.lazy().select(UNIT), on=list(UNIT), how="semi").collect()
    own = pl.concat([sft_rows(cases, good, cycle), dialogue_rows(external.human, cycle, "human")])
    own = own.unique("conversation_id", keep="first", maintain_order=True)
    pairs = tables.of_days("preference_pairs", days).collect()
    spoken = tables.of_days("conversations", days).select(*UNIT, "locale")
    locales = spoken.join(pairs.lazy().select(UNIT), on=list(UNIT), how="semi").collect()
    answers = preference_rows(pairs, cycle, locales)
    return {
        name: pl.concat([frame, tables.replay(name, frame, cycle, recipe)])
        for name, frame in (("sft_dataset", own), ("preference_dataset", answers))
    }


def _once(tables: Tables, rows: Rows, account: dict[str, dict[str, int]]) -> Rows:
    duplicates = repeats(tables.scan("duplicates"), tables.scan("fingerprints"))
    once = {name: without(frame, duplicates) for name, frame in rows.items()}
    for name, frame in once.items():
        account[name]["duplicate"] = rows[name].height - frame.height
    return once


def _sided(rows: Rows, placed: Placed, recipe: Recipe, account: dict[str, dict[str, int]]) -> Rows:
    """The rows with their side; those without one leave."""
    decided = placed.units.select(*UNIT, "component", "side", "why")
    sided = {}
    for name, frame in rows.items():
        joined = frame.drop("split").join(decided, on=UNIT, how="left", maintain_order="left").rename({"side": "split"})
        if name == "sft_dataset":
            joined = joined.with_columns(split=validated(recipe.validation_share))
        joined = joined.with_columns(why=pl.when(_moved_back()).then(pl.lit("merged")).otherwise("why"))
        sided[name] = joined.filter(pl.col("split").is_not_null(), pl.col("why").is_null()).select(frame.columns)
        account[name] |= dict(joined.drop_nulls("why")["why"].value_counts().iter_rows())
    sided["preference_dataset"], left = _without_held_out_sources(sided, placed.history)
    account["preference_dataset"]["source_held_out"] = left
    return sided


def validated(share: float) -> pl.Expr:
    """The split of dialogues of which a share of the training components is kept for validation; see `Recipe`.

    The frame has user_id, component, and split as train or held_out.
    """
    first = pl.col("user_id").min().over("component")
    chosen = (pl.col("split") == "train") & (split_expr(first, share, "validation") == "held_out")
    return pl.when(chosen).then(pl.lit("validation")).otherwise("split")


def _moved_back() -> pl.Expr:
    """A replayed row whose customer is held out by now: it was trained on, so it may not be evaluated on either."""
    return pl.col("from_cycle").is_not_null() & (pl.col("split") == "held_out")


def _without_held_out_sources(rows: Rows, history: History) -> tuple[pl.DataFrame, int]:
    """Pairs without those that would train on a reply first said in a conversation that is held out."""
    held = pl.concat([rows["sft_dataset"].filter(split="held_out"), history.side("held_out")], how="diagonal")
    pairs = rows["preference_dataset"]
    said_there = (pl.col("source") == "good_case") & pl.col("source_conversation_id").is_in(held["conversation_id"].implode())
    kept = pairs.filter(((pl.col("split") == "train") & said_there).fill_null(value=False).not_())
    return kept, pairs.height - kept.height


def _capped(tables: Tables, rows: Rows, recipe: Recipe, account: dict[str, dict[str, int]]) -> Rows:
    capped = {}
    for name, frame in rows.items():
        templates = tables.prints(frame).select(*UNIT, "template_hash")
        capped[name], left_out = limited(frame, DATASETS[name], templates, recipe.limits)
        account[name] |= left_out
    return capped


def _mixed(domain: pl.DataFrame, external: External, cycle: str, recipe: Recipe) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The dialogues with knowledge and general data at their shares, and what there was to choose from."""
    taught = knowledge_rows(external.knowledge, external.procedures, cycle)
    spoken = _bytes(domain.filter(split="train"))
    knowledge = drawn(taught, share_budget(spoken, recipe.knowledge_share), cycle)
    general = _general_rows(external.general, cycle)
    trainable = general.filter(split="train")
    budget = share_budget(spoken + _bytes(knowledge), recipe.general_share)
    aside = drawn(general.filter(split="held_out"), 1 << 62, "general").head(GENERAL_HELD_OUT_ROWS)
    chosen_from = {
        "knowledge": {"asked": recipe.knowledge_share, "available_rows": taught.height},
        "general": {"asked": recipe.general_share, "available_rows": trainable.height},
    }
    parts = (knowledge.sort("conversation_id"), drawn(trainable, budget, cycle).sort("conversation_id"), aside)
    return pl.concat([domain, *parts]), chosen_from


def _bytes(rows: pl.DataFrame) -> int:
    return int(rows.select(size("messages").sum()).item() or 0)


def _general_rows(general: pl.DataFrame, cycle: str) -> pl.DataFrame:
    """General data as rows; a twentieth of them, for good by hash, is kept aside to measure general ability on."""
    splits = [split_of(each, GENERAL_HELD_OUT) for each in general["conversation_id"]]
    constant = {"cycle": cycle, "source": "general", "scenario": "general"}
    return SFT_DATASET.conform(
        general.with_columns(pl.Series("split", splits, dtype=pl.String), *(pl.lit(v).alias(n) for n, v in constant.items()))
    )


def _clean(rows: Rows, aside: pl.DataFrame, recipe: Recipe, account: dict[str, dict[str, int]]) -> tuple[Rows, pl.DataFrame]:
    """The rows without those of training that repeat what is evaluated on."""
    clean, named = {}, []
    for name, frame in rows.items():
        ours = pl.col("split") != "held_out"
        found = scan(texts(name, frame.filter(ours)), aside, recipe.split_similarity)
        named.append(found.select(pl.lit(name).alias("table"), pl.all()))
        copied = ours & pl.col(DATASETS[name]).is_in(found["row"].implode())
        clean[name] = frame.filter(~copied)
        account[name]["contaminated"] = frame.height - clean[name].height
    return clean, pl.concat(named)
