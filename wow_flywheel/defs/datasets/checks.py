"""That nothing evaluated was trained on.

What belongs here: the checks of leakage, on what is stored. What does not: the split (`wow_flywheel.datasets.components`), the
comparison of texts (`wow_flywheel.datasets.contamination`).
"""

import os
from collections.abc import Iterator

import dagster as dg
import polars as pl

from wow_flywheel.datasets.evaluated import read_evaluation_sets, site_texts
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.recipe import read_folders, read_recipe
from wow_flywheel.datasets.stored import stored_scan
from wow_flywheel.datasets.tables import Tables
from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.metadata import counts_table, frame_table
from wow_flywheel.defs.resources import Flywheel

TABLES = ("sft_dataset", "preference_dataset", "labelled_dataset")
SPECS = [
    check_spec(
        "no_held_out_customer_in_training",
        name,
        "No customer of the held-out side of any dataset has a row on the training side of this one.",
        blocking=True,
    )
    for name in TABLES
]


def leakage_check(spec: dg.AssetCheckSpec) -> dg.AssetChecksDefinition:
    """The check of one dataset against the held-out customers of all."""
    table = spec.asset_key.to_user_string()

    @dg.multi_asset_check(name=f"{table}_{spec.name}", specs=[spec])
    def check(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
        with plain_failures(context):
            lake = flywheel.lake()
            every = pl.concat([lake.read(name, context.partition_key).select("user_id", "split") for name in TABLES])
            trained = lake.read(table, context.partition_key).filter(split="train")["user_id"].drop_nulls().unique()
        held_out = every.filter(split="held_out")["user_id"].drop_nulls().unique()
        leaked = trained.is_in(held_out.implode()).sum()
        result = dg.AssetCheckResult(
            passed=leaked == 0,
            asset_key=spec.asset_key,
            check_name=spec.name,
            description=f"{leaked} of {held_out.len()} held-out customers are among the {trained.len()} of the training side",
        )
        yield from reported([result], "materialize the datasets of the cycle again")

    return check


leakage_checks = [leakage_check(spec) for spec in SPECS]

SCANS = [
    check_spec(
        "no_contamination",
        name,
        "No training row equals, nearly repeats, or holds most of the distinctive words of what is evaluated on: held-out "
        "dialogues and pairs, prompts of held-out Bad Cases, general data kept aside, WOW_GENERAL_SET, the sets of "
        "WOW_EVALUATION_SETS_URI. The metadata name the rows.",
        blocking=True,
    )
    for name in TABLES
]


def contamination_check(spec: dg.AssetCheckSpec) -> dg.AssetChecksDefinition:
    """The scan of one dataset's training rows against every evaluation set."""
    name = spec.asset_key.to_user_string()

    @dg.multi_asset_check(name=f"{name}_{spec.name}", specs=[spec])
    def check(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
        with plain_failures(context):
            settings, lake, cycle = flywheel.settings(), flywheel.lake(), context.partition_key
            days = Manifest.load(flywheel.cycle_folder(cycle) / MANIFEST).source_partitions
            sets = read_evaluation_sets(read_folders(os.environ, settings))
            evaluated = pl.concat([sets, site_texts(Tables.now(lake), days)])
            similarity = read_recipe(os.environ, settings).split_similarity
            scanned = stored_scan(lake, cycle, name, evaluated, similarity)
        rows = scanned.found["row"].n_unique()
        result = dg.AssetCheckResult(
            passed=rows == 0,
            asset_key=spec.asset_key,
            check_name=spec.name,
            description=f"{rows} of {scanned.training} training rows hold something of {scanned.kept_aside} evaluated rows",
            metadata={"rows": frame_table(scanned.found.head(100)), "evaluated rows by set": counts_table(scanned.sets)},
        )
        yield from reported([result], "materialize the datasets of the cycle again: building leaves such rows out")

    return check


contamination_checks = [contamination_check(spec) for spec in SCANS]
