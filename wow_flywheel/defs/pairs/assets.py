"""Preference pairs: Bad Cases rewritten where they went wrong, and every candidate that was tried.

What belongs here: the asset, and which Good Cases are candidates' sources. What does not: rewriting and verification
(`wow_flywheel.pairs`).
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.datasets.limits import repeated, without
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import counts_table, recent, written
from wow_flywheel.defs.pairs.shown import made, tried
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.policies.whole_night import ran_whole
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec
from wow_flywheel.lake import Lake

SPECS = [
    table_spec(
        "rewrite_candidates",
        "pairs",
        "Every rewrite that was tried, accepted or not, with the reason that decided it.",
        deps=["cases", "conversations", "duplicates", "inspections", "policy_matches", "knowledge", "policies"],
        kinds=("python", "openai"),
    ),
    table_spec(
        "preference_pairs",
        "pairs",
        "Chosen (a rewrite that passed re-inspection) against rejected (what was said), for the same prompt.",
        deps=["rewrite_candidates"],
        kinds=("python", "openai"),
    ),
]


@dg.multi_asset(specs=SPECS, pool="llm")
def preference_pairs(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None]]:
    """Rewrite the day's Bad Cases."""
    from wow_flywheel.defs.pairs.sources import limits_of, plan_of, sources_of, standards_of
    from wow_flywheel.pairs.build import build_pairs
    from wow_flywheel.policies.marks import lift
    from wow_flywheel.policies.units import load_policies

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        cases = lake.read("cases", day)
        once = without(cases, repeated(lake))
        talks = lake.read("conversations", day), lake.read("inspections", day)
        pool, rules = good_conversations(lake, day, flywheel.window_days), (flywheel.knowledge(), flywheel.procedures())
        sources = sources_of(flywheel, (once, *talks), context.log.info)
        plan = plan_of(sources, (once, *talks), context.log.info)
        standards = standards_of(flywheel, talks[0], lake.read("policy_matches", day))
        done = build_pairs(once, *talks, pool, *rules, sources=sources, limits=limits_of(flywheel), standards=standards)
        versions = lake.replace("rewrite_candidates", done.candidates, day), lake.replace("preference_pairs", done.pairs, day)
        weeks = recent(lake, "preference_pairs", day, 14)
        if ran_whole(context.run):
            lift(lake, load_policies(flywheel.settings().policies_uri), day)
    context.log.info("%s: %d preference pairs from %d Bad Cases", day, done.counts["pairs"], done.counts["bad_cases"])
    counts = counts_table({**done.counts, **left_out(cases, once)})
    first = written(lake, "rewrite_candidates", done.candidates, versions[0], counts=counts)
    first |= {"plan": counts_table(dict(plan), ("what", "planned"))} if plan else {}
    yield dg.MaterializeResult(asset_key="rewrite_candidates", metadata=first | tried(done.candidates))
    second = written(lake, "preference_pairs", done.pairs, versions[1])
    yield dg.MaterializeResult(asset_key="preference_pairs", metadata=second | made(done.pairs, weeks, limits_of(flywheel)))


def left_out(cases: pl.DataFrame, once: pl.DataFrame) -> dict[str, int]:
    """How many Bad Cases are not rewritten because they repeat an earlier conversation."""
    return {"bad_cases_left_out_as_duplicates": cases.filter(label="bad").height - once.filter(label="bad").height}


def good_conversations(lake: Lake, day: dt.date, days: int) -> pl.DataFrame:
    """Conversations labelled good in the `days` days that end with `day`; contract `conversations`.

    Those of held-out customers are left out: a rewrite taken from one would carry it into training. So are duplicates: what is
    said often counts more, and a repeated conversation would vote twice.
    """
    since = day - dt.timedelta(days=days - 1)
    good = lake.scan("cases").filter(pl.col("dt").is_between(since, day), pl.col("label") == "good")
    conversations = lake.scan("conversations").filter(pl.col("dt").is_between(since, day))
    once = good.select("dt", "conversation_id").join(repeated(lake), on=["dt", "conversation_id"], how="anti")
    found = conversations.join(once, on=["dt", "conversation_id"], how="semi")
    trainable = found.filter(split_expr(pl.col("user_id")) == "train")
    return CONVERSATIONS.conform(trainable.sort("dt", "conversation_id").collect())
