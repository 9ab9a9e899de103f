"""That nothing evaluated was trained on.

What belongs here: the checks of leakage. What does not: the split itself (`wow_flywheel.datasets.split`).
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.resources import Flywheel

TABLES = ("sft_dataset", "preference_dataset")
SPECS = [
    check_spec(
        "no_held_out_customer_in_training",
        name,
        "No customer of the held-out side of either dataset has a row on the training side of this one.",
        blocking=True,
    )
    for name in TABLES
]


def leakage_check(spec: dg.AssetCheckSpec) -> dg.AssetChecksDefinition:
    """The check of one dataset against the held-out customers of both."""
    table = spec.asset_key.to_user_string()

    @dg.multi_asset_check(name=f"{table}_{spec.name}", specs=[spec])
    def check(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
        with plain_failures(context):
            lake = flywheel.lake()
            both = pl.concat([lake.read(name, context.partition_key).select("user_id", "split") for name in TABLES])
            trained = lake.read(table, context.partition_key).filter(split="train")["user_id"].unique()
        held_out = both.filter(split="held_out")["user_id"].unique()
        leaked = trained.is_in(held_out.implode()).sum()
        result = dg.AssetCheckResult(
            passed=leaked == 0,
            asset_key=spec.asset_key,
            check_name=spec.name,
            description=f"{leaked} of {held_out.len()} held-out customers are among the {trained.len()} of the training side",
        )
        yield from reported([result], "materialize both datasets of the cycle again")

    return check


leakage_checks = [leakage_check(spec) for spec in SPECS]
