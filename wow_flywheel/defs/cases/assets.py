"""Cases: the label of every conversation, with its reasons; a person's decision wins.

What belongs here: the asset. What does not: the case rules (`wow_flywheel.cases.label`).
"""

from typing import Any

import dagster as dg
import polars as pl

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, recent, stacked_days, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

SPEC = table_spec(
    "cases",
    "cases",
    "Good (proven solved, satisfied, nothing serious found), Bad (solved, but dissatisfied or something serious found), Failed "
    "(not solved) or Review (the evidence disagrees or is weak: a person decides, and no rerun overwrites it).",
    deps=["conversations", "satisfaction", "inspections", "verdicts", "triage"],
)


@dg.multi_asset(specs=[SPEC])
def cases(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Label the day."""
    from wow_flywheel.cases.findings import decided
    from wow_flywheel.cases.label import VERSION, label

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        found = label(
            lake.read("conversations", day),
            lake.read("satisfaction", day),
            decided(lake.read("inspections", day), lake.read("finding_decisions", day)),
            lake.read("verdicts", day),
            lake.read("decisions", day),
            triage=lake.read("triage", day),
        )
        version = lake.replace("cases", found, day)
        weeks = recent(lake, "cases", day, 14)
    labels = ", ".join(f"{n} {name}" for name, n in found["label"].value_counts(sort=True).iter_rows())
    context.log.info("%s: %s", day, labels or "no cases")
    return dg.MaterializeResult(metadata=written(lake, "cases", found, version) | shown(found, weeks) | {"case rules": VERSION})


def shown(found: pl.DataFrame, weeks: pl.DataFrame) -> dict[str, Any]:
    """What the UI shows of the day's cases, and of the last two weeks."""
    return {
        "by label": count_table(found, "label"),
        "why": count_table(found.explode("reasons"), "label", "reasons"),
        "last 14 days": stacked_days(weeks, "label", "cases by label"),
    }
