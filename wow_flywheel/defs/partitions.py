"""The two partitions: the business day `dt`, and the training `cycle`.

What belongs here: the definitions, and reading a key. What does not: which days feed a cycle (`datasets`).

This is the one place that reads the environment while definitions load: a partition definition holds its timezone, a partition
mapping its window, both are settings, and both must be known before the first run. A malformed value stops the loading with its
own message.
"""

import datetime as dt
import os
import re
from typing import Final

import dagster as dg

from wow_flywheel.conversations import sources
from wow_flywheel.errors import SettingsError
from wow_flywheel.settings import Settings

FIRST_DAY: Final = str(sources.FIRST_DAY)
CYCLE_KEY: Final = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})(-[A-Za-z0-9][A-Za-z0-9._]{0,30})?")

SETTINGS: Final = Settings.from_env(os.environ)
TIMEZONE: Final = SETTINGS.timezone
DUPLICATE_WINDOW_DAYS: Final = SETTINGS.duplicate_window_days
days: Final = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=TIMEZONE, end_offset=1)
"""Business days from 2020 to today; today is included, so that a day still in progress can be looked at."""

cycles: Final = dg.DynamicPartitionsDefinition(name="cycle")
"""Training cycles, named by the newest day that they may learn from: `2026-01-05`, or `2026-01-05-b` for a second one."""


def day_of(partition_key: str) -> dt.date:
    """The date of a `dt` partition key.

    Raises:
        SettingsError: It is no date.
    """
    try:
        return dt.date.fromisoformat(partition_key)
    except ValueError:
        raise SettingsError(f"{partition_key!r} is no day", hint="write it as YYYY-MM-DD") from None


def is_business_day(day: dt.date) -> bool:
    """Whether there is a partition for it: from 2020 to today."""
    return days.has_partition_key(str(day))


def day_of_cycle(cycle: str) -> dt.date:
    """The newest day that a cycle may learn from, which is how its key begins.

    Raises:
        SettingsError: The key is not a date with an optional suffix; Dagster itself would accept slashes and line ends.
    """
    match = CYCLE_KEY.fullmatch(cycle)
    try:
        if match:
            return dt.date.fromisoformat(match["day"])
    except ValueError:
        pass
    raise SettingsError(f"{cycle!r} is no cycle key", hint="name a cycle by its newest day: 2026-01-05, or 2026-01-05-b")


def open_cycle(instance: dg.DagsterInstance, cycle: str) -> str:
    """Register a cycle's key, after checking it; registering it again changes nothing.

    Raises:
        SettingsError: The key is malformed.
    """
    day_of_cycle(cycle)
    if not instance.has_dynamic_partition("cycle", cycle):
        instance.add_dynamic_partitions("cycle", [cycle])
    return cycle
