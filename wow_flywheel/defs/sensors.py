"""What starts runs by itself: new log files, feedback and edits that came later, and enough new pairs.

What belongs here: the sensors; each looks, decides by a plain function, and remembers. What does not: listing files, and
which of them make a day run (`conversations.sources`, `conversations.arrivals`).
"""

import datetime as dt
import json
import os
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import dagster as dg
import polars as pl

from wow_flywheel.conversations.arrivals import Found, LogCursor, arrived, in_words, look
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.datasets.unused import unused_pairs
from wow_flywheel.defs.jobs import nightly, training_cycle
from wow_flywheel.defs.partitions import FIRST_DAY, cycles, day_of_cycle, days
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import SettingsError
from wow_flywheel.lake import Lake

MIN_PAIRS: Final = 100


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=60,
    description="Runs `nightly` for the days whose log files are new, changed or late, once they have stopped growing.",
)
def new_logs(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the log files with those of the last tick.

    Raises:
        SourceError: The logs cannot be listed: the tick fails and shows the message, and the next one tries again.
        SettingsError: The cursor is none of this sensor's.
        StorageUnavailable: The object store does not answer.
    """
    settings = flywheel.settings()
    found = arrived(LogSource.of(settings), time.time(), settings.logs_settle_seconds)
    known = Found({day: files for day, files in found.days.items() if days.has_partition_key(day)}, found.held)
    cursor, keys = look(LogCursor.parse(context.cursor), known)
    waiting = in_words(known, cursor.waiting) or "no new log file"
    if outside := sorted(set(found.days) - set(known.days)):
        waiting += f"; left out, as no days from {FIRST_DAY} to today: {', '.join(outside[:5])}"
    requests = [dg.RunRequest(run_key=key, partition_key=day) for day, key in keys.items()]
    return dg.SensorResult(
        run_requests=requests, skip_reason=None if requests else dg.SkipReason(waiting), cursor=cursor.dump()
    )


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=300,
    description="Runs `nightly` again for the days of conversations that a customer has rated later, on a line of its own.",
)
def late_feedback(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the feedback lines of each day of arrival with those of the last tick.

    Raises:
        StorageUnavailable: The lake does not answer: the tick fails, and the next one tries again.
    """
    from wow_flywheel.conversations.feedback import ORDER, reach

    lake, seen = flywheel.lake(), json.loads(context.cursor or "{}")
    arrived = lake.read("feedback").sort(*ORDER).partition_by("dt", as_dict=True)
    digests = {str(day): sha256(str(lines.rows()).encode()).hexdigest()[:16] for (day,), lines in arrived.items()}
    fresh = {day: lines for (day,), lines in arrived.items() if seen.get(str(day)) != digests[str(day)]}
    asked = {earlier: digests[str(day)] for day, lines in fresh.items() for earlier in reach(lake, lines, day).days}
    requests = [
        dg.RunRequest(run_key=f"{day} feedback {digest}", partition_key=str(day)) for day, digest in sorted(asked.items())
    ]
    skipped = None if requests else dg.SkipReason("no new feedback for earlier days")
    return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=json.dumps(digests, sort_keys=True))


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=300,
    description="Runs `nightly` again for the days of turns that a person has rewritten since their pairs were made.",
)
def late_edits(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the edits of each day with those of the last tick, and with those that its candidates hold.

    Raises:
        StorageUnavailable: The lake does not answer: the tick fails, and the next one tries again.
    """
    digests = waiting_edits(flywheel.lake())
    seen = json.loads(context.cursor or "{}")
    requests = [
        dg.RunRequest(run_key=f"{day} edits {digest}", partition_key=day)
        for day, digest in sorted(digests.items())
        if seen.get(day) != digest
    ]
    skipped = None if requests else dg.SkipReason("no edit that a day's candidates lack")
    return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=json.dumps(digests, sort_keys=True))


def waiting_edits(lake: Lake) -> dict[str, str]:
    """A digest of each day's latest edits, for the days whose `rewrite_candidates` lack one of them."""
    from wow_flywheel.pairs.edits import latest, written_by

    place = ["dt", "conversation_id", "turn"]
    edits = latest(lake.read("rewrite_edits")).with_columns(source_conversation_id=written_by()).sort(place)
    used = lake.scan("rewrite_candidates").filter(pl.col("source") == "person").collect()
    lacking = edits.join(used, on=[*place, "source_conversation_id"], how="anti")["dt"].unique()
    return {
        str(day): sha256(str(rows.rows()).encode()).hexdigest()[:16]
        for (day,), rows in edits.partition_by("dt", as_dict=True).items()
        if day in lacking
    }


@dg.sensor(
    job=training_cycle,
    minimum_interval_seconds=300,
    description="Opens a training cycle when there are enough pairs to train on that no cycle has looked at (`WOW_MIN_PAIRS`).",
)
def enough_pairs(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Count the pairs to train on that no cycle has looked at."""
    needed = min_pairs(os.environ)
    models = Path(flywheel.settings().models_uri)
    newest, fresh = unused_pairs(flywheel.lake(), models, flywheel.window_days)
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
