"""Reads quarantined days again after a fix, in the logs or in the reader.

What belongs here: comparing before and after, writing both tables. What does not: reading (`ingest`).
"""

import datetime as dt
from dataclasses import dataclass

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.lake import Lake


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What a replay changed.

    Attributes:
        day: The day.
        recovered: Lines that were in quarantine and are no longer.
        still_quarantined: Lines that stay in quarantine, with their reasons counted.
        conversations: Conversations that the day has now.
    """

    day: dt.date
    recovered: int
    still_quarantined: int
    reasons: dict[str, int]
    conversations: int


def replay(lake: Lake, source: LogSource, day: dt.date, *, timezone: str = "UTC") -> ReplayOutcome:
    """Read a day again and replace its partitions of `conversations` and `quarantine`.

    Later stages notice through the new table versions: run `nightly` for the day to bring its labels up to date.

    Raises:
        SourceError: The source cannot be read.
        StorageUnavailable: A store does not answer.
    """
    before = lake.read("quarantine", day)
    read = read_day(source, day, timezone=timezone)
    lake.replace("conversations", read.conversations, day)
    lake.replace("quarantine", read.quarantine, day)
    gone = before.join(read.quarantine, on=["source_file", "source_line"], how="anti")
    reasons = dict(sorted(read.quarantine["reason"].value_counts().iter_rows()))
    return ReplayOutcome(day, gone.height, read.quarantine.height, reasons, read.conversations.height)
