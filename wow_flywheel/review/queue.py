"""The review queue: which undecided cases a person should look at first, over some days.

What belongs here: gathering each part of a case's value from the tables. What does not: how the parts make a value (`value`),
showing cases. All in columns: a day of a thousand conversations takes a fraction of a second.
"""

import datetime as dt
from typing import Final

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.cases.label import CaseRules
from wow_flywheel.contracts import SEVERITIES
from wow_flywheel.inspection.combine import DIFFERENT
from wow_flywheel.lake import Lake
from wow_flywheel.review.nearest import distances
from wow_flywheel.review.value import PARTS, valued

KEY: Final = ("dt", "conversation_id")
AT_STAKE: Final = {"good": 0.7, "review": 0.6, "bad": 0.4, "failed": 0.2}
"""Of a case without a pair: a Good Case is trained on as it is; one in review counts for nothing until somebody decides."""
GRAVITY: Final = dict(zip(SEVERITIES, (0.2, 0.6, 1.0), strict=True))
SCRIPT_SATURATES: Final = 3
"""Powers of ten: a thousand conversations of one script are the most that counts."""


def queue(lake: Lake, since: dt.date, until: dt.date) -> pl.DataFrame:
    """The cases that no person has decided, the most valuable first; the same tables give the same order.

    Args:
        lake: The tables.
        since: The first day.
        until: The last day.

    Returns:
        dt, conversation_id, scenario, label, the columns of `value.PARTS`, disagreement, stakes, novelty, value.
    """
    of_days = pl.col("dt").is_between(since, until)
    cases = lake.scan("cases").filter(of_days).select(*KEY, "scenario", "label", "solved_score", "issue_types").collect()
    decided = latest(lake.read("decisions"))
    open_cases = cases.join(decided, on=KEY, how="anti")
    parts = (_verdicts, _claims, _customers, _estimates, _use, _scripts)
    found = open_cases
    for part in parts:
        found = found.join(part(lake, of_days, cases), on=KEY, how="left")
    novel = _novel(lake, found, decided)
    shown = ("scenario", "label", *(part.name for part in PARTS))
    return valued(novel.select(*KEY, *shown))


def _verdicts(lake: Lake, of_days: pl.Expr, _: pl.DataFrame) -> pl.DataFrame:
    rows = lake.scan("verdicts").filter(of_days).select(*KEY, "confidence", "evidence").collect()
    said = pl.col("evidence").list.eval(pl.element().str.contains(DIFFERENT, literal=True)).list.any()
    return rows.select(*KEY, unsure=1 - pl.col("confidence"), sides=said.cast(pl.Float64))


def _claims(lake: Lake, of_days: pl.Expr, _: pl.DataFrame) -> pl.DataFrame:
    """Contested severe claims, of which two count in full; rejected suspicions, of which three do; the gravest that stands."""
    columns = ("turn", "issue_type", "severity", "decision", "kind")
    rows = lake.scan("inspections").filter(of_days).select(*KEY, *columns).collect()
    severe, decision = pl.col("severity").is_in(CaseRules().severe), pl.col("decision")
    at_place = rows.filter(severe).group_by(*KEY, "turn", "issue_type")
    open_or_opposed = (decision == "unresolved").any() | (decision.n_unique() > 1)
    contested = at_place.agg(contested=open_or_opposed).group_by(KEY).agg(contested=(pl.col("contested").sum() / 2).clip(0, 1))
    suspected = (severe & (decision == "rejected") & (pl.col("kind") == "deterministic")).sum() / 3
    gravest = pl.col("severity").replace_strict(GRAVITY, return_dtype=pl.Float64).filter(decision != "rejected").max()
    return rows.group_by(KEY).agg(rules=suspected.clip(0, 1), severity=gravest).join(contested, on=KEY, how="left")


def _customers(lake: Lake, of_days: pl.Expr, cases: pl.DataFrame) -> pl.DataFrame:
    """Rated better than it was solved; or worse, and no accepted finding says why."""
    rated = lake.scan("satisfaction").filter(of_days, pl.col("explicit")).select(*KEY, "satisfied_score").collect()
    both = rated.join(cases.select(*KEY, "solved_score", "issue_types"), on=KEY)
    better = pl.col("satisfied_score") - pl.col("solved_score")
    unexplained = pl.col("issue_types").list.len() == 0
    return both.select(*KEY, customer=pl.when(unexplained).then(better.abs()).otherwise(better.clip(0, 1)))


def _estimates(lake: Lake, of_days: pl.Expr, _: pl.DataFrame) -> pl.DataFrame:
    """How far the triage's risks are from what the verdict says, the larger of the two."""
    risks = lake.scan("triage").filter(of_days).select(*KEY, "dissatisfied_risk", "unsolved_risk").collect()
    verdicts = lake.scan("verdicts").filter(of_days).select(*KEY, "solved_score", "satisfied_score").collect()
    pairs = (("dissatisfied_risk", "satisfied_score"), ("unsolved_risk", "solved_score"))
    apart = [(pl.col(risk) - (1 - pl.col(score))).abs() for risk, score in pairs]
    return risks.join(verdicts, on=KEY).select(*KEY, triage=pl.max_horizontal(apart))


def _use(lake: Lake, of_days: pl.Expr, cases: pl.DataFrame) -> pl.DataFrame:
    paired = lake.scan("preference_pairs").filter(of_days).select(*KEY, pair=True).unique().collect()
    by_label = pl.col("label").replace_strict(AT_STAKE, return_dtype=pl.Float64)
    return cases.join(paired, on=KEY, how="left").select(*KEY, use=pl.when("pair").then(1.0).otherwise(by_label))


def _scripts(lake: Lake, of_days: pl.Expr, _: pl.DataFrame) -> pl.DataFrame:
    rows = lake.scan("fingerprints").filter(of_days).select(*KEY, "template_hash", "signature").collect()
    alike = pl.len().over("template_hash").log10() / SCRIPT_SATURATES
    return rows.with_columns(script=alike.clip(0, 1))


def _novel(lake: Lake, found: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Each count of decided ones as 1 / √(1 + count): the first few decisions take most of the novelty away."""
    keys = decided.select(KEY).lazy()
    known = lake.scan("cases").join(keys, on=KEY, how="semi").select("scenario", "issue_types").collect()
    prints = lake.scan("fingerprints").join(keys, on=KEY, how="semi").select("template_hash", "signature").collect()
    types = pl.concat([known["issue_types"].explode().drop_nulls(), lake.read("finding_decisions")["issue_type"]])
    counted = (
        found.join(_counts(known["scenario"], "scenario", "scenario_new"), on="scenario", how="left")
        .join(_counts(prints["template_hash"], "template_hash", "script_new"), on="template_hash", how="left")
        .join(_rarest(found, types), on=KEY, how="left")
    )
    fresh = [_fresh(name) for name in ("scenario_new", "script_new")]
    return counted.with_columns(*fresh, distance=distances(found["signature"], prints["signature"]))


def _rarest(found: pl.DataFrame, types: pl.Series) -> pl.DataFrame:
    """By case, how new the newest of its accepted issue types is; a case without any has none."""
    each = found.select(*KEY, issue_type="issue_types").explode("issue_type").drop_nulls()
    counted = each.join(_counts(types, "issue_type", "issue_new"), on="issue_type", how="left").with_columns(
        _fresh("issue_new")
    )
    return counted.group_by(KEY).agg(pl.col("issue_new").max())


def _counts(values: pl.Series, key: str, name: str) -> pl.DataFrame:
    return values.drop_nulls().alias(key).to_frame().group_by(key).agg(pl.len().alias(name))


def _fresh(name: str) -> pl.Expr:
    return (1 / (1 + pl.col(name).fill_null(0)).sqrt()).alias(name)
