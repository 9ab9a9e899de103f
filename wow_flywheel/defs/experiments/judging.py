"""What DPO on one issue type does to the repair rate of that type, on held-out Bad Cases.

What belongs here: asking the models, judging blind, the rows. What does not: training them (`issues`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import SINGLE_ISSUE_DPO
from wow_flywheel.defs.evaluation.judge import SEED
from wow_flywheel.defs.evaluation.sources import gives_of, locales, owed_at, verifier_verdicts
from wow_flywheel.defs.experiments.issues import FOLDER, IssueRun
from wow_flywheel.defs.flywheel.production import stream
from wow_flywheel.defs.partitions import day_of_cycle
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.training.child import write_config
from wow_flywheel.evaluation.compare import difference, paired
from wow_flywheel.evaluation.metrics import METRICS
from wow_flywheel.evaluation.repair import judge_sites, repair_outcomes, site_rows

BEFORE: Final = "sft"


def single_issue_rows(flywheel: Flywheel, cycle: str, runs: Sequence[IssueRun], say: Callable[[str], None]) -> pl.DataFrame:
    """A row for each of the eight issue types; contract `single_issue_dpo`.

    Raises:
        PermanentError: The evaluation failed.
    """
    outcomes = _outcomes(flywheel, cycle, runs, say) if any(run.model for run in runs) else None
    rows = [_row(cycle, run, outcomes) for run in runs]
    return SINGLE_ISSUE_DPO.conform(pl.DataFrame(rows, schema=pl.Schema(SINGLE_ISSUE_DPO.columns)))


def _outcomes(flywheel: Flywheel, cycle: str, runs: Sequence[IssueRun], say: Callable[[str], None]) -> pl.DataFrame:
    folder = flywheel.cycle_folder(cycle)
    place = folder / FOLDER / "evaluation"
    place.mkdir(parents=True, exist_ok=True)
    sites = [site for run in runs if run.model for site in run.sites]
    known = dict(locales(flywheel.lake(), folder).select("conversation_id", "locale").iter_rows())
    owed = owed_at(flywheel, folder, sites)
    rows = site_rows(sites, known, owed)
    rows.write_parquet(place / "sites.parquet")
    models = {BEFORE: folder / "sft" / "model"} | {run.issue_type: run.model for run in runs if run.model}
    config = _config(models, place, str(day_of_cycle(cycle)))
    stream(["wow_flywheel.evaluation.run", "--config", str(write_config(place, config))], say)
    replies = pl.read_parquet(place / "replies.parquet")
    return repair_outcomes(rows, judge_sites(sites, replies, owed, verifier_verdicts(flywheel, folder), gives_of(flywheel)))


def _config(models: "dict[str, Path]", place: Path, day: str) -> dict[str, Any]:
    return {
        "models": [{"name": name, "path": str(path)} for name, path in models.items()],
        "output": str(place / "outcomes.parquet"),
        "sites": str(place / "sites.parquet"),
        "day": day,
        "seed": SEED,
    }


def _row(cycle: str, run: IssueRun, outcomes: pl.DataFrame | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "cycle": cycle, "issue_type": run.issue_type, "pairs": run.pairs, "held_out_turns": len(run.sites),
        "trained": run.model is not None, "why": run.why, "n": 0, "higher_is_better": True, "kind": "repair",
    }  # fmt: skip
    if run.model is None or outcomes is None:
        return row
    metric = METRICS.get("repair_rate")
    both = paired(outcomes.filter(pl.col("issue_type") == run.issue_type), BEFORE, run.issue_type)
    values = {"before": both[metric.name].mean(), "after": both[f"{metric.name}_after"].mean()}
    change = difference(both, metric)
    change.pop("metric")
    return row | values | change
