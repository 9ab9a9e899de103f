"""What the UI shows of a day's rewrites and pairs.

What belongs here: tables and plots. What does not: any number of theirs (`wow_flywheel.pairs.hygiene`).
"""

from typing import Any

import polars as pl

from wow_flywheel.defs.metadata import bars, count_table, stacked_days, table
from wow_flywheel.pairs.limits import PairLimits


def tried(candidates: pl.DataFrame) -> dict[str, Any]:
    """What became of the candidates: by stage and source, by reason, and the stages as a plot."""
    plain = candidates.with_columns(reason=pl.col("reason").str.replace_all(r"\d+|'[^']*'|: .*$|nearly the same as .*$", "…"))
    stages = candidates["stage"].value_counts(sort=True)
    return {
        "by stage": count_table(candidates, "stage", "source"),
        "reasons": count_table(plain, "stage", "source", "reason"),
        "what decided": bars(stages, "candidates by what decided on them"),
    }


def made(pairs: pl.DataFrame, weeks: pl.DataFrame, limits: PairLimits) -> dict[str, Any]:
    """The pairs by source and issue type, how the last two weeks went, and the numbers that the checks look at."""
    from wow_flywheel.pairs.hygiene import findings

    numbers = [(each.check, each.value, "yes" if each.passed else "no", each.sentence) for each in findings(pairs, {}, limits)]
    return {
        "by source": count_table(pairs, "source", "verified_by"),
        "by issue type": count_table(pairs, "issue_type", "source"),
        "hygiene": table(("number", "value", "within its limit", "in words"), numbers),
        "last 14 days": stacked_days(weeks, "issue_type", "preference pairs by issue type"),
        "sources of 14 days": stacked_days(weeks, "source", "preference pairs by source of the rewrite"),
    }
