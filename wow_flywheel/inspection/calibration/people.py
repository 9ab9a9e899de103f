"""Agreement with what people decided lately: the labels as rules give them, and each inspector's accepted claims.

What belongs here: counting. What does not: thresholds (`gate`), people's decisions themselves (`cases.decisions`). People
mostly decide cases that were sent to review, so agreement here is on the hard cases, and lower than over all.
"""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.cases.label import CaseRules, label
from wow_flywheel.contracts import CALIBRATION, DECISIONS
from wow_flywheel.inspection.calibration.agreement import kappa
from wow_flywheel.inspection.calibration.measure import ALL, counted
from wow_flywheel.lake import Lake

FLAWED = ("bad", "failed")
LABELS = "labels"


def agreement(lake: Lake, day: dt.date, days: int) -> pl.DataFrame:
    """Contract `calibration`, basis people, from the decisions of the `days` days that end with `day`.

    Two kinds of rows. Inspector `labels`, issue type `*`: whether the case rules, without any decision, call bad or failed what
    people call so, with Cohen's kappa; what the rules leave to review counts for neither. Each inspector and issue type: how
    many of the conversations with an accepted severe claim of it people called bad or failed; there is no recall, for nobody
    writes down what was missed.

    Args:
        lake: The tables.
        day: The newest day.
        days: How many days of decisions count, by when they were made.
    """
    since = day - dt.timedelta(days=days - 1)
    made = lake.read("decisions").filter(pl.col("decided_at").dt.date().is_between(since, day), pl.col("label") != "review")
    decided = latest(made).with_columns(flawed=pl.col("decided_label").is_in(FLAWED))
    if decided.is_empty():
        return CALIBRATION.empty()
    of_days = pl.col("dt").is_in(made["dt"].unique().implode())
    ids = pl.col("conversation_id").is_in(decided["conversation_id"].implode())
    conversations, satisfaction, inspections, verdicts = (
        lake.scan(name).filter(of_days, ids).collect() for name in ("conversations", "satisfaction", "inspections", "verdicts")
    )
    ruled = label(conversations, satisfaction, inspections, verdicts, DECISIONS.empty()).select("conversation_id", "label")
    rows = [_labels(day, ruled, decided), *_claims(day, inspections, decided)]
    return CALIBRATION.conform(pl.DataFrame(rows, schema=CALIBRATION.columns))


def _labels(day: dt.date, ruled: pl.DataFrame, decided: pl.DataFrame) -> dict[str, Any]:
    both = ruled.filter(pl.col("label") != "review").join(decided, on="conversation_id")
    said, true = both["label"].is_in(FLAWED).to_numpy(), both["flawed"].to_numpy()
    found = int((said & true).sum())
    row = counted(day, "people", ALL, LABELS, ALL, int(true.sum()), found, int(said.sum()), found)
    value = kappa(said, true) if both.height else float("nan")
    return row | {"kappa": None if value != value else value}


def _claims(day: dt.date, inspections: pl.DataFrame, decided: pl.DataFrame) -> list[dict[str, Any]]:
    severe = pl.col("severity").is_in(CaseRules().severe)
    claims = inspections.filter(pl.col("decision") == "accepted", severe).unique(["conversation_id", "inspector", "issue_type"])
    judged = claims.join(decided, on="conversation_id")
    summed = judged.group_by("inspector", "issue_type").agg(claims=pl.len(), upheld=pl.col("flawed").sum())
    return [
        counted(day, "people", ALL, row["inspector"], row["issue_type"], 0, 0, row["claims"], row["upheld"])
        for row in summed.sort("inspector", "issue_type").iter_rows(named=True)
    ]
