"""What a preference pair must be: two different answers.

What belongs here: the check. What does not: the contract's own check, which is generated.
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel

DIFFERENT = check_spec(
    "chosen_differs_from_rejected", "preference_pairs", "No pair prefers an answer to itself.", blocking=True
)


@dg.multi_asset_check(name=DIFFERENT.name, specs=[DIFFERENT])
def chosen_differs_from_rejected(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
    """Count the pairs whose two sides are the same."""
    with plain_failures(context):
        pairs = flywheel.lake().read("preference_pairs", day_of(context.partition_key))
    same = pairs.filter(pl.col("chosen") == pl.col("rejected")).height
    result = dg.AssetCheckResult(passed=same == 0, description=f"{same} of {pairs.height} pairs have two equal sides")
    yield from reported([result], "materialize preference_pairs of the day again")
