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
    deps=["conversations", "policy_matches", "knowledge", "policies"],
    kinds=("sql", "duckdb"),
)


@dg.multi_asset(specs=[SPEC])
def rule_findings(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Run every rule over the day; rules for a scenario go by the recognised one where the log names none."""
    from wow_flywheel.policies.apply import with_scenarios
    from wow_flywheel.rules.engine import find
    from wow_flywheel.rules.overrides import load_overrides
    from wow_flywheel.rules.summary import by_rule

    with plain_failures(context):
        day, lake, overrides = day_of(context.partition_key), flywheel.lake(), load_overrides(flywheel.settings().rules)
        conversations = lake.read("conversations", day)
        told = with_scenarios(conversations, lake.read("policy_matches", day))
        found = as_logged(find(told, flywheel.knowledge(), flywheel.procedures(), overrides), conversations)
        version = lake.replace("rule_findings", found, day)
    context.log.info("%s: %d findings of %d rules", day, found.height, found["rule_id"].n_unique())
    rules = by_rule(found, conversations.height)
    counts = rules.select("rule", "findings").filter(pl.col("findings") > 0)
    return dg.MaterializeResult(
        metadata=written(lake, "rule_findings", found, version)
        | {f"findings/{rule}": findings for rule, findings in rules.select("rule", "findings").iter_rows()}
        | {"rules": frame_table(rules), "plot": bars(counts, "findings by rule")}
    )


def as_logged(found: pl.DataFrame, conversations: pl.DataFrame) -> pl.DataFrame:
    """Findings under the scenario that the log names, as in every other table, whatever the rules went by."""
    logged = conversations.select("conversation_id", "scenario")
    rows = found.drop("scenario").join(logged, on="conversation_id", how="left", maintain_order="left")
    return rows.select(found.columns)
