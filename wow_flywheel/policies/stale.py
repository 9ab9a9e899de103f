"""What rested on a policy that has changed since.

What belongs here: comparing the versions in `policy_matches` with those in force, and naming what rests on the old ones. What
does not: running anything again (a sensor does, by the day's partition).
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from wow_flywheel.lake import Lake
from wow_flywheel.policies.units import Policy, frame

RESTING: Final = ("rule_findings", "inspections", "cases", "preference_pairs")
STALE: Final = {
    "dt": pl.Date,
    "conversation_id": pl.String,
    "policy_id": pl.String,
    "old_version": pl.String,
    "new_version": pl.String,
    "why": pl.String,
}


def stale_matches(matches: pl.DataFrame, policies: Sequence[Policy]) -> pl.DataFrame:
    """Conversations judged by a policy as it no longer is.

    Args:
        matches: Contract `policy_matches`: the versions that were in force when a conversation was last judged.
        policies: The policies of now.

    Returns:
        dt, conversation_id, policy_id, old_version, new_version (null where it is gone), why (changed, gone, or new: a policy
        that now governs the scenario on that day, and did not).
    """
    later, over = pl.col("valid_from") > pl.col("dt"), pl.col("valid_until") < pl.col("dt")
    known = matches.select("dt", "conversation_id", "recognised", "policy_id", old_version="policy_version")
    now = (
        known.select("dt", "conversation_id", "recognised")
        .unique()
        .join(frame(policies), left_on="recognised", right_on="scenario")
    )
    in_force = now.filter(later.fill_null(value=False).not_(), over.fill_null(value=False).not_())
    now = in_force.select("dt", "conversation_id", "policy_id", new_version="policy_version").unique()
    both = known.drop("recognised").unique().join(now, on=["dt", "conversation_id", "policy_id"], how="full", coalesce=True)
    why = (
        pl.when(pl.col("new_version").is_null())
        .then(pl.lit("gone"))
        .when(pl.col("old_version").is_null())
        .then(pl.lit("new"))
        .otherwise(pl.lit("changed"))
    )
    differing = both.filter(pl.col("old_version").eq_missing(pl.col("new_version")).not_())
    return differing.with_columns(why=why).select(list(STALE)).cast(pl.Schema(STALE)).sort("dt", "conversation_id", "policy_id")


def resting_on(lake: Lake, stale: pl.DataFrame) -> pl.DataFrame:
    """What in each table rests on stale policies: dt, table, policy_id, rows."""
    found = []
    for name in RESTING:
        rows = lake.scan(name).select("dt", "conversation_id")
        joined = rows.join(stale.lazy().select("dt", "conversation_id", "policy_id"), on=["dt", "conversation_id"])
        counted = joined.group_by("dt", "policy_id").agg(rows=pl.len().cast(pl.Int64))
        found.append(counted.select("dt", pl.lit(name).alias("table"), "policy_id", "rows").collect())
    return pl.concat(found).sort("dt", "table", "policy_id")
