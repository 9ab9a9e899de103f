"""What people say should have been said: the candidate that outweighs every other.

What belongs here: reading the table `rewrite_edits`. What does not: writing it (`cases.rewrites`).
"""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.pairs.candidates import Candidate

PLACE = ["dt", "conversation_id", "turn"]


def latest(edits: pl.DataFrame) -> pl.DataFrame:
    """The latest edit of each turn.

    Args:
        edits: Contract `rewrite_edits`, any rows of one day.
    """
    ordered = edits.sort("decided_at", "decided_by", "chosen")
    return ordered.unique(PLACE, keep="last", maintain_order=True)


def written_by() -> pl.Expr:
    """Who wrote an edit, and when: what its candidate has in `source_conversation_id`."""
    return pl.format("{} at {}", pl.col("decided_by"), pl.col("decided_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def edit_candidates(edits: pl.DataFrame) -> Mapping[tuple[dt.date, str, int], Candidate]:
    """A candidate for each edit that is a valid output, by day, conversation and turn; its source names who wrote it, and when.

    Args:
        edits: As `latest` gives them.
    """
    rows = edits.select(*PLACE, "chosen", written_by()).iter_rows()
    return {
        (day, conversation, turn): Candidate(output, "person", by)
        for day, conversation, turn, chosen, by in rows
        if (output := DialogueAction.from_json(chosen)) is not None
    }
