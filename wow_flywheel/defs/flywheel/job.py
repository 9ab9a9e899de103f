"""`flywheel`, the main job: whole turns of the wheel.

What belongs here: its config and its one op. What does not: the parts of a turn (`production`, `turn`).
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field

from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.defs.console import LOGGERS
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.flywheel.production import found, produce
from wow_flywheel.defs.flywheel.report import as_markdown, as_text, case_rows, metric_rows, verdict
from wow_flywheel.defs.flywheel.turn import Turn, next_day, outcome_of, run_cycle, run_days
from wow_flywheel.defs.partitions import FIRST_DAY, day_of, is_business_day
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import SourceError
from wow_flywheel.settings import Settings


class WheelConfig(dg.Config):
    """How far to turn; the defaults are those of `make demo`.

    With the embedded closed world each turn plays one production day. With your own logs one turn labels the newest days and
    trains once.
    """

    turns: int = Field(default=2, ge=1, le=100, description="Embedded: turns of the wheel, a production day each.")
    conversations_per_day: int = Field(default=400, ge=1, description="Embedded: customers that are served on a day.")
    first_day: str = Field(
        default="2026-01-05", description="Embedded: the world's first day; later turns go on from the last."
    )
    seed: int = Field(default=1, ge=0, description="Embedded: of everything that production draws.")
    days: list[str] = Field(default=[], description="Own logs: the days to label. None means the newest ones that have logs.")
    newest: int = Field(default=7, ge=1, description="Own logs: how many of the newest days, where `days` is empty.")


@dg.op(out=dg.Out(dg.Nothing), description="Logs → cases → pairs → training → gate → release, turn by turn, as sub-runs.")
def turn_the_wheel(context: dg.OpExecutionContext, config: WheelConfig, flywheel: Flywheel) -> None:
    """Turn the wheel, then show what came of each turn."""
    with plain_failures(context):
        turns = (
            embedded_turns(context, config, flywheel) if flywheel.settings().embedded else own_turn(context, config, flywheel)
        )
    metrics, cases = metric_rows(turns), case_rows(turns)
    print(f"\n{as_text(metrics)}\n\n{as_text(cases)}\n\nwhere to look next: `make ui`, then http://localhost:3000", flush=True)
    context.add_output_metadata(
        {"metrics": dg.MetadataValue.md(as_markdown(metrics)), "cases": dg.MetadataValue.md(as_markdown(cases))}
    )


def embedded_turns(context: dg.OpExecutionContext, config: WheelConfig, flywheel: Flywheel) -> list[Turn]:
    """Turns in the closed world: the release in use serves a day, the day is labelled, a cycle tries to better the release.

    Raises:
        FlywheelError: A command of the world failed, or a setting is wrong.
        dagster.Failure: A sub-run failed.
    """
    turns: list[Turn] = []
    for number in range(1, config.turns + 1):
        day = next_day(flywheel, day_of(config.first_day))
        context.log.info("turn %d of %d: %s", number, config.turns, day)
        release = found(flywheel, day, config.seed, context.log.info)
        produce(flywheel.settings(), release, day, config.conversations_per_day, config.seed, context.log.info)
        run_days(context, [day])
        turns.append(run_cycle(context, flywheel, str(day), [day]))
        context.log.info("turn %d of %d, gate: %s", number, config.turns, verdict(turns[-1]))
    return turns


def own_turn(context: dg.OpExecutionContext, config: WheelConfig, flywheel: Flywheel) -> list[Turn]:
    """One turn on the user's own logs; without a model to train it stops at the preference pairs, and says so.

    Raises:
        SourceError: There are no logs, or none of a day from 2020 to today.
        dagster.Failure: A sub-run failed.
    """
    settings = flywheel.settings()
    days = chosen_days(config, settings, context.log.warning)
    run_days(context, days)
    cycle = str(max(days))
    if settings.model is None and flywheel.releases().current() is None:
        note = "no cycle: there is no model to train, set WOW_MODEL"
        context.log.warning("%s", note)
        return [Turn(cycle, tuple(days), *outcome_of(flywheel.lake(), days), note=note)]
    return [run_cycle(context, flywheel, cycle, days)]


def chosen_days(config: WheelConfig, settings: Settings, warn: Callable[[str], None]) -> list[dt.date]:
    """The days that the config names, else the newest ones that have logs and are not in the future.

    Raises:
        SourceError: There are none, or a named one has no partition.
    """
    named = [day_of(day) for day in config.days]
    found = named or LogSource.of(settings).days()
    outside = [str(day) for day in found if not is_business_day(day)]
    if outside and (named or len(outside) == len(found)):
        raise SourceError(f"{', '.join(outside)}: not a day from {FIRST_DAY} to today", hint="check the days, and WOW_TIMEZONE")
    if outside:
        warn(f"left out, as not a day from {FIRST_DAY} to today (check WOW_TIMEZONE): {', '.join(outside)}")
    days = [day for day in found if is_business_day(day)]
    if not days:
        raise SourceError(f"{settings.logs_uri} has no logs of any day", hint="check WOW_LOGS_URI")
    return days if named else days[-config.newest :]


@dg.config_mapping
def wheel_config(config: WheelConfig) -> dict[str, Any]:
    """The job's config is that of its one op, with the quiet console logger: `-c wheel.yaml`, in it `turns: 3`."""
    return {**LOGGERS, "ops": {"turn_the_wheel": {"config": config.model_dump()}}}


@dg.job(
    name="flywheel",
    config=wheel_config,
    description="The main job: turns the wheel, by default twice in the embedded closed world.",
)
def wheel() -> None:
    """One op; its sub-runs are runs of `nightly` and `training_cycle`, tagged with this run."""
    turn_the_wheel()
