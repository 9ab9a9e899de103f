"""What rested on a policy that has changed since.

What belongs here: comparing the versions that conversations were judged by with those in force, and naming what rests on the
old ones. What does not: keeping the marks (`marks`), running anything again (a sensor does, by the day's partition).
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from wow_flywheel.contracts import POLICIES_KNOWN, STALE_CASES
from wow_flywheel.lake import Lake
from wow_flywheel.policies.apply import names_none
from wow_flywheel.policies.units import Policy, frame

RESTING: Final = ("rule_findings", "inspections", "cases", "preference_pairs")
STALE: Final = {name: kind for name, kind in STALE_CASES.columns.items() if name != "marked_at"}
KEY: Final = ["dt", "conversation_id", "policy_id"]


def known(policies: Sequence[Policy], day: dt.date) -> pl.DataFrame:
    """The policies in force on a day, contract `policies_known`: what its conversations were compared with."""
    rows = frame([policy for policy in policies if policy.holds_on(day)]).with_columns(dt=pl.lit(day))
    return POLICIES_KNOWN.conform(rows.select(list(POLICIES_KNOWN.columns)).unique().sort("policy_id", "scenario"))


def stale(judged: pl.DataFrame, matches: pl.DataFrame, before: pl.DataFrame, policies: Sequence[Policy]) -> pl.DataFrame:
    """Conversations judged by other policies than those that govern them now.

    Args:
        judged: dt, conversation_id, scenario (as logged) of all that has a label.
        matches: Contract `policy_matches`: the versions that they were judged by.
        before: Contract `policies_known`: the policies that were there at that time.
        policies: The policies of now.

    Returns:
        As `stale_matches`, with the conversations that no policy of a scenario of theirs governed before, and one does now.
    """
    found = pl.concat([stale_matches(matches, policies), newly_governed(judged, matches, before, policies)])
    return found.unique(KEY, keep="first").sort(KEY)


def stale_matches(matches: pl.DataFrame, policies: Sequence[Policy]) -> pl.DataFrame:
    """Conversations judged by a policy as it no longer is. Where the log names a scenario, a policy of another one, which it
    only resembles, did not apply (see `apply`), and nothing rests on it.

    Args:
        matches: Contract `policy_matches`: the versions that were in force when a conversation was last judged.
        policies: The policies of now.

    Returns:
        dt, conversation_id, policy_id, old_version, new_version (null where it is gone), why (changed, gone, or new: a policy
        that now governs the scenario on that day, and did not).
    """
    applied = pl.any_horizontal(names_none(), pl.col("recognised") == pl.col("scenario"))
    of = matches.filter(applied).select("dt", "conversation_id", "recognised", "policy_id", old_version="policy_version")
    now = of.select("dt", "conversation_id", scenario="recognised").unique().join(frame(policies), on="scenario")
    new = _in_force(now).select(*KEY, new_version="policy_version").unique()
    both = of.drop("recognised").unique().join(new, on=KEY, how="full", coalesce=True)
    why = (
        pl.when(pl.col("new_version").is_null())
        .then(pl.lit("gone"))
        .when(pl.col("old_version").is_null())
        .then(pl.lit("new"))
        .otherwise(pl.lit("changed"))
    )
    return _stale(both.filter(pl.col("old_version").eq_missing(pl.col("new_version")).not_()).with_columns(why=why))


def newly_governed(
    judged: pl.DataFrame, matches: pl.DataFrame, before: pl.DataFrame, policies: Sequence[Policy]
) -> pl.DataFrame:
    """Conversations that a policy governs now, of a scenario that had none: those whose log names it; and where the log names
    none, all of that day, since the recogniser could not choose it.

    Arguments and result as for `stale`.
    """
    governs = frame(policies)
    named = judged.filter(names_none().not_()).join(governs, on="scenario")
    named = _in_force(named).join(matches, on=KEY, how="anti")
    matched = matches.select("dt").unique()
    told = pl.concat([before.select("dt"), judged.join(matched, on="dt", how="anti").select("dt")]).unique()
    days = judged.select("dt").unique().join(told, on="dt", how="semi")  # the others were matched before this was written down
    scenarios = _in_force(days.join(governs, how="cross")).join(before, on=["dt", "scenario"], how="anti")
    unnamed = judged.filter(names_none()).drop("scenario").join(scenarios.drop("scenario").unique(), on="dt")
    columns = [*KEY, "policy_version"]
    found = pl.concat([named.select(columns), unnamed.join(matches, on=KEY, how="anti").select(columns)]).unique(KEY)
    old = pl.lit(None, pl.String).alias("old_version")
    return _stale(found.rename({"policy_version": "new_version"}).with_columns(old, why=pl.lit("new")))


def resting_on(lake: Lake, stale: pl.DataFrame) -> pl.DataFrame:
    """What in each table rests on stale policies: dt, table, policy_id, rows."""
    found = []
    for name in RESTING:
        rows = lake.scan(name).select("dt", "conversation_id")
        joined = rows.join(stale.lazy().select(KEY), on=["dt", "conversation_id"])
        counted = joined.group_by("dt", "policy_id").agg(rows=pl.len().cast(pl.Int64))
        found.append(counted.select("dt", pl.lit(name).alias("table"), "policy_id", "rows").collect())
    return pl.concat(found).sort("dt", "table", "policy_id")


def _in_force(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a policy's validity, where that holds on their day."""
    later, over = pl.col("valid_from") > pl.col("dt"), pl.col("valid_until") < pl.col("dt")
    return rows.filter(later.fill_null(value=False).not_(), over.fill_null(value=False).not_())


def _stale(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(list(STALE)).cast(pl.Schema(STALE)).sort(KEY)
