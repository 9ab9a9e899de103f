"""Reads a day of logs: every line becomes a conversation, a quarantined line, or is counted with the reason; none is lost.

What belongs here: going through a day's files. What does not: lines of each format (`native`, `foreign`), the account
(`account`), tables (`lake`). Lines are handled in blocks, and what came of them waits on disk, so memory does not grow with the
day.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.contracts import FEEDBACK_LINES
from wow_flywheel.conversations.account import NOBODY, Account, People
from wow_flywheel.conversations.ahead import ahead
from wow_flywheel.conversations.day_read import DayRead
from wow_flywheel.conversations.drift import LogContract
from wow_flywheel.conversations.followed import Followed
from wow_flywheel.conversations.foreign import Foreign
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.native import NativeLines
from wow_flywheel.conversations.readers.registry import NATIVE
from wow_flywheel.conversations.record import CONTRACT
from wow_flywheel.conversations.redaction.names import DEFAULT_PATHS
from wow_flywheel.conversations.redaction.vault import Vault
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.forget.tombstones import Forgotten

__all__ = ["DayRead", "read_day"]


def read_day(
    source: LogSource,
    day: dt.date,
    *,
    timezone: str = "UTC",
    forgotten: Forgotten = NOBODY,
    vault: Vault | None = None,
    personal: Sequence[str] = DEFAULT_PATHS,
    contract: LogContract = CONTRACT,
    told: pl.DataFrame | None = None,
    people: People | None = None,
    followed: pl.DataFrame | None = None,
) -> DayRead:
    """Read all log files of a day.

    Args:
        source: Where the logs lie.
        day: The day; in a folder that names it, of every record there.
        timezone: The business timezone, in which a time without an offset is read.
        forgotten: Customers whose records are ignored.
        vault: Is given the originals of redacted values; the caller flushes it.
        personal: Dotted paths of the fields that name the customer.
        contract: What becomes of fields of native records that do not fit.
        told: Feedback that arrived on other days, with the columns of the table `feedback`.
        people: Finds further names in what was said in one conversation.
        followed: source_file and source_line of lines of which it is asked what they became a part of.

    Returns:
        The day's conversations and quarantined lines, with personal data redacted.

    Raises:
        SourceError: The source cannot be listed or a file not be read.
        StorageUnavailable: The object store does not answer.
    """
    later = FEEDBACK_LINES.empty() if told is None else told
    asked = Followed() if followed is None else Followed(followed)
    account, zone = Account(day, forgotten, vault, later, people, asked), ZoneInfo(timezone)
    native, others = NativeLines(account, zone, personal, contract), defaultdict[str, list[LogFile]](list)
    for file in source.files(day):
        account.counts["files"] += 1
        with source.reading(file) as stream:
            blocks = read_blocks(stream, file.path)
            first = next(blocks, None)
            name = source.formats.of(file.path, first) if first else NATIVE
            account.formats[name] += 1
            if name != NATIVE:
                others[name].append(file)
                continue
            for block, rows in ahead(chain([first] if first else [], blocks), native.read):
                native.add(block, rows, file)
    for name, files in sorted(others.items()):
        Foreign(account, zone, source, name, personal).read(files)
    return account.settle()
