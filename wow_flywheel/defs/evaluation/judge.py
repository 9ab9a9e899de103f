"""Which models of a cycle are evaluated, and what the gate says of the candidate.

What belongs here: names, the evaluation's config, the gate applied to the cycle's tables. What does not: metrics
(`wow_flywheel.evaluation`), the gate's rules (`wow_flywheel.release.gate`).
"""

from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.conversations.thresholds import read_section
from wow_flywheel.datasets.files import GENERAL_HELD_OUT
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.partitions import day_of_cycle
from wow_flywheel.errors import ReleaseError
from wow_flywheel.lake import Lake
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.gate import decide
from wow_flywheel.release.gate_rules import OFFLINE_RULES, SECTION, GateRules, read_rules
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings

SEED: Final = 20_000
"""Apart from the seeds of production days, so that evaluation meets other episodes."""


def model_names(folder: Path, cycle: str) -> dict[str, str]:
    """Checkpoint folder by model name: the baseline first, the candidate last."""
    manifest = Manifest.load(folder / MANIFEST)
    parents, trained = manifest.parents, dict.fromkeys(("sft", manifest.stage))
    baseline = parents.previous_release or Path(parents.base_model).name
    return {baseline: parents.base_model} | {f"{cycle}-{name}": str(folder / name / "model") for name in trained}


def evaluation_config(settings: Settings, folder: Path, cycle: str, first: tuple[str, str] | None = None) -> dict[str, Any]:
    """The config of `wow_flywheel.evaluation.run` for a cycle.

    Args:
        settings: They name the environment and the general texts.
        folder: The cycle's, with its models, held-out dialogues and `evaluation/sites.parquet`.
        cycle: Its name.
        first: Name and folder of the first base model, which general ability is compared with; None means the baseline.
    """
    held_out, sites = folder / "sft.held_out.jsonl", folder / "evaluation" / "sites.parquet"
    offline = settings.environment is None or (held_out.is_file() and held_out.stat().st_size > 0)
    texts = general_texts(settings, folder)
    return {
        "models": [{"name": name, "path": path} for name, path in model_names(folder, cycle).items()],
        "output": str(folder / "evaluation" / "outcomes.parquet"),
        "environment": settings.environment,
        "day": str(day_of_cycle(cycle)),
        "episodes": settings.episodes,
        "max_dialogues": settings.episodes,
        "seed": SEED,
        "held_out": str(held_out) if offline else None,
        "sites": str(sites) if sites.is_file() else None,
        "general_set": texts,
        "general_base": {"name": first[0], "path": first[1]} if first and texts else None,
    }


def general_texts(settings: Settings, folder: Path) -> str | None:
    """The texts that general ability is measured on: `WOW_GENERAL_SET`, else the general data that the cycle kept aside."""
    aside = folder / GENERAL_HELD_OUT
    return settings.general_set or (str(aside) if aside.is_file() else None)


def first_base(settings: Settings, store: ReleaseStore) -> tuple[str, str] | None:
    """Name and folder of the model that everything began with: `WOW_MODEL`, else the oldest release."""
    if settings.model is not None:
        return Path(settings.model).name, settings.model
    oldest = store.list()[:1]
    return (oldest[0], str(store.show(oldest[0]).model_dir)) if oldest else None


def kind_of(settings: Settings) -> str:
    """Whether models meet simulated customers or held-out conversations."""
    return "simulated" if settings.environment else "offline"


def gate(lake: Lake, folder: Path, cycle: str, checks: str | None) -> Decision:
    """The gate's decision on the cycle's candidate, from the tables `evaluations` and `comparisons`.

    Args:
        lake: With the tables.
        folder: The cycle's.
        cycle: Its name.
        checks: The file `WOW_CHECKS`, whose section `gate` changes the rules; None for none.

    Raises:
        ReleaseError: The cycle was not evaluated.
        SettingsError: The section is wrong.
    """
    baseline, *_, candidate = model_names(folder, cycle)
    comparisons = lake.read("comparisons", cycle).filter(pl.col("baseline") == baseline, pl.col("candidate") == candidate)
    if comparisons.is_empty():
        raise ReleaseError(f"cycle {cycle} has no evaluation of {candidate}", hint="materialize `evaluation` first")
    evaluations = lake.read("evaluations", cycle)
    rules = read_rules(read_section(checks, SECTION), GateRules() if "simulated" in comparisons["kind"] else OFFLINE_RULES)
    hashed = evaluations.select("model", "model_sha256").drop_nulls().unique()
    return decide(comparisons, evaluations, rules, dict(hashed.iter_rows()))
