"""Of which business day each line of another tool's log is: that of the first moment that it tells of.

What belongs here: lines of the formats in `readers`. What does not: native records (`native` knows their day from the row that
it reads; `moments` looks through whole files).

A line belongs to the day of its own moment, as it would lie in the folder of that day. So a conversation that goes on past
midnight is a row on each of its days, and every line is read on one of them.
"""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.readers import registry
from wow_flywheel.conversations.strict_json import line_value


def line_days(name: str, block: Block, zone: ZoneInfo) -> Iterator[dt.date | None]:
    """The days of a block's lines, in order; None for a line that tells of no moment.

    Args:
        name: The format of its file.
        block: The lines.
        zone: The business timezone.
    """
    return (_day(name, line.data, zone) if line.broken is None else None for line in block.lines())


def _day(name: str, data: bytes, zone: ZoneInfo) -> dt.date | None:
    try:
        at = registry.time_of(name, line_value(data), zone)
        return at.astimezone(zone).date() if at is not None else None
    except (BrokenRecordError, OverflowError):
        return None
