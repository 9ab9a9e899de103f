"""A day that was read: its account, and its rows on local disk.

What belongs here: giving the rows out. What does not: how they came to be (`account`), tables (`lake`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.feedback import Feedback
from wow_flywheel.conversations.spool import Spool


@dataclass(slots=True)
class DayRead:
    """What a day's files hold. Close it, or use it as a context manager, to remove its rows from the local disk.

    Attributes:
        counts: files, lines, conversations, conversation_lines (of which these were made), quarantined, duplicates (lines of
            copies and earlier versions of a conversation), blank, ignored, redactions;
            lines = conversation_lines + quarantined + duplicates + blank + ignored.
        elsewhere: Lines of other days, in files outside the days' folders: read with them, and in none of the counts.
        ignored: The ignored lines by reason.
        formats: Files by format.
        drift: Lines with a field that does not fit the contract, by column or by the field's name.
        other_choices: Replies that were asked for beside the first one of a call (`n`), and are not kept.
        feedback: Contract `feedback`: what people said apart from a conversation's own lines; of this day's conversations,
            these have it.
        theirs: Ids of conversations of forgotten people that were met, and of their calls and traces.
        followed: What lines that were asked for became a part of; see `followed.Followed.found`.
    """

    counts: Mapping[str, int]
    elsewhere: int
    ignored: Mapping[str, int]
    formats: Mapping[str, int]
    drift: Mapping[str, int]
    other_choices: int
    feedback: pl.DataFrame
    theirs: Collection[str]
    followed: pl.DataFrame
    _said: Feedback
    _rows: Spool
    _broken: Spool
    _left_out: pl.Series
    _settled: pl.DataFrame

    @property
    def conversations(self) -> pl.DataFrame:
        """Contract `conversations`, by start; held in memory."""
        return CONVERSATIONS.conform(self.scan().collect().sort("started_at", "conversation_id"))

    @property
    def quarantine(self) -> pl.DataFrame:
        """Contract `quarantine`; held in memory."""
        return QUARANTINE.conform(self.scan_quarantine().collect().sort("source_file", "source_line"))

    def batches(self) -> Iterator[pl.DataFrame]:
        """The conversations some thousands at a time."""
        for frame in self._rows.frames():
            kept = frame.filter(pl.col("seq").is_in(self._left_out.implode()).not_())
            yield self._said.added(kept.lazy()).select(list(CONVERSATIONS.columns)).collect()
        yield self._said.added(self._settled.lazy()).collect()

    def quarantine_batches(self) -> Iterator[pl.DataFrame]:
        """The quarantined lines some thousands at a time."""
        return self._broken.frames()

    def scan(self) -> pl.LazyFrame:
        """The conversations, lazily."""
        kept = self._rows.scan().filter(pl.col("seq").is_in(self._left_out.implode()).not_())
        return self._said.added(pl.concat([kept.select(list(CONVERSATIONS.columns)), self._settled.lazy()]))

    def scan_quarantine(self) -> pl.LazyFrame:
        """The quarantined lines, lazily."""
        return self._broken.scan()

    def close(self) -> None:
        """Remove what is on the local disk."""
        self._rows.close()
        self._broken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
