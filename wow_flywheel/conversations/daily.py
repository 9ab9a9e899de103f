"""A day from its log files to its tables, in one call.

What belongs here: reading, checking, writing, and what is shown of it. What does not: each of these (`ingest`, `expectations`,
`lake`), Dagster's words.
"""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wow_flywheel.conversations.account import People
from wow_flywheel.conversations.day_facts import Seen, earlier_days
from wow_flywheel.conversations.drift import read_contract
from wow_flywheel.conversations.expectations import ExpectationOutcome, names, validate
from wow_flywheel.conversations.feedback import from_other_days, reach
from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.redaction.names import personal_paths
from wow_flywheel.conversations.redaction.presidio import analyzer, presidio_names
from wow_flywheel.conversations.redaction.vault import Vault, open_vault
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.conversations.spool import remove_abandoned
from wow_flywheel.conversations.thresholds import read_thresholds
from wow_flywheel.forget.tombstones import forgotten_users, remember_conversations
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of a day.

    Attributes:
        counts: Its account; see `day_read.DayRead`.
        elsewhere: Lines of other days, in files outside the days' folders.
        ignored: Ignored lines by reason.
        formats: Files by format.
        drift: Lines with a field that does not fit the contract, by column or by the field's name.
        other_choices: Replies that were asked for beside the first one of a call, and are not kept.
        anonymous: Conversations whose log names no customer.
        outcomes: What the expectations saw.
        scenarios: scenario, locale, rows.
        reasons: reason, source_file, rows: the quarantined lines.
        versions: Of the tables written, by name.
        reopened: Other days with conversations that this day's feedback speaks of: to be read again.
        waiting: Words in this day's feedback that speak of no conversation yet.
    """

    counts: Mapping[str, int]
    elsewhere: int
    ignored: Mapping[str, int]
    formats: Mapping[str, int]
    drift: Mapping[str, int]
    other_choices: int
    anonymous: int
    outcomes: list[ExpectationOutcome]
    scenarios: pl.DataFrame
    reasons: pl.DataFrame
    versions: Mapping[str, int]
    reopened: list[dt.date]
    waiting: int


def ingest_day(lake: Lake, settings: Settings, day: dt.date) -> Ingested:
    """Read a day's log files and replace its partitions of `quarantine` and `conversations`; clear up after killed runs.

    Raises:
        SourceError: The logs cannot be read.
        SettingsError: The thresholds are set wrong.
        StorageUnavailable: A store does not answer.
    """
    remove_abandoned()
    limits = read_thresholds(settings.checks, names())
    vault = open_vault(settings.vault_uri, os.environ)
    seen, before = Seen(), earlier_days(lake, day)
    with open_day(lake, settings, day, vault) as read:
        quarantined = lake.replace_streamed("quarantine", read.quarantine_batches, day)
        if read.feedback.height or lake.exists("feedback"):
            lake.replace("feedback", read.feedback, day)
        written = lake.replace_streamed("conversations", lambda: seen.passing(read.batches()), day)
        if vault is not None:
            vault.flush(day)
        reasons = read.scan_quarantine().group_by("reason", "source_file").len("rows").sort("reason", "source_file").collect()
    remember_conversations(lake, read.theirs, dt.datetime.now(dt.UTC))
    outcomes = validate(seen, read.counts, limits, *before)
    spoken = reach(lake, read.feedback, day)
    versions = {"conversations": written, "quarantine": quarantined}
    scenarios = _table(seen)
    account = (read.counts, read.elsewhere, read.ignored, read.formats, read.drift, read.other_choices)
    return Ingested(*account, seen.sums["share_anonymous"], outcomes, scenarios, reasons, versions, spoken.days, spoken.waiting)


def open_day(
    lake: Lake,
    settings: Settings,
    day: dt.date,
    vault: Vault | None,
    source: LogSource | None = None,
    followed: pl.DataFrame | None = None,
) -> DayRead:
    """Read a day's log files as the settings say, heeding whom the lake has forgotten and what feedback came on other days.

    Args:
        lake: The tables.
        settings: How to read.
        day: The day.
        vault: Is given the originals of redacted values.
        source: Where the files lie; by default where the settings say that logs do.
        followed: Lines of which it is asked what they became a part of; see `read_day`.
    """
    return read_day(
        source or LogSource.of(settings),
        day,
        timezone=settings.timezone,
        forgotten=forgotten_users(lake),
        vault=vault,
        personal=personal_paths(settings.personal_fields),
        contract=read_contract(settings.log_drift),
        told=from_other_days(lake, day),
        people=_people(settings.presidio),
        followed=followed,
    )


def _people(configuration: str | None) -> People | None:
    """What finds names that no field gives, if `WOW_PRESIDIO` asks for it."""
    if configuration is None:
        return None
    engine = analyzer(configuration)
    return lambda texts: [name for _, name in presidio_names(engine, texts)]


def _table(seen: Seen) -> pl.DataFrame:
    rows = [(scenario, locale, number) for (scenario, locale), number in seen.scenarios.items()]
    schema = {"scenario": pl.String, "locale": pl.String, "rows": pl.UInt32}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("scenario", "locale")
