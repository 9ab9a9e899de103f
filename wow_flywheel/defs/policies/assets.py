"""Policies of a day's conversations: which scenario each was of, which policies it was to follow, in which version.

What belongs here: the asset. What does not: recognising (`wow_flywheel.policies`).
"""

import datetime as dt

import dagster as dg
import polars as pl

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, counts_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

LEARNED_DAYS = 7
SPEC = table_spec(
    "policy_matches",
    "policies",
    "The policies that each conversation was to follow at its time, with their versions: what goes stale when one changes.",
    deps=["conversations", "policies"],
    kinds=("python",),
)


@dg.multi_asset(specs=[SPEC])
def policy_matches(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Match the day's conversations; those whose scenario the log names teach the recogniser the others."""
    from wow_flywheel.policies.apply import origins
    from wow_flywheel.policies.recognise import match
    from wow_flywheel.policies.stale import known
    from wow_flywheel.policies.units import load_policies

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        recent = pl.col("dt").is_between(day - dt.timedelta(days=LEARNED_DAYS), day)
        policies = load_policies(flywheel.settings().policies_uri)
        conversations = lake.read("conversations", day)
        found = match(conversations, policies, lake.scan("conversations").filter(recent).collect())
        lake.replace("policies_known", known(policies, day), day)
        version = lake.replace("policy_matches", found, day)
    context.log.info("%s: %d policies matched, of %d", day, found.height, len(policies))
    by = count_table(found, "recognised", "policy_id", "policy_version")
    told = origins(conversations, found)
    shown = {"by policy": by, "scenarios": counts_table(told), "scenario by recognition": told["scenario by recognition"]}
    return dg.MaterializeResult(metadata=written(lake, "policy_matches", found, version) | shown)
