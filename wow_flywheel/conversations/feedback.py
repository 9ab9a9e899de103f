"""What people said of conversations apart from these: put to the conversation that they name, whenever it comes.

What belongs here: finding conversations by the ids that a word names, what counts of several words, and which days are to be
read again. What does not: reading such words (`record`, `readers`), keeping them (`heard`), better replies (`demonstrations`).

A word names a message or call, a trace, a conversation, or several of these. A conversation is known by its own id and by the
ids of its calls and traces (`logged_ids`). What is said of a call or trace counts more than what is said of the conversation,
a later word more than an earlier one.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Self

import polars as pl

from wow_flywheel.lake import Lake

PARTS = ("thumb", "score", "comment")
ORDER = ("dt", "source_file", "source_line", "part")
"""The order of arrival."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of each conversation.

    Attributes:
        latest: conversation_id, thumb, score, comment: of each part the word that counts.
    """

    latest: pl.DataFrame

    @classmethod
    def of(cls, lines: pl.DataFrame, found: pl.DataFrame) -> Self:
        """From words.

        Args:
            lines: With the columns of the table `feedback`, in the order of their arrival.
            found: What `named_in` gives for them.
        """
        said = found.join(lines.with_row_index("line").select("line", *PARTS), on="line")
        ordered = said.sort(pl.col("turn").is_not_null(), "line", maintain_order=True)
        last = [pl.col(part).drop_nulls().last() for part in PARTS]
        return cls(ordered.group_by("conversation_id", maintain_order=True).agg(last))

    def added(self, conversations: pl.LazyFrame) -> pl.LazyFrame:
        """Conversations with what was said of them in `feedback`, in place of what their own record says."""
        if self.latest.is_empty():
            return conversations
        said = self.latest.lazy().rename({part: f"said_{part}" for part in PARTS})
        joined = conversations.join(said, on="conversation_id", how="left")
        parts = [pl.coalesce(f"said_{part}", pl.col("feedback").struct.field(part)).alias(part) for part in PARTS]
        spoken = pl.any_horizontal(*(pl.col(f"said_{part}").is_not_null() for part in PARTS))
        told = pl.when(spoken).then(pl.struct(parts)).otherwise("feedback").alias("feedback")
        return joined.with_columns(told).drop(*(f"said_{part}" for part in PARTS))


def named_in(conversations: pl.LazyFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Which conversations words speak of.

    Args:
        conversations: With the columns of the table `conversations`, of any days.
        lines: With those of the table `feedback`.

    Returns:
        line (the word's place), dt, conversation_id, id (the most precise one by which it names the conversation), turn (index
        of the last message that this id stands for; null where it is the conversation's and no call's), by line.
    """
    names = _names(lines)
    wanted = names["id"].unique().implode()
    about = conversations.select("dt", "conversation_id", "logged_ids")
    own = about.filter(pl.col("conversation_id").is_in(wanted)).select(
        "dt", "conversation_id", id="conversation_id", turn=pl.lit(None, pl.Int64)
    )
    calls = about.filter(pl.col("logged_ids").list.len() > 0).explode("logged_ids").unnest("logged_ids")
    known = pl.concat([own, calls.filter(pl.col("id").is_in(wanted))]).collect(engine="streaming").unique()
    found = names.join(known, on="id").sort("line", "place", "dt", "conversation_id", "turn", nulls_last=True)
    return found.unique(["line", "dt", "conversation_id"], keep="first", maintain_order=True).drop("place")


def _names(lines: pl.DataFrame) -> pl.DataFrame:
    """line, place, id: the ids that words name, the most precise first; rows of the table's first version name one."""
    ids = pl.coalesce("rated_ids", pl.concat_list("rated_conversation_id"))
    listed = lines.with_row_index("line").select("line", id=ids).explode("id").drop_nulls("id")
    return listed.with_columns(place=pl.int_range(pl.len()).over("line"))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the words go that arrived on a day.

    Attributes:
        days: Other days with a conversation that they speak of: to be read again.
        waiting: Words that speak of no conversation yet. They stay in the table `feedback`.
    """

    days: list[dt.date]
    waiting: int


def reach(lake: Lake, lines: pl.DataFrame, day: dt.date) -> Reach:
    """What words that arrived on a day speak of, in the conversations of other days.

    A word that a conversation of its own day has counts for earlier days too, where a conversation went on over midnight;
    ids may be used anew, so it does not count for later ones.

    Args:
        lake: The tables.
        lines: Rows of the table `feedback`, all of this day.
        day: The day.
    """
    if lines.is_empty():
        return Reach([], 0)
    elsewhere = lake.scan("conversations").filter(pl.col("dt") != day)
    waits = lines.with_row_index("line").select("line", waits=pl.col("joined").not_().fill_null(value=False))
    found = named_in(elsewhere, lines).join(waits, on="line").filter((pl.col("dt") < day) | pl.col("waits"))
    lost = waits.filter("waits").join(found, on="line", how="anti")
    return Reach(found["dt"].unique().sort().to_list(), lost.height)


def from_other_days(lake: Lake, day: dt.date) -> pl.DataFrame:
    """Words that may speak of a day's conversations though they arrived on another, in the order of arrival: all later ones,
    and earlier ones that no conversation of their own day has."""
    arrived = lake.scan("feedback").filter((pl.col("dt") > day) | ((pl.col("dt") < day) & pl.col("joined").not_()))
    return arrived.sort(*ORDER).collect()
