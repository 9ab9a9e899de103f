"""Agreement with what people decided lately: the labels as rules give them, and each inspector's accepted claims.

What belongs here: counting. What does not: thresholds (`gate`), people's decisions themselves (`cases.decisions`,
`cases.findings`). People mostly decide cases that were sent to review, so agreement here is on the hard cases, and lower than
over all. Everything is measured as evidence and panel decided it; only the scores of a conversation of which a person rejected
a finding are those without that finding.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.cases.findings import adjudicated, decided
from wow_flywheel.cases.label import CaseRules, label
from wow_flywheel.contracts import CALIBRATION, DECISIONS
from wow_flywheel.inspection.calibration.agreement import kappa
from wow_flywheel.inspection.calibration.measure import ALL, counted
from wow_flywheel.lake import Lake

FLAWED = ("bad", "failed")
LABELS = "labels"
KEY = ("dt", "conversation_id")


def agreement(lake: Lake, day: dt.date, days: int) -> pl.DataFrame:
    """Contract `calibration`, basis people, from the decisions of the `days` days that end with `day`.

    Three kinds of rows. Inspector `labels`, issue type `*`: whether the case rules, without any decision, call bad or failed
    what people call so, with Cohen's kappa; what the rules leave to review counts for neither. Inspector `labels` at one issue
    type: the same among what the rules call good, and what they call bad or failed with an accepted severe claim of this type:
    how well labels that rest on it tell the flawed from the good. Each inspector and issue type: of the conversations with a
    severe claim of it that was adjudicated as accepted, how many people upheld: the claim itself, where they decided about it,
    else by calling the conversation bad or failed. There is no recall: nobody writes down what was missed.

    Args:
        lake: The tables.
        day: The newest day.
        days: How many days of decisions count, by when they were made.
    """
    since = day - dt.timedelta(days=days - 1)
    lately = pl.col("decided_at").dt.date().is_between(since, day)
    made = latest(lake.read("decisions").filter(lately, pl.col("label") != "review"))
    labelled = made.with_columns(flawed=pl.col("decided_label").is_in(FLAWED))
    found = lake.read("finding_decisions").filter(lately)
    keys = pl.concat([labelled.select(KEY), found.select(KEY)]).unique()
    if keys.is_empty():
        return CALIBRATION.empty()
    of_days = [_of_day(lake, each, keys, found) for each in keys["dt"].unique().sort()]
    ruled, claims = (pl.concat(frames) for frames in zip(*of_days, strict=True))
    rows = [*_labels(day, ruled, claims, labelled), *_claims(day, claims, labelled)]
    return CALIBRATION.conform(pl.DataFrame(rows, schema=CALIBRATION.columns))


def _of_day(lake: Lake, day: dt.date, keys: pl.DataFrame, found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A day's labels by rules alone, and its severe accepted claims with what people decided about each: `holds`, or null."""
    conversations, satisfaction, inspections, verdicts = (
        lake.read(name, day).join(keys, on=KEY, how="semi")
        for name in ("conversations", "satisfaction", "inspections", "verdicts")
    )
    own, triage = adjudicated(inspections), lake.read("triage", day)
    ruled = label(conversations, satisfaction, own, verdicts, DECISIONS.empty(), triage=triage).select(*KEY, "label")
    severe = own.filter(pl.col("decision") == "accepted", pl.col("severity").is_in(CaseRules().severe))
    judged = decided(severe, found.filter(pl.col("dt") == day))
    holds = pl.when(pl.col("decided_by").is_not_null()).then(pl.col("decision") == "accepted")
    return ruled, judged.select(*KEY, "inspector", "issue_type", holds=holds)


def _labels(day: dt.date, ruled: pl.DataFrame, claims: pl.DataFrame, labelled: pl.DataFrame) -> Iterator[dict[str, Any]]:
    both = ruled.filter(pl.col("label") != "review").join(labelled, on=KEY)
    both = both.with_columns(said=pl.col("label").is_in(FLAWED))
    yield _kappa_row(day, ALL, both)
    for issue_type in claims["issue_type"].unique().sort():
        claimed = both.join(claims.filter(issue_type=issue_type), on=KEY, how="semi").filter("said")
        yield _kappa_row(day, issue_type, pl.concat([both.filter(~pl.col("said")), claimed]))


def _kappa_row(day: dt.date, issue_type: str, both: pl.DataFrame) -> dict[str, Any]:
    said, true = both["said"].to_numpy(), both["flawed"].to_numpy()
    found = int((said & true).sum())
    row = counted(day, "people", ALL, LABELS, issue_type, int(true.sum()), found, int(said.sum()), found)
    value = kappa(said, true) if both.height else float("nan")
    return row | {"kappa": None if value != value else value}


def _claims(day: dt.date, claims: pl.DataFrame, labelled: pl.DataFrame) -> list[dict[str, Any]]:
    each = claims.group_by(*KEY, "inspector", "issue_type").agg(pl.col("holds").max())
    judged = each.join(labelled, on=KEY, how="left").with_columns(upheld=pl.coalesce("holds", "flawed")).drop_nulls("upheld")
    summed = judged.group_by("inspector", "issue_type").agg(claims=pl.len(), upheld=pl.col("upheld").sum())
    return [
        counted(day, "people", ALL, row["inspector"], row["issue_type"], 0, 0, row["claims"], row["upheld"])
        for row in summed.sort("inspector", "issue_type").iter_rows(named=True)
    ]
