"""Reads a day of logs: every line becomes a conversation, a quarantined line, or is counted with the reason; none is lost.

What belongs here: going through a day's files. What does not: lines of each format (`native`, `foreign`), the account
(`account`), tables (`lake`). Lines are handled in blocks, and what came of them waits on disk, so memory does not grow with the
day.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.account import NOBODY, Account, DayRead
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.native import NativeLines
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.forget.tombstones import Forgotten

__all__ = ["DayRead", "read_day"]


def read_day(source: LogSource, day: dt.date, *, timezone: str = "UTC", forgotten: Forgotten = NOBODY) -> DayRead:
    """Read all log files of a day.

    Args:
        source: Where the logs lie.
        day: The day; in a folder that names it, of every record there.
        timezone: The business timezone, in which a time without an offset is read.
        forgotten: Customers whose records are ignored.

    Returns:
        The day's conversations and quarantined lines, with personal data redacted.

    Raises:
        SourceError: The source cannot be listed or a file not be read.
        StorageUnavailable: The object store does not answer.
    """
    account = Account(day, forgotten)
    native = NativeLines(account, ZoneInfo(timezone))
    for file in source.files(day):
        account.counts["files"] += 1
        with source.reading(file) as stream:
            for block in read_blocks(stream, file.path):
                native.add(block, file)
    return account.settle()
