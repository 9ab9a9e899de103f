"""Inspection: claims with evidence, and what they say of each conversation.

What belongs here: the asset. What does not: inspectors, prompts, adjudication (`wow_flywheel.inspection`).
"""

from collections.abc import Iterator

import dagster as dg

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, counts_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

SPECS = [
    table_spec(
        "inspections",
        "inspection",
        "Every claim of every inspector with turn, verbatim quote, confidence, and the adjudicator's decision.",
        deps=["conversations", "rule_findings", "satisfaction", "knowledge", "policies"],
        kinds=("python", "openai"),
    ),
    table_spec(
        "verdicts",
        "inspection",
        "Solved? Satisfied? How sure? One verdict a conversation, with its evidence and who inspected it.",
        deps=["inspections"],
        kinds=("python", "openai"),
    ),
]


@dg.multi_asset(specs=SPECS, pool="llm")
def inspections(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None]]:
    """Inspect the day: with the LLM panel where an endpoint is configured, else with the deterministic inspectors alone."""
    from wow_flywheel.inspection.run import inspect

    with plain_failures(context):
        day, lake, panel = day_of(context.partition_key), flywheel.lake(), flywheel.panel()
        done = inspect(
            lake.read("conversations", day),
            rule_findings=lake.read("rule_findings", day),
            satisfaction=lake.read("satisfaction", day),
            knowledge=flywheel.knowledge(),
            procedures=flywheel.procedures(),
            panel=panel,
        )
        versions = lake.replace("inspections", done.inspections, day), lake.replace("verdicts", done.verdicts, day)
    by = "the LLM panel and the deterministic inspectors" if panel else "the deterministic inspectors (no endpoint)"
    context.log.info("%s: %d claims by %s", day, done.inspections.height, by)
    claims = {"claims": count_table(done.inspections, "issue_type", "kind", "inspector", "decision"), "inspected by": by}
    counted = {"counts": counts_table(done.counts)}
    first = written(lake, "inspections", done.inspections, versions[0]) | claims | counted
    yield dg.MaterializeResult(asset_key="inspections", metadata=first)
    yield dg.MaterializeResult(asset_key="verdicts", metadata=written(lake, "verdicts", done.verdicts, versions[1]) | counted)
