"""The agreement gate, as blocking checks before pairs and before training.

What belongs here: the checks. What does not: the limits and the verdict (`wow_flywheel.inspection.calibration.gate`).
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from wow_flywheel.conversations.thresholds import read_section
from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.partitions import day_of, day_of_cycle
from wow_flywheel.defs.resources import Flywheel

BEFORE = {"cases": "preference pairs are made", "sft_dataset": "a model is trained"}
WHAT_TO_DO = (
    "see the asset `calibration` for the figures; mend what fell and materialize `calibration`, or change "
    "the limits in the section `agreement` of WOW_CHECKS (`accepted_since` accepts a new level of recall), then run this again"
)


def agreement_check(asset: str) -> dg.AssetChecksDefinition:
    """The gate behind one asset."""
    text = f"Labels are good enough before {BEFORE[asset]}: on planted defects, and by what people decided lately."
    spec = check_spec("labels_agree", asset, text, blocking=True)

    @dg.multi_asset_check(name=f"{asset}_labels_agree", specs=[spec])
    def check(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
        from wow_flywheel.inspection.calibration.gate import SECTION, judge, read_limits

        with plain_failures(context):
            day = day_of(context.partition_key) if asset == "cases" else day_of_cycle(context.partition_key)
            limits = read_limits(read_section(flywheel.settings().checks, SECTION))
            rows = flywheel.lake().scan("calibration").filter(pl.col("dt") <= day).collect()
            verdict = judge(rows, limits, day)
        fell = "; ".join(verdict.fell)
        result = dg.AssetCheckResult(
            passed=verdict.passed,
            asset_key=asset,
            check_name=spec.name,
            description=fell or verdict.evidence,
            metadata={"rests on": verdict.evidence, "limits": dg.MetadataValue.json(limits.model_dump(mode="json"))},
        )
        yield from reported([result], WHAT_TO_DO)

    return check


agreement_checks = [agreement_check(asset) for asset in BEFORE]
