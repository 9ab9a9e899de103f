"""The figures of a day that the suite looks at: one number each, counted while its conversations pass.

What belongs here: counting. What does not: what is expected of the figures (`expectations`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.account import ADDED
from wow_flywheel.conversations.messages import ROLES
from wow_flywheel.conversations.readers.calls import ANONYMOUS
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


@dataclass(slots=True)
class Seen:
    """What was counted of a day's conversations: it holds a number a conversation, and no text of any.

    Attributes:
        sums: What `_of_each` names, summed over conversations.
        longest: Messages of the longest conversation.
        scenarios: Conversations by scenario and locale.
    """

    sums: Counter[str] = field(default_factory=Counter)
    longest: int = 0
    scenarios: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    _ids: list[pl.Series] = field(default_factory=list)

    @classmethod
    def of(cls, conversations: pl.DataFrame) -> Self:
        """Of some conversations, with the columns of the contract."""
        seen = cls()
        for _ in seen.passing([conversations]):
            pass
        return seen

    def passing(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames as they are, counted on their way; what was counted before is forgotten."""
        self.sums.clear()
        self.scenarios.clear()
        self._ids.clear()
        self.longest = 0
        for frame in frames:
            self._count(frame)
            yield frame

    @property
    def conversations(self) -> int:
        """How many there are."""
        return self.scenarios.total()

    def id_repeats(self) -> int:
        """How many ids another conversation has too, told by hashes of 64 bits."""
        ids = pl.concat(self._ids) if self._ids else pl.Series([], dtype=pl.UInt64)
        return len(ids) - ids.n_unique()

    def _count(self, frame: pl.DataFrame) -> None:
        self.sums.update(frame.select(**_of_each()).sum().row(0, named=True))
        self.longest = max(self.longest, int(frame.select(pl.col("messages").list.len().max().fill_null(0)).item() or 0))
        for scenario, locale, rows in frame.group_by("scenario", "locale").len().iter_rows():
            self.scenarios[scenario, locale] += rows
        self._ids.append(frame["conversation_id"].drop_nulls().hash())


def day_facts(
    seen: Seen, counts: Mapping[str, int], earlier: Sequence[int], scenarios: Collection[str]
) -> dict[str, float | None]:
    """The figures by name; None where there is nothing to divide by or to compare with.

    Args:
        seen: What was counted of the day's conversations.
        counts: lines, conversations, quarantined, duplicates, blank, and ignored where the reader ignores any.
        earlier: Conversations of the days before.
        scenarios: Scenarios of the days before.
    """
    total = seen.conversations
    summed = {name: seen.sums[name] for name in _of_each()}
    shares = {name: summed.pop(name) for name in list(summed) if name.startswith(("null_", "share_"))}
    new = {scenario for scenario, _ in seen.scenarios} - set(scenarios) - {"unknown"}
    enough = len(earlier) >= MIN_EARLIER_DAYS
    return (
        {**summed, "conversations": total, "id_repeats": seen.id_repeats(), "longest": seen.longest}
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
        "share_anonymous": pl.col("user_id").str.starts_with(ANONYMOUS),
        "share_unknown_scenario": pl.col("scenario") == "unknown",
        **{f"null_{name}": column.is_null() for name, column in given.items()},
    }


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
