"""When `nightly` runs by the clock.

What belongs here: schedules. What does not: reacting to files or to new pairs (`sensors`).

`build_schedule_from_partitioned_job` is not used: the day partitions include today (`end_offset=1`), so it would ask at 02:30
for the day that has just begun.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import dagster as dg

from wow_flywheel.defs.jobs import calibrate, nightly
from wow_flywheel.defs.partitions import TIMEZONE


@dg.schedule(
    name="nightly_schedule",
    job=nightly,
    cron_schedule="30 2 * * *",
    execution_timezone=TIMEZONE,
    description="Every night at 02:30 of the business timezone, for the day that has just ended.",
)
def nightly_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for yesterday; the same tick asked twice is one run."""
    tonight = context.scheduled_execution_time.astimezone(ZoneInfo(TIMEZONE)).date()
    yesterday = str(tonight - dt.timedelta(days=1))
    return dg.RunRequest(run_key=f"nightly {yesterday}", partition_key=yesterday)


@dg.schedule(
    name="calibrate_schedule",
    job=calibrate,
    cron_schedule="0 4 * * *",
    execution_timezone=TIMEZONE,
    description="Every night at 04:00, after `nightly`: the gates on training and on the next pairs read what it measures.",
)
def calibrate_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for yesterday; the same tick asked twice is one run."""
    tonight = context.scheduled_execution_time.astimezone(ZoneInfo(TIMEZONE)).date()
    yesterday = str(tonight - dt.timedelta(days=1))
    return dg.RunRequest(run_key=f"calibrate {yesterday}", partition_key=yesterday)
