"""Online rule checks: `rule_findings`.

What belongs here: the asset. What does not: the rules, which are the files under `sql/rules/`.
"""

import dagster as dg
import polars as pl

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import bars, frame_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

SPEC = table_spec(
    "rule_findings",
    "rules",
    "What the rules under `sql/rules/` find: fast, cheap, less precise than inspection.",
    deps=["conversations", "knowledge", "policies"],
    kinds=("sql", "duckdb"),
)


@dg.multi_asset(specs=[SPEC])
def rule_findings(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Run every rule over the day."""
    from wow_flywheel.rules.engine import find
    from wow_flywheel.rules.overrides import load_overrides
    from wow_flywheel.rules.summary import by_rule

    with plain_failures(context):
        day, lake, overrides = day_of(context.partition_key), flywheel.lake(), load_overrides(flywheel.settings().rules)
        conversations = lake.read("conversations", day)
        found = find(conversations, flywheel.knowledge(), flywheel.procedures(), overrides)
        version = lake.replace("rule_findings", found, day)
    context.log.info("%s: %d findings of %d rules", day, found.height, found["rule_id"].n_unique())
    rules = by_rule(found, conversations.height)
    counts = rules.select("rule", "findings").filter(pl.col("findings") > 0)
    return dg.MaterializeResult(
        metadata=written(lake, "rule_findings", found, version)
        | {f"findings/{rule}": findings for rule, findings in rules.select("rule", "findings").iter_rows()}
        | {"rules": frame_table(rules), "plot": bars(counts, "findings by rule")}
    )
