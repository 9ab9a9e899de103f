"""What starts runs by itself: new log files, and enough new pairs.

What belongs here: the two sensors; each looks, decides by a plain function, and remembers. What does not: listing files
(`conversations.sources`).
"""

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import dagster as dg
import polars as pl

from wow_flywheel.defs.jobs import nightly, training_cycle
from wow_flywheel.defs.partitions import cycles, day_of_cycle, days
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import SettingsError
from wow_flywheel.lake import Lake

Files = dict[str, tuple[int, str]]
"""Size and token by path."""

MIN_PAIRS: Final = 100
DAYS_A_TICK: Final = 30


@dataclass(frozen=True, slots=True)
class LogCursor:
    """What is remembered between ticks.

    Attributes:
        asked: The files of each day as they were when the day was last asked for.
        waiting: The files, as last seen, of days that wait because one of theirs was growing.
    """

    asked: Mapping[str, Files]
    waiting: Mapping[str, Files]

    @classmethod
    def parse(cls, text: str | None) -> "LogCursor":
        """The cursor as stored; none yet means that nothing was seen."""
        stored = json.loads(text) if text else {}
        return cls(_files(stored.get("asked", {})), _files(stored.get("waiting", {})))

    def dump(self) -> str:
        """The cursor as text."""
        return json.dumps({"asked": self.asked, "waiting": self.waiting}, sort_keys=True)

    def is_growing(self, day: str, files: Files) -> bool:
        """Whether a file of the day has changed since it was last seen; a file not seen before is taken as it is."""
        before = self.waiting.get(day, self.asked.get(day, {}))
        return any(path in before and before[path] != facts for path, facts in files.items())


def look(cursor: LogCursor, found: Mapping[str, Files], limit: int = DAYS_A_TICK) -> tuple[LogCursor, dict[str, Files]]:
    """Decide which days to run.

    A day runs when its files differ from those that it was last run for, whether new, changed, late or removed; but a file that
    has changed since the last tick may still be growing, so its day waits until a tick finds it unchanged.

    Args:
        cursor: What the last tick remembered.
        found: The files of every day now.
        limit: Days to ask for at most; the oldest first, the others wait for the next tick.

    Returns:
        What to remember, and the files by day of the days to run.
    """
    changed = [day for day in sorted({*found, *cursor.asked}) if found.get(day, {}) != cursor.asked.get(day, {})]
    growing = {day: found[day] for day in changed if day in found and cursor.is_growing(day, found[day])}
    ready = {day: found.get(day, {}) for day in [day for day in changed if day not in growing][:limit]}
    return LogCursor({**cursor.asked, **ready}, growing), ready


def run_key(day: str, files: Files) -> str:
    """The same for the same day and content, so that a tick that is repeated starts nothing twice."""
    content = json.dumps(sorted((path, *facts) for path, facts in files.items()))
    return f"{day} {sha256(content.encode()).hexdigest()[:16]}"


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=60,
    description="Runs `nightly` for the days whose log files are new, changed or late, once they have stopped growing.",
)
def new_logs(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the log files with those of the last tick.

    Raises:
        SourceError: The logs cannot be listed: the tick fails and shows the message, and the next one tries again.
        StorageUnavailable: The object store does not answer.
    """
    from wow_flywheel.conversations.sources import LogSource

    source = LogSource.at(flywheel.settings().logs_uri)
    found = {str(day): {f.path: (f.size, f.token) for f in source.files(day)} for day in source.days()}
    known = {day: files for day, files in found.items() if days.has_partition_key(day)}
    cursor, ready = look(LogCursor.parse(context.cursor), known)
    requests = [dg.RunRequest(run_key=run_key(day, files), partition_key=day) for day, files in ready.items()]
    waiting = f"still growing: {', '.join(cursor.waiting)}" if cursor.waiting else "no new log file"
    return dg.SensorResult(
        run_requests=requests, skip_reason=None if requests else dg.SkipReason(waiting), cursor=cursor.dump()
    )


@dg.sensor(
    job=training_cycle,
    minimum_interval_seconds=300,
    description="Opens a training cycle when enough preference pairs have been made since the last one (`WOW_MIN_PAIRS`).",
)
def enough_pairs(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Count the pairs that no cycle has used."""
    needed = min_pairs(os.environ)
    newest, fresh = unused_pairs(flywheel.lake())
    if newest is None or fresh < needed:
        return dg.SkipReason(f"{fresh} new preference pairs; a cycle opens at {needed}")
    cycle = free_key(newest, context.instance.get_dynamic_partitions("cycle"))
    if context.cursor == f"{newest} {fresh}":
        return dg.SkipReason(f"a cycle for these {fresh} pairs was asked for already")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=cycle, partition_key=cycle)],
        dynamic_partitions_requests=[cycles.build_add_request([cycle])],
        cursor=f"{newest} {fresh}",
    )


def unused_pairs(lake: Lake) -> tuple[dt.date | None, int]:
    """The newest day with preference pairs, and how many pairs are in no cycle's dataset."""
    pairs = lake.scan("preference_pairs").select("dt", "pair_id").collect()
    used = lake.scan("preference_dataset").select("pair_id").collect()["pair_id"]
    fresh = pairs.filter(pl.col("pair_id").is_in(used.implode()).not_())
    return (None, 0) if fresh.is_empty() else (max(fresh["dt"]), fresh["pair_id"].n_unique())


def free_key(day: dt.date, taken: Sequence[str]) -> str:
    """The day as a cycle key, with a suffix where the day has a cycle already."""
    suffixes = ["", *(f"-{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")]
    key = next((f"{day}{suffix}" for suffix in suffixes if f"{day}{suffix}" not in taken), None)
    if key is None:
        raise SettingsError(f"{day} has {len(suffixes)} cycles already", hint="name the next one by hand")
    day_of_cycle(key)
    return key


def min_pairs(env: Mapping[str, str]) -> int:
    """`WOW_MIN_PAIRS`, by default 100.

    Raises:
        SettingsError: It is no whole number above zero.
    """
    text = env.get("WOW_MIN_PAIRS", "").strip() or str(MIN_PAIRS)
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"WOW_MIN_PAIRS={text!r} is no whole number above zero", hint="set it to something like 100")
    return int(text)


def _files(stored: Mapping[str, Mapping[str, Sequence[object]]]) -> dict[str, Files]:
    return {day: {path: (int(str(f[0])), str(f[1])) for path, f in files.items()} for day, files in stored.items()}
