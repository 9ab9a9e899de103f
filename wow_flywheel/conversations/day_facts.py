"""The figures of a day that the suite looks at: one number each, streamed from its conversations.

What belongs here: counting. What does not: what is expected of the figures (`expectations`).
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from statistics import median

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.account import ADDED
from wow_flywheel.conversations.messages import ROLES
from wow_flywheel.lake import Lake

MIN_EARLIER_DAYS = 3
TRAILING_DAYS = 7
OPTIONAL = ("channel", "locale", "model", "thumb", "score", "comment")
"""What a log may leave out; the last three are parts of the feedback."""


def earlier_days(lake: Lake, day: dt.date) -> tuple[list[int], set[str]]:
    """How many conversations each of the seven days before a day has, of those that have any; and all their scenarios."""
    week = pl.col("dt").is_between(day - dt.timedelta(days=TRAILING_DAYS), day - dt.timedelta(days=1))
    rows = lake.scan("conversations").filter(week).group_by("dt", "scenario").len().collect(engine="streaming")
    return rows.group_by("dt").agg(pl.col("len").sum())["len"].to_list(), set(rows["scenario"])


def day_facts(
    conversations: pl.DataFrame | pl.LazyFrame, counts: Mapping[str, int], earlier: Sequence[int], scenarios: Collection[str]
) -> dict[str, float | None]:
    """The figures by name; None where there is nothing to divide by or to compare with.

    Args:
        conversations: Contract `conversations`.
        counts: lines, conversations, quarantined, duplicates, blank, and ignored where the reader ignores any.
        earlier: Conversations of the days before.
        scenarios: Scenarios of the days before.
    """
    frame = conversations.lazy()
    seen = frame.select(**_of_each()).sum().collect(engine="streaming").row(0, named=True) | _of_all(frame)
    total = seen["conversations"]
    shares = {name: seen.pop(name) for name in list(seen) if name.startswith(("null_", "share_"))}
    named = frame.group_by("scenario").len().collect(engine="streaming")["scenario"]
    new = set(named) - set(scenarios) - {"unknown"}
    enough = len(earlier) >= MIN_EARLIER_DAYS
    return (
        {name: value or 0 for name, value in seen.items()}
        | {_named(name): value / total if total else None for name, value in shares.items()}
        | _of_lines(counts)
        | {"volume": _volume(counts, earlier) if enough else None, "new_scenarios": len(new) if enough else None}
    )


def _named(name: str) -> str:
    return name if name.startswith("null_") else f"{name.removeprefix('share_')}_share"


def _of_each() -> dict[str, pl.Expr]:
    """What is summed over conversations; what begins with `share_` or `null_` is wanted as a share of them."""
    messages = pl.col("messages")
    roles = messages.list.eval(pl.element().struct.field("role"))
    times = messages.list.eval(pl.element().struct.field("created_at").drop_nulls())
    speaks = pl.element().is_in(["user", "assistant"])
    given = {each: pl.col(each) for each in OPTIONAL if each in CONVERSATIONS.columns}
    given |= {each: pl.col("feedback").struct.field(each) for each in OPTIONAL if each not in CONVERSATIONS.columns}
    return {
        "no_id": pl.col("conversation_id").is_null(),
        "no_customer": pl.col("user_id").is_null(),
        "no_user_turn": roles.list.contains("user").not_(),
        "no_assistant_turn": roles.list.contains("assistant").not_(),
        "unknown_role": roles.list.eval(pl.element().is_in(sorted(ROLES)).not_()).list.any(),
        "ends_early": pl.col("ended_at") < pl.col("started_at"),
        "times_back": times.list.eval(pl.element().diff().dt.total_microseconds() < 0).list.any(),
        "share_same_role": roles.list.eval(speaks & (pl.element() == pl.element().shift())).list.any(),
        "share_unknown_scenario": pl.col("scenario") == "unknown",
        **{f"null_{name}": column.is_null() for name, column in given.items()},
    }


def _of_all(frame: pl.LazyFrame) -> dict[str, float]:
    """What is no sum; by themselves, since beside other figures they would make the engine hold the messages."""
    identity = pl.col("conversation_id")
    repeats = identity.count() - identity.drop_nulls().n_unique()
    total = frame.select(conversations=pl.len(), id_repeats=repeats).collect(engine="streaming").row(0, named=True)
    longest = frame.select(longest=pl.col("messages").list.len().max()).collect(engine="streaming").item()
    return total | {"longest": longest}


def _of_lines(counts: Mapping[str, int]) -> dict[str, float | None]:
    spoken = counts["lines"] - counts["blank"]
    accounted = sum(counts[name] for name in ADDED)
    return {
        "read": counts["conversations"],
        "quarantined_share": counts["quarantined"] / spoken if spoken else 0.0,
        "duplicate_share": counts["duplicates"] / spoken if spoken else 0.0,
        "unaccounted": counts["lines"] - accounted,
    }


def _volume(counts: Mapping[str, int], earlier: Sequence[int]) -> float | None:
    usual = median(earlier)
    return counts["conversations"] / usual if usual else None
