"""The duplicates of a day: conversations that say what an earlier one said, on that day or in the window before it.

What belongs here: the window, what counts as the first, the table `duplicates`. What does not: comparing (`near`).

A day looks back and never forward, and only into the table `fingerprints`: no earlier conversation is read again. The first by
day, start and id stays; whatever is exactly or nearly like it, or like another that came before, is a duplicate, so of a chain
of small changes one conversation stays. When an earlier day is read again, later days keep what they found until `duplicates`
is materialised for them as well, which needs nothing but fingerprints.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from wow_flywheel.contracts import DUPLICATES
from wow_flywheel.conversations.duplicates.fingerprints import ALGORITHM
from wow_flywheel.conversations.duplicates.near import near, near_within
from wow_flywheel.lake import Lake

ROWS_AT_ONCE = 200_000
"""Earlier fingerprints compared at a time: about 700 bytes each."""


@dataclass(frozen=True, slots=True)
class Found:
    """The duplicates of a day.

    Attributes:
        duplicates: Contract `duplicates`.
        counts: conversations, exact, near, kept; compared_with (earlier fingerprints in the window), and other_algorithm (those
            that could not be compared: materialise `fingerprints` of their days again).
    """

    duplicates: pl.DataFrame
    counts: Mapping[str, int]


def find_duplicates(lake: Lake, day: dt.date, *, threshold: float, window_days: int) -> Found:
    """Compare a day's fingerprints with each other and with those of the days before.

    Args:
        lake: It holds the table `fingerprints`.
        day: The day.
        threshold: Least estimated Jaccard similarity of a near duplicate.
        window_days: How many days before it to look at.
    """
    since = day - dt.timedelta(days=window_days)
    window = lake.scan("fingerprints").filter(pl.col("dt").is_between(since, day, closed="left"))
    comparable = window.filter(pl.col("algorithm") == ALGORITHM)
    today = _ordered(lake.read("fingerprints", day))
    exact = _exact(today, comparable)
    rest = today.join(exact, on="conversation_id", how="anti", maintain_order="left").filter(pl.col("bands").is_not_null())
    nearly = _near(rest, comparable, threshold)
    duplicates = DUPLICATES.conform(pl.concat([exact, nearly]).with_columns(dt=pl.lit(day)).sort("conversation_id"))
    algorithms = dict(window.group_by(pl.col("algorithm") == ALGORITHM).len().collect().iter_rows())
    counts = {
        "conversations": today.height,
        "exact": exact.height,
        "near": nearly.height,
        "kept": today.height - duplicates.height,
        "compared_with": algorithms.get(True, 0),
        "other_algorithm": algorithms.get(False, 0),
    }
    return Found(duplicates, counts)


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("dt", "started_at", "conversation_id")


def _exact(today: pl.DataFrame, window: pl.LazyFrame) -> pl.DataFrame:
    """Those whose messages are the same as those of the first that has them."""
    columns = ("dt", "conversation_id", "started_at", "exact_hash")
    hashes = today.select("exact_hash").unique().lazy()
    same = window.select(columns).join(hashes, on="exact_hash", how="semi").collect()
    first = _ordered(pl.concat([same, today.select(columns)])).unique("exact_hash", keep="first", maintain_order=True)
    pairs = today.select("dt", "conversation_id", "exact_hash").join(first, on="exact_hash", suffix="_of")
    later = (pl.col("dt") != pl.col("dt_of")) | (pl.col("conversation_id") != pl.col("conversation_id_of"))
    return pairs.filter(later).select(
        "conversation_id", kind=pl.lit("exact"), of_dt="dt_of", of_conversation_id="conversation_id_of", similarity=pl.lit(1.0)
    )


def _near(today: pl.DataFrame, window: pl.LazyFrame, threshold: float) -> pl.DataFrame:
    """Those that are near another: the earliest days first, the day itself last."""
    open_rows, found = today, []
    for days in _batches(window):
        earlier = _ordered(window.filter(pl.col("dt").is_in(days), pl.col("bands").is_not_null()).collect())
        found.append(_named(open_rows, earlier, near(open_rows, earlier, threshold)))
        open_rows = open_rows.join(found[-1], on="conversation_id", how="anti", maintain_order="left")
    of_the_day = _named(today, today, near_within(today, threshold))
    found.append(of_the_day.join(open_rows, on="conversation_id", how="semi"))
    return pl.concat(found)


def _batches(window: pl.LazyFrame) -> Iterator[list[dt.date]]:
    """The window's days in order, as many at a time as memory is meant to hold."""
    days: list[dt.date] = []
    rows = 0
    for day, count in window.group_by("dt").len().sort("dt").collect().iter_rows():
        if days and rows + count > ROWS_AT_ONCE:
            yield days
            days, rows = [], 0
        days.append(day)
        rows += count
    if days:
        yield days


def _named(rows: pl.DataFrame, earlier: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Matches of places as rows of `duplicates`, without the day."""
    of = earlier[matches["of_row"]]
    return pl.DataFrame(
        {
            "conversation_id": rows["conversation_id"][matches["row"]],
            "kind": pl.repeat("near", matches.height, eager=True, dtype=pl.String),
            "of_dt": of["dt"],
            "of_conversation_id": of["conversation_id"],
            "similarity": matches["similarity"],
        }
    )
