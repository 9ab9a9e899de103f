"""Marks what was judged by a policy as it no longer is, and runs those days again.

What belongs here: the sensor, and what the UI shows of the marks. What does not: what is stale (`wow_flywheel.policies.stale`),
keeping it (`wow_flywheel.policies.marks`).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import dagster as dg
import polars as pl

from wow_flywheel.defs.jobs import nightly
from wow_flywheel.defs.metadata import frame_table
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.policies.marks import mark, run_keys
from wow_flywheel.policies.stale import resting_on
from wow_flywheel.policies.units import load_policies

SHOWN: Final = ("cases", "preference_pairs")


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=300,
    description="Marks cases and pairs that rest on a policy that has changed since (they stay out of datasets meanwhile), and "
    "runs `nightly` again for their days.",
)
def changed_policies(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the versions that conversations were judged by with those of now.

    Raises:
        SourceError: The policies cannot be read: the tick fails and shows the message, and the next one tries again.
        StorageUnavailable: The object store does not answer.
    """
    lake, now = flywheel.lake(), dt.datetime.now(dt.UTC)
    marks = mark(lake, load_policies(flywheel.settings().policies_uri), now)
    if marks.is_empty():
        return dg.SkipReason("every conversation was judged by the policies of now")
    resting = resting_on(lake, marks)
    for row in resting.iter_rows(named=True):
        context.log.info(
            "%s: %d rows of %s rest on an old version of %s", row["dt"], row["rows"], row["table"], row["policy_id"]
        )
    why = marks.select("policy_id", "why").unique().sort("policy_id", "why")
    tags = {"policies": "; ".join(f"{name} {what}" for name, what in why.iter_rows())[:200]}
    keys = run_keys(marks, now)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, partition_key=str(day), tags=tags) for day, key in keys.items()],
        asset_events=list(observed(resting.join(marks.filter(marked_at=now).select("dt").unique(), on="dt", how="semi"))),
    )


def observed(resting: pl.DataFrame) -> Iterator[dg.AssetObservation]:
    """What the UI shows at cases and pairs of the days that were marked just now."""
    chosen = resting.filter(pl.col("table").is_in(SHOWN))
    for (day, table), rows in chosen.partition_by("dt", "table", as_dict=True, maintain_order=True).items():
        shown = frame_table(rows.select("policy_id", "rows"))
        yield dg.AssetObservation(
            str(table),
            partition=str(day),
            description="they rest on policies that have changed since, and stay out of datasets until the day runs again",
            metadata={"stale": shown},
        )
