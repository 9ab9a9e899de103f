"""Duplicates: `fingerprints` of the day's conversations, and `duplicates` among them and against the days before.

What belongs here: the two assets and the check of their share. What does not: comparing
(`wow_flywheel.conversations.duplicates`).

`duplicates` of a day depends on `fingerprints` of the whole window before it, so when an early day is read again, Dagster shows
the later days' duplicates as stale; materialising them reads fingerprints alone.
"""

import warnings
from collections.abc import Iterator, Mapping

import dagster as dg

from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, counts_table, recent, stacked_days, written
from wow_flywheel.defs.partitions import DUPLICATE_WINDOW_DAYS, day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec


def window(days: int) -> dg.TimeWindowPartitionMapping:
    """A day and the days before it, of which the first days of all have fewer (what Dagster calls a beta, with a warning)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(start_offset=-days, end_offset=0, allow_nonexistent_upstream_partitions=True)


FINGERPRINTS = table_spec(
    "fingerprints",
    "conversations",
    "A hash of each conversation's messages and a MinHash signature of its words: days are compared without being read again.",
    deps=["conversations"],
    kinds=("polars", "numpy"),
)
DUPLICATES = table_spec(
    "duplicates",
    "conversations",
    "Conversations that repeat an earlier one exactly or nearly, of this day or the window before it: training data leave them "
    "out, metrics do not.",
    deps=[dg.AssetDep("fingerprints", partition_mapping=window(DUPLICATE_WINDOW_DAYS))],
    kinds=("polars", "numpy"),
)
FEW = check_spec(
    "few_duplicates", "duplicates", "Duplicates are a smaller share of the day than WOW_DUPLICATES_WARN.", blocking=False
)


@dg.multi_asset(specs=[FINGERPRINTS])
def fingerprints(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Take the fingerprints of the day."""
    from wow_flywheel.conversations.duplicates.fingerprints import fingerprints as of

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        rows = of(lake.read("conversations", day))
        version = lake.replace("fingerprints", rows, day)
    shown = {"conversations": rows.height, "scripts": rows["template_hash"].n_unique()}
    return dg.MaterializeResult(metadata=written(lake, "fingerprints", rows, version) | {"counts": counts_table(shown)})


@dg.multi_asset(specs=[DUPLICATES], check_specs=[FEW])
def duplicates(
    context: dg.AssetExecutionContext, flywheel: Flywheel
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Compare the day's fingerprints with each other and with the days before."""
    from wow_flywheel.conversations.duplicates.find import find_duplicates

    with plain_failures(context):
        day, lake, settings = day_of(context.partition_key), flywheel.lake(), flywheel.settings()
        back = settings.duplicate_window_days
        found = find_duplicates(lake, day, threshold=settings.near_duplicate, window_days=back)
        version = lake.replace("duplicates", found.duplicates, day)
        weeks = recent(lake, "duplicates", day, 14)
    context.log.info("%s: %s", day, ", ".join(f"{count} {name}" for name, count in found.counts.items()))
    shown = {"counts": counts_table(found.counts), "by kind": count_table(found.duplicates, "kind", "of_dt")}
    shown["last 14 days"] = stacked_days(weeks, "kind", "duplicates by kind")
    yield dg.MaterializeResult(metadata=written(lake, "duplicates", found.duplicates, version) | shown)
    yield few(found.counts, settings.duplicates_warn)


def few(counts: Mapping[str, int], warn_from: float) -> dg.AssetCheckResult:
    """The check of the duplicates' share; a warning, never an error: a campaign or an outage makes people say the same."""
    total = counts["conversations"]
    share = (counts["exact"] + counts["near"]) / total if total else 0.0
    return dg.AssetCheckResult(
        asset_key="duplicates",
        check_name=FEW.name,
        passed=share < warn_from or not total,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{share:.1%} of {total} conversations repeat an earlier one; from {warn_from:.0%} on this is a warning",
        metadata={"share": share, **counts},
    )
