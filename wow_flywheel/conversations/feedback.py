"""What customers thought of a conversation, said on lines of its own: put to the conversation, whenever it arrives.

What belongs here: joining by the conversation's id, and which days it re-opens. What does not: reading such lines (`record`).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Self

import polars as pl

from wow_flywheel.lake import Lake

PARTS = ("thumb", "score", "comment")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of each conversation.

    Attributes:
        latest: rated_conversation_id, thumb, score, comment: of each part the last that was said.
    """

    latest: pl.DataFrame

    @classmethod
    def of(cls, lines: pl.DataFrame) -> Self:
        """From lines in the order of their arrival, with the columns of the table `feedback`."""
        last = [pl.col(part).drop_nulls().last() for part in PARTS]
        return cls(lines.group_by("rated_conversation_id", maintain_order=True).agg(last))

    def added(self, conversations: pl.LazyFrame) -> pl.LazyFrame:
        """Conversations with what was said of them in `feedback`, in place of what their own record says."""
        if self.latest.is_empty():
            return conversations
        said = self.latest.lazy().rename({part: f"said_{part}" for part in PARTS})
        joined = conversations.join(said, left_on="conversation_id", right_on="rated_conversation_id", how="left")
        parts = [pl.coalesce(f"said_{part}", pl.col("feedback").struct.field(part)).alias(part) for part in PARTS]
        spoken = pl.any_horizontal(*(pl.col(f"said_{part}").is_not_null() for part in PARTS))
        told = pl.when(spoken).then(pl.struct(parts)).otherwise("feedback").alias("feedback")
        return joined.with_columns(told).drop(*(f"said_{part}" for part in PARTS))


def arrived_later(lake: Lake, day: dt.date) -> pl.DataFrame:
    """Lines of the table `feedback` that arrived after a day, in the order of arrival."""
    later = lake.scan("feedback").filter(pl.col("dt") > day)
    return later.sort("dt", "source_file", "source_line").collect()


def reopened(lake: Lake, lines: pl.DataFrame, day: dt.date) -> list[dt.date]:
    """The days before a day that have a conversation which these lines, which arrived on it, speak of."""
    ids = lines["rated_conversation_id"].unique()
    if ids.is_empty():
        return []
    rated = lake.scan("conversations").filter(pl.col("dt") < day, pl.col("conversation_id").is_in(ids.implode()))
    return rated.select(pl.col("dt").unique().sort()).collect()["dt"].to_list()
