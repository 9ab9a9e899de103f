"""Reads quarantined days again after a fix, in the logs or in the reader.

What belongs here: comparing before and after, writing the day's tables. What does not: reading (`ingest`).
"""

import datetime as dt
import os
from dataclasses import dataclass

import polars as pl

from wow_flywheel.conversations.daily import open_day
from wow_flywheel.conversations.followed import FIRST, LINE
from wow_flywheel.conversations.redaction.vault import open_vault
from wow_flywheel.forget.tombstones import remember_conversations
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What a replay changed.

    Attributes:
        day: The day.
        recovered: Lines that were in quarantine and now are part of a conversation, or feedback: source_file, source_line,
            reason (why they were in quarantine), conversation_id (of feedback, the most precise id that it names).
        vanished: Lines that were in quarantine and now are neither there nor recovered: their file is gone or was rewritten,
            they repeat another line, or they rightly give nothing, as the day's account says with the reason.
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


def replay(lake: Lake, settings: Settings, day: dt.date) -> ReplayOutcome:
    """Read a day again and replace its partitions of `feedback`, `conversations` and `quarantine`, as `ingest_day` does.

    Later stages notice through the new table versions: run `nightly` for the day to bring its labels up to date. Quarantine
    is written last: a replay that is killed before reports the same lines when it runs again.

    Raises:
        SourceError: The source cannot be read.
        StorageUnavailable: A store does not answer.
    """
    before = lake.read("quarantine", day)
    vault = open_vault(settings.vault_uri, os.environ)
    with open_day(lake, settings, day, vault, followed=before.select(LINE)) as read:
        if read.feedback.height or lake.exists("feedback"):
            lake.replace("feedback", read.feedback, day)
        lake.replace_streamed("conversations", read.batches, day)
        if vault is not None:
            vault.flush(day)
        lake.replace_streamed("quarantine", read.quarantine_batches, day)
        quarantined = read.scan_quarantine().select(*LINE, "reason").collect()
        gone = before.join(quarantined, on=LINE, how="anti").select(*LINE, "reason")
        said = read.feedback.select(*LINE, conversation_id=pl.col("rated_ids").list.first())
        made = pl.concat([read.scan().select(*LINE, "conversation_id"), said.lazy()])
        parts = read.followed.lazy().join(made, left_on=FIRST, right_on=(*LINE, "conversation_id"), how="semi")
        fates = pl.concat([made, parts.select(*LINE, "conversation_id")]).unique(LINE, keep="first", maintain_order=True)
        recovered = fates.join(gone.lazy(), on=LINE).collect()
        remember_conversations(lake, read.theirs, dt.datetime.now(dt.UTC))
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
