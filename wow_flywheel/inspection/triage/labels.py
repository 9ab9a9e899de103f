"""What the triage learns from: customers' ratings and people's decisions.

What belongs here: which conversations count as dissatisfied or unsolved by somebody's own word. What does not: labels by rules:
an estimator that learns from those would only repeat them.
"""

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.inspection.triage.estimator import Target


def known(target: Target, satisfaction: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Labels by conversation.

    Dissatisfied: the customer's rating says so, else a person decided bad. Unsolved: a person decided failed. Decided good is
    neither, decided review says nothing; a bad case was solved.

    Args:
        target: Of the estimate.
        satisfaction: Contract `satisfaction`; ratings are the rows that are explicit and clear.
        decisions: Contract `decisions`.

    Returns:
        conversation_id, label.
    """
    decided = latest(decisions).filter(pl.col("decided_label") != "review")
    if target == "unsolved":
        return decided.select("conversation_id", label=pl.col("decided_label") == "failed")
    people = decided.filter(pl.col("decided_label") != "failed").select(
        "conversation_id", label=pl.col("decided_label") == "bad"
    )
    clear = pl.col("explicit") & (pl.col("satisfied") | pl.col("dissatisfied"))
    rated = satisfaction.filter(clear).select("conversation_id", label="dissatisfied")
    return pl.concat([rated, people]).unique("conversation_id", keep="first", maintain_order=True)
