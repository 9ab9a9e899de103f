"""The queue as a reviewer walks through it: its order stays while they work, decided cases are passed over.

What belongs here: what comes next and before. What does not: the order (`queue`), pages.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wow_flywheel.lake import Lake
from wow_flywheel.review.queue import queue

Key = tuple[dt.date, str]
Row = Mapping[str, Any]


@dataclass(slots=True)
class Desk:
    """The cases of some days.

    Attributes:
        lake: The tables.
        since: The first day.
        until: The last day.
    """

    lake: Lake
    since: dt.date
    until: dt.date
    _rows: list[Row] = field(init=False, default_factory=list)
    _places: dict[Key, int] = field(init=False, default_factory=dict)

    def refresh(self) -> None:
        """Compute the order anew: what was decided since makes other cases more or less worth a look."""
        self._rows = list(queue(self.lake, self.since, self.until).iter_rows(named=True))
        self._places = {(row["dt"], row["conversation_id"]): place for place, row in enumerate(self._rows)}

    def waiting(self) -> list[Row]:
        """The rows of the cases that nobody has decided yet, the most valuable first."""
        of_days = pl.col("dt").is_between(self.since, self.until)
        decided = self.lake.scan("decisions").filter(of_days).select("dt", "conversation_id").collect()
        done = set(decided.iter_rows())
        return [row for row in self._rows if (row["dt"], row["conversation_id"]) not in done]

    def row(self, key: Key) -> Row | None:
        """A case's row; None if it was decided before the order was computed, or is of another day."""
        place = self._places.get(key)
        return None if place is None else self._rows[place]

    def following(self, key: Key | None, waiting: list[Row]) -> Row | None:
        """The next waiting case after this one, from the start again after the last; None if no other waits."""
        place = -1 if key is None else self._places.get(key, -1)
        others = [row for row in waiting if (row["dt"], row["conversation_id"]) != key]
        later = (row for row in others if self._places[row["dt"], row["conversation_id"]] > place)
        return next(later, others[0] if others else None)

    def before(self, key: Key) -> Row | None:
        """The case before this one, decided or not; None before the first."""
        place = self._places.get(key, 0)
        return self._rows[place - 1] if place > 0 else None
