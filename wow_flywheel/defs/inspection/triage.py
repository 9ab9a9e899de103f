"""Triage: which conversations of a day are most at risk, told before the panel is asked.

What belongs here: the asset, and what it looks at. What does not: estimating (`wow_flywheel.inspection.triage`), what the panel
makes of it (`wow_flywheel.inspection.cascade`).
The day's evidence is gathered here once more (a second for a thousand conversations): the tables `inspections` and `verdicts`
come after it, and hold what the panel said.
"""

import datetime as dt
from typing import Final

import dagster as dg
import polars as pl

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import frame_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec
from wow_flywheel.lake import Lake

LEARNED_DAYS: Final = 28
TRIAGE = table_spec(
    "triage",
    "inspection",
    "Which conversations of the day to inspect first: risks learned from ratings and decisions. The panel takes its order from "
    "it; it decides no label.",
    deps=["conversations", "satisfaction", "rule_findings", "knowledge", "policies"],
    kinds=("python", "scikitlearn"),
)
Tables = dict[str, pl.DataFrame]


@dg.multi_asset(specs=[TRIAGE])
def triage(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Learn from the days before, rank the day."""
    from wow_flywheel.inspection.triage.meaning import SentenceEncoder
    from wow_flywheel.inspection.triage.rank import rank

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        decisions = lake.read("decisions")
        earlier = labelled_days(lake, day, decisions)
        model = flywheel.settings().embeddings_model
        encoder = SentenceEncoder.load(model) if model else None
        rows = rank(by_evidence(todays(lake, day), flywheel), by_evidence(earlier, flywheel), decisions, encoder)
        version = lake.replace("triage", rows, day)
    trained = rows.item(0, "trained_on") if rows.height else 0
    context.log.info("%s: %d conversations ranked, learned from %d labels", day, rows.height, trained)
    top = rows.head(10).select("need_rank", "conversation_id", "dissatisfied_risk", "unsolved_risk")
    metadata = {"learned from": trained, "inspect first": frame_table(top)}
    return dg.MaterializeResult(metadata=written(lake, "triage", rows, version) | metadata)


def todays(lake: Lake, day: dt.date) -> Tables:
    """The day's tables; inspections and verdicts, which an earlier run may have left, are not looked at."""
    read = {name: lake.read(name, day) for name in ("conversations", "satisfaction")}
    none = {name: lake.scan(name).head(0).collect() for name in ("inspections", "verdicts")}
    return read | none | {"findings": lake.read("rule_findings", day)}


def labelled_days(lake: Lake, day: dt.date, decisions: pl.DataFrame) -> Tables:
    """The tables of the days before, of those conversations alone on which somebody gave their own word."""
    days = pl.col("dt").is_between(day - dt.timedelta(days=LEARNED_DAYS), day - dt.timedelta(days=1))
    satisfaction = lake.scan("satisfaction").filter(days, pl.col("explicit")).collect()
    keys = pl.concat([satisfaction.select("conversation_id"), decisions.select("conversation_id")]).unique().lazy()
    names = {
        "conversations": "conversations",
        "inspections": "inspections",
        "verdicts": "verdicts",
        "findings": "rule_findings",
    }
    signals = lake.scan("satisfaction").filter(days).join(keys, on="conversation_id", how="semi").collect()
    of_keys = {
        name: lake.scan(table).filter(days).join(keys, on="conversation_id", how="semi").collect()
        for name, table in names.items()
    }
    return of_keys | {"satisfaction": signals}


def by_evidence(found: Tables, flywheel: Flywheel) -> Tables:
    """The same with inspections and verdicts by evidence alone: of what the panel heard, or nobody yet, they are made anew.

    Otherwise an estimate that learned from the panel's scores would be given those of evidence.
    """
    from wow_flywheel.inspection.run import inspect

    alone = found["verdicts"].filter(pl.col("inspected_by") == "evidence", pl.col("failures").list.len() == 0)
    rest = found["conversations"].join(alone, on="conversation_id", how="anti")
    if rest.is_empty():
        return found
    made = inspect(
        rest,
        rule_findings=found["findings"].join(rest, on="conversation_id", how="semi"),
        satisfaction=found["satisfaction"].join(rest, on="conversation_id", how="semi"),
        knowledge=flywheel.knowledge(),
        procedures=flywheel.procedures(),
    )
    kept = found["inspections"].join(alone, on="conversation_id", how="semi")
    together = {"verdicts": pl.concat([alone, made.verdicts]), "inspections": pl.concat([kept, made.inspections])}
    return found | together
