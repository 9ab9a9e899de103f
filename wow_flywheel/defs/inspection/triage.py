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
    "it; it makes no label, and a high unsolved risk sends what looks Good to review.",
    deps=["conversations", "satisfaction", "rule_findings", "knowledge", "policies"],
    kinds=("python", "scikitlearn"),
)
KEY: Final = ("dt", "conversation_id")
Tables = dict[str, pl.DataFrame]


@dg.multi_asset(specs=[TRIAGE])
def triage(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Learn from the days before, rank the day."""
    from wow_flywheel.inspection.triage.labels import known
    from wow_flywheel.inspection.triage.meaning import SentenceEncoder
    from wow_flywheel.inspection.triage.rank import rank
    from wow_flywheel.inspection.triage.saving import saving

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        decisions, upheld = lake.read("decisions"), upheld_before(lake, day)
        earlier = labelled_days(lake, day, pl.concat([decisions.select(KEY), upheld]))
        model = flywheel.settings().embeddings_model
        encoder = SentenceEncoder.load(model) if model else None
        learned = by_evidence(without_ratings(earlier), flywheel) | {"satisfaction": earlier["satisfaction"]}
        rows = rank(by_evidence(todays(lake, day), flywheel), learned, decisions, encoder, upheld)
        saved = saving(learned, known("dissatisfied", earlier["satisfaction"], decisions, upheld), encoder)
        version = lake.replace("triage", rows, day)
    trained = rows.item(0, "trained_on") if rows.height else 0
    context.log.info("%s: %d conversations ranked, learned from %d labels", day, rows.height, trained)
    top = rows.head(10).select("need_rank", "conversation_id", "dissatisfied_risk", "unsolved_risk")
    metadata = {"learned from": trained, "inspect first": frame_table(top), "inspections to 80 % recall": shown_saving(saved)}
    return dg.MaterializeResult(metadata=written(lake, "triage", rows, version) | metadata)


def shown_saving(saved: dict[str, float]) -> str:
    """What the triage saves on the team's own labels, the newer third of them ranked by the older."""
    if not saved:
        return "too few labels to tell"
    return ", ".join(f"{order} {share:.0%}" for order, share in saved.items())


def without_ratings(found: Tables) -> Tables:
    """The same as if nobody had rated: a score that holds the rating would tell the estimator its own label, and it would learn
    to wait for it. Verdicts that rest on a rating are left out, to be made anew.
    """
    rated = found["satisfaction"].filter("explicit").select(KEY)
    unrated = found["satisfaction"].with_columns(explicit=pl.lit(value=False))
    return found | {"satisfaction": unrated, "verdicts": found["verdicts"].join(rated, on=KEY, how="anti")}


def todays(lake: Lake, day: dt.date) -> Tables:
    """The day's tables; inspections and verdicts, which an earlier run may have left, are not looked at."""
    read = {name: lake.read(name, day) for name in ("conversations", "satisfaction")}
    none = {name: lake.scan(name).head(0).collect() for name in ("inspections", "verdicts")}
    return read | none | {"findings": lake.read("rule_findings", day)}


def labelled_days(lake: Lake, day: dt.date, by_people: pl.DataFrame) -> Tables:
    """The tables of the days before, of those conversations alone on which somebody gave their own word.

    Args:
        lake: The tables.
        day: The day to rank.
        by_people: dt and conversation_id of what people decided about.
    """
    days = _before(day)
    satisfaction = lake.scan("satisfaction").filter(days, pl.col("explicit")).collect()
    keys = pl.concat([satisfaction.select(KEY), by_people]).unique().lazy()
    names = {
        "conversations": "conversations",
        "satisfaction": "satisfaction",
        "inspections": "inspections",
        "verdicts": "verdicts",
        "findings": "rule_findings",
    }
    return {name: lake.scan(table).filter(days).join(keys, on=KEY, how="semi").collect() for name, table in names.items()}


def upheld_before(lake: Lake, day: dt.date) -> pl.DataFrame:
    """dt and conversation_id of the days before, of those with a severe finding that a person accepted."""
    from wow_flywheel.cases.findings import decided
    from wow_flywheel.inspection.triage.labels import with_upheld

    found = lake.scan("finding_decisions").filter(_before(day)).collect()
    days = [
        with_upheld(decided(lake.read("inspections", each), found.filter(pl.col("dt") == each)))
        for each in found["dt"].unique().sort()
    ]
    return pl.concat([found.select(KEY).clear(), *days])


def _before(day: dt.date) -> pl.Expr:
    return pl.col("dt").is_between(day - dt.timedelta(days=LEARNED_DAYS), day - dt.timedelta(days=1))


def by_evidence(found: Tables, flywheel: Flywheel) -> Tables:
    """The same with inspections and verdicts by evidence alone: of what the panel heard, a person decided, or nobody saw yet,
    they are made anew.

    Otherwise an estimate that learned from the panel's scores, or a person's word, would be given those of evidence.
    """
    from wow_flywheel.inspection.run import inspect

    by_people = found["inspections"].filter(pl.col("decided_by").is_not_null())
    alone = (
        found["verdicts"]
        .filter(pl.col("inspected_by") == "evidence", pl.col("failures").list.len() == 0)
        .join(by_people, on=KEY, how="anti")
    )
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
