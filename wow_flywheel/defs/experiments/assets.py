"""The experiments: knowledge ablation on a share of traffic, and DPO on one issue type at a time.

What belongs here: the two assets and their jobs' sizes. What does not: the experiments (`wow_flywheel.evaluation`, `issues`).
"""

from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from wow_flywheel.defs.experiments.issues import trained_models
from wow_flywheel.defs.experiments.judging import single_issue_rows
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.flywheel.production import stream
from wow_flywheel.defs.metadata import frame_table, written
from wow_flywheel.defs.partitions import day_of_cycle
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec
from wow_flywheel.defs.training.child import write_config
from wow_flywheel.errors import ReleaseError, SettingsError
from wow_flywheel.release.folder import Release

TRAFFIC: Final = 20_000
SHARE: Final = 0.01
SEED: Final = 40_000
"""Apart from those of production and evaluation, so that the traffic is another."""
SHOWN: Final = ("difference", "low", "high", "n")

ABLATION = table_spec(
    "knowledge_ablation",
    "experiments",
    f"The release in use, served without its knowledge on {SHARE:.0%} of {TRAFFIC:,} simulated conversations, against the same "
    "conversations with it.",
    deps=["release"],
    kinds=("pytorch", "polars"),
)
SINGLE = table_spec(
    "single_issue_dpo",
    "experiments",
    "The cycle's SFT model, tuned on the preference pairs of one issue type at a time, and what it does to the repair rate of "
    "that type on held-out Bad Cases. All eight are reported, those without pairs or held-out turns too.",
    deps=["sft_model", "preference_dataset"],
    kinds=("pytorch", "polars"),
)


@dg.multi_asset(specs=[ABLATION], pool="gpu")
def knowledge_ablation(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Play the share of the traffic with knowledge and without."""
    from wow_flywheel.evaluation.ablation import effect

    with plain_failures(context):
        cycle, lake = context.partition_key, flywheel.lake()
        release = served_simulated(flywheel)
        folder = flywheel.cycle_folder(cycle) / "knowledge_ablation"
        config = write_config(folder, ablation_config(flywheel, cycle, release, folder))
        stream(["wow_flywheel.evaluation.ablation", "--config", str(config)], context.log.info)
        rows = effect(pl.read_parquet(folder / "outcomes.parquet"), cycle, release.id, TRAFFIC, SHARE)
        version = lake.replace("knowledge_ablation", rows, cycle)
    shown = frame_table(rows.select("metric", "with_knowledge", "without_knowledge", *SHOWN))
    return dg.MaterializeResult(metadata=written(lake, "knowledge_ablation", rows, version) | {"effect": shown})


def ablation_config(flywheel: Flywheel, cycle: str, release: Release, folder: Path) -> dict[str, Any]:
    """The config of `wow_flywheel.evaluation.ablation`."""
    return {
        "model": str(release.model_dir),
        "environment": flywheel.settings().environment,
        "day": str(day_of_cycle(cycle)),
        "seed": SEED,
        "traffic": TRAFFIC,
        "share": SHARE,
        "output": str(folder / "outcomes.parquet"),
    }


def served_simulated(flywheel: Flywheel) -> Release:
    """The release that serves simulated traffic.

    Raises:
        ReleaseError: Nothing was released yet.
        SettingsError: There is no simulated traffic.
    """
    if flywheel.settings().environment is None:
        raise SettingsError("there is no simulated traffic", hint="set WOW_ENVIRONMENT to customers that can be asked")
    release = flywheel.releases().current()
    if release is None:
        raise ReleaseError("there is no release that serves", hint="run training_cycle until a model passes the gate")
    return release


@dg.multi_asset(specs=[SINGLE], pool="gpu")
def single_issue_dpo(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Train and judge one model an issue type."""
    with plain_failures(context):
        cycle, lake = context.partition_key, flywheel.lake()
        runs = trained_models(flywheel, cycle, context.log.info)
        rows = single_issue_rows(flywheel, cycle, runs, context.log.info)
        version = lake.replace("single_issue_dpo", rows, cycle)
    shown = frame_table(rows.select("issue_type", "pairs", "held_out_turns", "before", "after", *SHOWN, "why"))
    return dg.MaterializeResult(metadata=written(lake, "single_issue_dpo", rows, version) | {"repair rate": shown})
