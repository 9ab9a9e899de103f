"""Reads quarantined days again after a fix, in the logs or in the reader.

What belongs here: comparing before and after, writing both tables. What does not: reading (`ingest`).
"""

import datetime as dt
from dataclasses import dataclass

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.forget.tombstones import forgotten_users
from wow_flywheel.lake import Lake

LINE = ("source_file", "source_line")


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What a replay changed.

    Attributes:
        day: The day.
        recovered: Lines that were in quarantine and now are conversations: source_file, source_line, reason (why they were in
            quarantine), conversation_id.
        vanished: Lines that were in quarantine and now are neither there nor conversations: their file is gone or was
            rewritten, or they repeat another line.
        still_quarantined: Lines in quarantine now.
        reasons: Those lines by reason.
        conversations: Conversations that the day has now.
    """

    day: dt.date
    recovered: list[dict[str, str | int]]
    vanished: int
    still_quarantined: int
    reasons: dict[str, int]
    conversations: int


def replay(lake: Lake, source: LogSource, day: dt.date, *, timezone: str = "UTC") -> ReplayOutcome:
    """Read a day again and replace its partitions of `conversations` and `quarantine`.

    Later stages notice through the new table versions: run `nightly` for the day to bring its labels up to date. Conversations
    are written first: a replay that is killed between the two tables reports the same lines when it runs again.

    Raises:
        SourceError: The source cannot be read.
        StorageUnavailable: A store does not answer.
    """
    before = lake.read("quarantine", day)
    with read_day(source, day, timezone=timezone, forgotten=forgotten_users(lake)) as read:
        lake.replace_streamed("conversations", read.batches, day)
        lake.replace_streamed("quarantine", read.quarantine_batches, day)
        quarantined = read.scan_quarantine().select(*LINE, "reason").collect()
        gone = before.join(quarantined, on=LINE, how="anti").select(*LINE, "reason")
        recovered = read.scan().select(*LINE, "conversation_id").join(gone.lazy(), on=LINE).collect()
    recovered = recovered.select(*LINE, "reason", "conversation_id").sort(LINE)
    reasons = dict(quarantined.group_by("reason").len().sort("reason").iter_rows())
    return ReplayOutcome(
        day=day,
        recovered=recovered.to_dicts(),
        vanished=gone.height - recovered.height,
        still_quarantined=quarantined.height,
        reasons=reasons,
        conversations=read.counts["conversations"],
    )
