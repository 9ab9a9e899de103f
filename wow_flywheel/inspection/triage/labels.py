"""What the triage learns from: customers' ratings and people's decisions.

What belongs here: which conversations count as dissatisfied or unsolved by somebody's own word. What does not: labels by rules:
an estimator that learns from those would only repeat them.
"""

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.cases.label import CaseRules
from wow_flywheel.inspection.triage.estimator import Target
from wow_flywheel.inspection.triage.features import KEY


def known(
    target: Target, satisfaction: pl.DataFrame, decisions: pl.DataFrame, upheld: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Labels by conversation.

    Dissatisfied: the customer's rating says so, else a person decided bad, else a person upheld a severe finding. Unsolved: a
    person decided failed. Decided good is neither, decided review says nothing; a bad case was solved.

    Args:
        target: Of the estimate.
        satisfaction: Contract `satisfaction`; ratings are the rows that are explicit and clear.
        decisions: Contract `decisions`.
        upheld: dt and conversation_id of those with a severe finding that a person accepted; see `with_upheld`.

    Returns:
        dt, conversation_id, label.
    """
    decided = latest(decisions).filter(pl.col("decided_label") != "review")
    if target == "unsolved":
        return decided.select(*KEY, label=pl.col("decided_label") == "failed")
    people = decided.filter(pl.col("decided_label") != "failed").select(*KEY, label=pl.col("decided_label") == "bad")
    clear = pl.col("explicit") & (pl.col("satisfied") | pl.col("dissatisfied"))
    rated = satisfaction.filter(clear).select(*KEY, label="dissatisfied")
    failed = decided.filter(pl.col("decided_label") == "failed")
    found = people.clear() if upheld is None else upheld.join(failed, on=KEY, how="anti").select(*KEY, label=pl.lit(value=True))
    return pl.concat([rated, people, found]).unique(KEY, keep="first", maintain_order=True)


def with_upheld(inspections: pl.DataFrame) -> pl.DataFrame:
    """dt and conversation_id of those with a severe finding that a person accepted.

    Args:
        inspections: Contract `inspections`, with people's decisions on it.
    """
    by_people = pl.col("decided_by").is_not_null() & (pl.col("decision") == "accepted")
    return inspections.filter(by_people, pl.col("severity").is_in(CaseRules().severe)).select(KEY).unique(maintain_order=True)
