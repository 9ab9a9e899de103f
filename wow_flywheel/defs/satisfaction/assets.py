"""Satisfaction: signals per conversation, and USM 1, USM 2 and RR per day and scenario.

What belongs here: the two assets. What does not: the formulas, which are the files under `sql/metrics/`.
"""

import datetime as dt

import dagster as dg

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, lines_by_day, recent, table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

SHOWN = {"usm1": "USM 1 ↓", "usm2": "USM 2 ↑", "rr": "RR ↓"}
SIGNALS = table_spec(
    "satisfaction",
    "satisfaction",
    "What the log says of each customer's satisfaction: explicit ratings first, then implicit signals.",
    deps=["conversations"],
    kinds=("sql", "duckdb"),
)
DAILY = table_spec(
    "satisfaction_daily",
    "satisfaction",
    "USM 1 (share that ends dissatisfied), USM 2 (share that ends satisfied) and RR (share with a repeated reply) by scenario.",
    deps=["satisfaction"],
    kinds=("sql", "duckdb"),
)


@dg.multi_asset(specs=[SIGNALS])
def satisfaction(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Read the signals of the day; the next day, where it is there already, shows who came back within 24 hours."""
    from wow_flywheel.cases.satisfaction import signals

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        found = signals(lake.read("conversations", day), lake.read("conversations", day + dt.timedelta(days=1)))
        version = lake.replace("satisfaction", found, day)
    shown = {"satisfied and dissatisfied": count_table(found, "satisfied", "dissatisfied")}
    return dg.MaterializeResult(metadata=written(lake, "satisfaction", found, version) | shown)


@dg.multi_asset(specs=[DAILY])
def satisfaction_daily(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Compute the day's metrics; the plot shows the last two weeks."""
    from wow_flywheel.cases.satisfaction import daily

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        found = daily(lake.read("satisfaction", day))
        version = lake.replace("satisfaction_daily", found, day)
        weeks = recent(lake, "satisfaction_daily", day, 14)
    for row in found.filter(scenario="*").iter_rows(named=True):
        shares = ", ".join(f"{label} {row[name]:.1%}" for name, label in SHOWN.items() if row[name] is not None)
        context.log.info("%s: %d conversations, %s", day, row["conversations"], shares)
    rows = table(["scenario", "conversations", *SHOWN.values()], found.select("scenario", "conversations", *SHOWN).rows())
    plot = lines_by_day(weeks.filter(scenario="*"), SHOWN, "satisfaction and repetition, all scenarios")
    return dg.MaterializeResult(
        metadata=written(lake, "satisfaction_daily", found, version) | {"by scenario": rows, "last 14 days": plot}
    )
