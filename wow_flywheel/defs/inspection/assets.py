"""Inspection: claims with evidence, and what they say of each conversation.

What belongs here: the asset. What does not: inspectors, prompts, adjudication (`wow_flywheel.inspection`).
"""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.inspection.traces import shown_traces
from wow_flywheel.defs.metadata import count_table, counts_table, frame_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec
from wow_flywheel.lake import Lake

if TYPE_CHECKING:
    from wow_flywheel.inspection.panel import Panel
    from wow_flywheel.inspection.run import Inspection

SPECS = [
    table_spec(
        "inspections",
        "inspection",
        "Every claim of every inspector with turn, verbatim quote, confidence, and the adjudicator's decision.",
        deps=["conversations", "rule_findings", "satisfaction", "triage", "policy_matches", "knowledge", "policies"],
        kinds=("python", "openai"),
    ),
    table_spec(
        "verdicts",
        "inspection",
        "Solved? Satisfied? How sure? One verdict a conversation, with its evidence and who inspected it.",
        deps=["inspections"],
        kinds=("python", "openai"),
    ),
    table_spec(
        "panel_calls",
        "inspection",
        "Every question to the LLM panel: prompt, reply, what code checked, what was decided, tokens, money, latency.",
        deps=["inspections"],
        kinds=("python", "openai"),
    ),
    table_spec(
        "inspection_audit",
        "inspection",
        "How common each issue type is, by the random sample that the panel hears whatever it looks like.",
        deps=["inspections"],
        kinds=("python",),
    ),
]


@dg.multi_asset(specs=SPECS, pool="llm")
def inspections(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None]]:
    """Inspect the day: with the LLM panel where an endpoint is configured, else with the deterministic inspectors alone."""
    with plain_failures(context):
        day, lake, panel = day_of(context.partition_key), flywheel.lake(), flywheel.panel()
        batches = flywheel.batches(panel) if panel else None
        day_inspected = partial(_inspected, lake, day, flywheel, panel, context.log.info)
        done = batches.rounds(day_inspected, context.log.info) if batches else day_inspected()
        tables = {"inspections": done.inspections, "verdicts": done.verdicts, "panel_calls": done.calls}
        tables |= {"inspection_audit": done.audit}
        versions = {name: lake.replace(name, rows, day) for name, rows in tables.items()}
    by = "the LLM panel and the deterministic inspectors" if panel else "the deterministic inspectors (no endpoint)"
    context.log.info("%s: %d claims by %s", day, done.inspections.height, by)
    counts = counts_table(done.counts)
    claims = count_table(done.inspections, "issue_type", "kind", "inspector", "decision")
    shown: dict[str, dict[str, Any]] = {
        "inspections": {"claims": claims, "inspected by": by, "counts": counts},
        "verdicts": {"counts": counts},
        "panel_calls": {"plan": counts_table(dict(done.plan), ("what", "planned")), "traces": shown_traces(done.calls)},
        "inspection_audit": {"rates": frame_table(done.audit)},
    }
    for name, rows in tables.items():
        yield dg.MaterializeResult(asset_key=name, metadata=written(lake, name, rows, versions[name]) | shown[name])


def _inspected(lake: Lake, day: dt.date, flywheel: Flywheel, panel: "Panel | None", say: Callable[[str], None]) -> "Inspection":
    from wow_flywheel.cases.findings import FindingDecisions
    from wow_flywheel.inspection.run import inspect
    from wow_flywheel.policies.apply import applied
    from wow_flywheel.policies.units import load_policies

    conversations, matches = lake.read("conversations", day), lake.read("policy_matches", day)
    triage = lake.read("triage", day)
    return inspect(
        conversations,
        rule_findings=lake.read("rule_findings", day),
        satisfaction=lake.read("satisfaction", day),
        knowledge=flywheel.knowledge(),
        procedures=flywheel.procedures(),
        triage=None if triage.is_empty() else triage,
        applied=applied(conversations, matches, load_policies(flywheel.settings().policies_uri)),
        by_people=FindingDecisions.of(lake.read("finding_decisions", day)),
        panel=panel,
        say=say,
    )
