"""Which models of a cycle are evaluated, and what the gate says of the candidate.

What belongs here: names, the evaluation's config, the gate applied to the cycle's tables. What does not: metrics
(`wow_flywheel.evaluation`), the gate's rules (`wow_flywheel.release.gate`).
"""

from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST, has_pairs
from wow_flywheel.defs.partitions import day_of_cycle
from wow_flywheel.defs.training.recipes import EPISODES
from wow_flywheel.errors import ReleaseError
from wow_flywheel.lake import Lake
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.gate import OFFLINE_RULES, GateRules, decide
from wow_flywheel.settings import Settings

SEED: Final = 20_000
"""Apart from the seeds of production days, so that evaluation meets other episodes."""


def model_names(folder: Path, cycle: str) -> dict[str, str]:
    """Checkpoint folder by model name: the baseline first, the candidate last."""
    parents = Manifest.load(folder / MANIFEST).parents
    baseline = parents.previous_release or Path(parents.base_model).name
    trained = ["sft", "dpo"] if has_pairs(folder) else ["sft"]
    return {baseline: parents.base_model} | {f"{cycle}-{name}": str(folder / name / "model") for name in trained}


def evaluation_config(settings: Settings, folder: Path, cycle: str) -> dict[str, Any]:
    """The config of `wow_flywheel.evaluation.run` for a cycle."""
    return {
        "models": [{"name": name, "path": path} for name, path in model_names(folder, cycle).items()],
        "output": str(folder / "evaluation" / "outcomes.parquet"),
        "environment": settings.environment,
        "day": str(day_of_cycle(cycle)),
        "episodes": EPISODES,
        "max_dialogues": EPISODES,
        "seed": SEED,
        "held_out": str(folder / "sft.held_out.jsonl"),
    }


def kind_of(settings: Settings) -> str:
    """Whether models meet simulated customers or held-out conversations."""
    return "simulated" if settings.environment else "offline"


def gate(lake: Lake, folder: Path, cycle: str) -> Decision:
    """The gate's decision on the cycle's candidate, from the tables `evaluations` and `comparisons`.

    Raises:
        ReleaseError: The cycle was not evaluated.
    """
    baseline, *_, candidate = model_names(folder, cycle)
    comparisons = lake.read("comparisons", cycle).filter(pl.col("baseline") == baseline, pl.col("candidate") == candidate)
    if comparisons.is_empty():
        raise ReleaseError(f"cycle {cycle} has no evaluation of {candidate}", hint="materialize `evaluation` first")
    rules = GateRules() if comparisons["kind"][0] == "simulated" else OFFLINE_RULES
    return decide(comparisons, lake.read("evaluations", cycle), rules)
