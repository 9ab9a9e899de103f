"""The marks of what is stale: the table `stale_cases`.

What belongs here: setting marks, lifting them, and which day is to run again under which run key. What does not: what is stale
(`stale`), leaving marked rows out of a dataset (`wow_flywheel.datasets.tables`).

A mark names the version that a conversation's case and pairs rest on. It stays until a whole night of that day has run: a rerun
that renewed the matches and failed before the pairs lifts nothing.
"""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from wow_flywheel.contracts import STALE_CASES
from wow_flywheel.lake import Lake
from wow_flywheel.policies.stale import KEY, stale
from wow_flywheel.policies.units import Policy

NEW = "new_version"


def stale_now(lake: Lake, policies: Sequence[Policy], day: dt.date | None = None) -> pl.DataFrame:
    """What is stale on a day, or on all days; see `stale`."""
    of_day = pl.lit(value=True) if day is None else pl.col("dt") == day
    tables = (lake.scan(name).filter(of_day) for name in ("cases", "policy_matches", "policies_known"))
    cases, matches, before = tables
    return stale(cases.select("dt", "conversation_id", "scenario").collect(), matches.collect(), before.collect(), policies)


def mark(lake: Lake, policies: Sequence[Policy], now: dt.datetime) -> pl.DataFrame:
    """Hold all labels against the policies of now, and keep what is stale as marks.

    A mark that is still true keeps its time. One goes where the policy is again what the conversation was judged by.

    Args:
        lake: The tables; partitions of `stale_cases` that differ are replaced.
        policies: The policies of now.
        now: The time of new marks, with a timezone.

    Returns:
        All marks, contract `stale_cases`.
    """
    old = lake.read("stale_cases")
    matched = lake.scan("policy_matches").select(*KEY, "policy_version").collect()
    marks = marked(old, stale_now(lake, policies), matched, now)
    for (day,) in pl.concat([old.select("dt"), marks.select("dt")]).unique().sort("dt").iter_rows():
        one, other = (rows.filter(dt=day).sort(KEY) for rows in (old, marks))
        if not one.equals(other):
            lake.replace("stale_cases", other, day)
    return marks


def marked(old: pl.DataFrame, found: pl.DataFrame, matched: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """The marks that follow from the old ones and from what is stale now.

    Args:
        old: Contract `stale_cases`.
        found: As `stale` gives it.
        matched: dt, conversation_id, policy_id, policy_version of `policy_matches`.
        now: The time of new marks.
    """
    before = old.select(*KEY, rests_on="old_version", was=NEW, since="marked_at", marked=pl.lit(value=True))
    fresh = found.join(before, on=KEY, how="left").with_columns(
        old_version=pl.when("marked").then("rests_on").otherwise("old_version"),
        marked_at=pl.when(pl.col("marked") & pl.col(NEW).eq_missing(pl.col("was"))).then("since").otherwise(pl.lit(now)),
    )
    by_now = matched.select(*KEY, judged_by="policy_version")
    rest = old.join(found, on=KEY, how="anti").join(by_now, on=KEY, how="left")
    renewed = rest.filter(pl.col("judged_by").eq_missing(pl.col("old_version")).not_())
    columns = list(STALE_CASES.columns)
    return STALE_CASES.conform(pl.concat([fresh.select(columns), renewed.select(columns)], how="vertical_relaxed").sort(KEY))


def lift(lake: Lake, policies: Sequence[Policy], day: dt.date) -> int:
    """Take the marks of a day away, after a whole night of it; one of a policy that changed meanwhile stays.

    Returns:
        How many went.
    """
    old = lake.read("stale_cases", day)
    if old.is_empty():
        return 0
    kept = old.join(stale_now(lake, policies, day), on=KEY, how="semi")
    lake.replace("stale_cases", kept, day)
    return old.height - kept.height


def run_keys(marks: pl.DataFrame, now: dt.datetime) -> dict[dt.date, str]:
    """The key of the run that each marked day needs.

    It holds the time of the newest mark, so that a policy that becomes what it once was runs the day again; and the number of
    whole days since, so that a day whose rerun failed is asked for once more each day, not at each tick.
    """
    newest = marks.group_by("dt").agg(pl.col("marked_at").max()).sort("dt")
    return {day: f"{day} policies {at:%Y-%m-%dT%H:%M:%S.%f} {(now - at).days}" for day, at in newest.iter_rows()}
