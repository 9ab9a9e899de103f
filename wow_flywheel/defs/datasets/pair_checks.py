"""That nothing superficial tells the sides of a cycle's training pairs apart: days that each pass may add up to one that fails.

What belongs here: the checks of `preference_dataset`. What does not: the numbers and limits (`wow_flywheel.pairs.hygiene`), the
same checks a day (`defs.pairs.checks`).
"""

from collections.abc import Iterator
from typing import Final

import dagster as dg

from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.pairs.checks import CHECKS, check_results
from wow_flywheel.defs.resources import Flywheel

NAMES: Final = ("chosen_differs_from_rejected", "length_ratio_bounded", "length_does_not_tell", "no_telltale_prefix")
SPECS: Final = [check_spec(name, "preference_dataset", CHECKS[name], blocking=True) for name in NAMES]
WHAT_TO_DO: Final = (
    "look at the day's checks of preference_pairs; change the limit in the section `pairs` of WOW_CHECKS, or turn the check "
    "into a warning there, then materialize preference_pairs of the days and the datasets of the cycle again"
)
BEYOND_CHANCE: Final = 1_000_000
"""A cycle draws from days that were mended to just within the limit: what chance may do to the draw does not fail it."""


@dg.multi_asset_check(name="trained_pairs_are_sound", specs=SPECS)
def trained_pairs_are_sound(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
    """Measure the cycle's training pairs, after split, caps and replay, and hold every number against its limit."""
    from wow_flywheel.defs.pairs.sources import limits_of
    from wow_flywheel.pairs.hygiene import side_findings

    with plain_failures(context):
        limits = limits_of(flywheel)
        rows = flywheel.lake().read("preference_dataset", context.partition_key).filter(split="train").sort("pair_id")
        found = side_findings(rows.to_dicts(), limits.model_copy(update={"evidence": BEYOND_CHANCE}))
    yield from reported(check_results(found, "preference_dataset", limits), WHAT_TO_DO)
