"""One turn of the wheel: a day's logs, its cases and pairs, a training cycle, and what came of it.

What belongs here: the order of a turn and its record. What does not: the table at the end (`report`).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg
import polars as pl

from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.defs.evaluation.checks import GATE
from wow_flywheel.defs.evaluation.judge import gate, model_names
from wow_flywheel.defs.flywheel.sub_runs import require, run_job
from wow_flywheel.defs.partitions import open_cycle
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import ReleaseError, SourceError
from wow_flywheel.lake import Lake
from wow_flywheel.release.changes import speaking
from wow_flywheel.release.decision import Decision


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a turn.

    Attributes:
        cycle: The training cycle.
        days: The days that it labelled.
        labels: Conversations of those days by label.
        pairs: Preference pairs of those days.
        baseline: The model that served, and that the candidate is compared with.
        candidate: The model that was trained.
        metrics: Value of each metric, for baseline and candidate.
        decision: The gate's; None if no cycle was opened.
        note: Why no cycle was opened.
    """

    cycle: str
    days: tuple[dt.date, ...]
    labels: Mapping[str, int]
    pairs: int
    baseline: str = "none"
    candidate: str = "none"
    metrics: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    decision: Decision | None = None
    note: str = ""


def run_days(context: dg.OpExecutionContext, days: list[dt.date]) -> None:
    """Run `nightly` for each day.

    Raises:
        dagster.Failure: A sub-run failed.
    """
    for day in days:
        context.log.info("nightly %s", day)
        require("nightly", str(day), run_job(context, "nightly", str(day)))


def run_cycle(context: dg.OpExecutionContext, flywheel: Flywheel, cycle: str, days: list[dt.date]) -> Turn:
    """Run `training_cycle`. A gate that refuses is an outcome of the turn, not a failure of the wheel.

    Raises:
        dagster.Failure: The sub-run failed for any other reason.
        SettingsError: The cycle's key is malformed.
    """
    open_cycle(context.instance, cycle)
    context.log.info("training cycle %s", cycle)
    done = run_job(context, "training_cycle", cycle)
    if set(done.failures) != {GATE}:
        require("training_cycle", cycle, done)
    lake, folder = flywheel.lake(), flywheel.cycle_folder(cycle)
    decision = gate(lake, folder, cycle, flywheel.settings().checks)
    baseline, *_, candidate = model_names(folder, cycle)
    metrics = metrics_of(lake, cycle, baseline, candidate)
    return Turn(cycle, tuple(days), *outcome_of(lake, days), baseline, candidate, metrics, decision)


def outcome_of(lake: Lake, days: list[dt.date]) -> tuple[dict[str, int], int]:
    """Conversations by label and preference pairs of some days."""
    cases = lake.scan("cases").filter(pl.col("dt").is_in(days)).select("label").collect()
    pairs = lake.scan("preference_pairs").filter(pl.col("dt").is_in(days)).select("pair_id").collect()
    return dict(cases["label"].value_counts(sort=True).iter_rows()), pairs.height


def metrics_of(lake: Lake, cycle: str, baseline: str, candidate: str) -> dict[str, tuple[float | None, float | None]]:
    """Value of each metric of a cycle, for baseline and candidate; end to end where there are customers to ask."""
    rows = speaking(lake.read("evaluations", cycle))
    values = {(row["metric"], row["model"]): row["value"] for row in rows.iter_rows(named=True)}
    names = rows["metric"].unique(maintain_order=True)
    return {name: (values.get((name, baseline)), values.get((name, candidate))) for name in names}


def next_day(flywheel: Flywheel, first: dt.date) -> dt.date:
    """The day that the embedded world's next turn is about: a turn that was cut off is done again, else the day after.

    Args:
        flywheel: Where logs and cycles are.
        first: The world's first day.
    """
    try:
        days = LogSource.of(flywheel.settings()).days()
    except SourceError:
        return first
    if not days:
        return first
    return days[-1] + dt.timedelta(days=1) if is_settled(flywheel, str(days[-1])) else days[-1]


def is_settled(flywheel: Flywheel, cycle: str) -> bool:
    """Whether a cycle has come to its end: refused by the gate, or released."""
    folder = flywheel.cycle_folder(cycle)
    if not (folder / "manifest.json").is_file():
        return False
    try:
        decision = gate(flywheel.lake(), folder, cycle, flywheel.settings().checks)
    except ReleaseError:
        return False
    return not decision.passed or any(name.endswith(f"-{cycle}") for name in flywheel.releases().list())
