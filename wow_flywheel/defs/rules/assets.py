"""Online rule checks: `rule_findings`.

What belongs here: the asset. What does not: the rules, which are the files under `sql/rules/`.
"""

import dagster as dg

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import bars, count_table, written
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

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        found = find(lake.read("conversations", day), flywheel.knowledge(), flywheel.procedures())
        version = lake.replace("rule_findings", found, day)
    context.log.info("%s: %d findings of %d rules", day, found.height, found["rule_id"].n_unique())
    by_rule = found.group_by("rule_id").len("findings").sort("findings", descending=True)
    return dg.MaterializeResult(
        metadata=written(lake, "rule_findings", found, version)
        | {
            "findings by rule": count_table(found, "issue_type", "rule_id", "severity"),
            "plot": bars(by_rule, "findings by rule"),
        }
    )
