"""What a cycle starts from: its days, and the model that it improves.

What belongs here: the two choices, made once and written into the cycle's manifest. What does not: datasets
(`wow_flywheel.datasets`).
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wow_flywheel.datasets.build import ALGORITHM, Datasets
from wow_flywheel.datasets.cycle import MANIFEST
from wow_flywheel.datasets.external import External
from wow_flywheel.datasets.manifest import Manifest, Parents, counts_of, stage_of
from wow_flywheel.datasets.tables import newest_days
from wow_flywheel.defs.partitions import day_of_cycle
from wow_flywheel.errors import DatasetError, SettingsError
from wow_flywheel.lake import Lake
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings
from wow_flywheel.training.provenance import git_commit

__all__ = ["MANIFEST", "manifest_of", "parents", "shown_settings", "source_days"]
DUPLICATES_AND_CAPS: Final = ("near_duplicate", "duplicate_window_days", "max_per_user", "max_per_template")


def source_days(lake: Lake, cycle: str, count: int) -> list[dt.date]:
    """The newest `count` days with cases that are not after the cycle's day, in order.

    Raises:
        DatasetError: There is no such day.
    """
    days = newest_days(lake.scan("cases"), day_of_cycle(cycle), count)
    if not days:
        raise DatasetError(f"cycle {cycle}: no day up to its own has cases", hint="run `nightly` for those days first")
    return days


def parents(store: ReleaseStore, settings: Settings, folder: Path, cycle: str) -> Parents:
    """The model that a cycle starts from: the current release, else `WOW_MODEL`.

    A cycle that runs again after its own model was released starts from what it started from before.

    Raises:
        SettingsError: There is neither.
        ReleaseError: The current release is not as it was sealed.
    """
    current = store.current()
    if current is not None and current.cycle == cycle and (folder / MANIFEST).is_file():
        return Manifest.load(folder / MANIFEST).parents
    if current is not None:
        return Parents(base_model=str(current.model_dir), previous_release=current.id)
    if settings.model is None:
        raise SettingsError(
            "there is no model to train: no release, and WOW_MODEL is not set",
            hint="set WOW_MODEL to a local folder or hub id; with the embedded closed world, run the job `flywheel`",
        )
    return Parents(base_model=settings.model)


def manifest_of(
    datasets: Datasets, cycle: str, hashes: dict[str, str], parent: Parents, settings: Settings, external: External
) -> Manifest:
    """The record of what a cycle is made from."""
    left_out = {f"{name}.left_out": dict(by_reason) for name, by_reason in datasets.left_out.items()}
    used = {*datasets.sft["source"]}
    counts = counts_of(datasets.sft, datasets.preferences, datasets.labelled)
    return Manifest(
        cycle=cycle,
        created_at=dt.datetime.now(dt.UTC),
        source_partitions=datasets.days,
        table_versions=dict(datasets.versions),
        files=hashes,
        counts=counts | left_out,
        settings=shown_settings(settings),
        algorithm=ALGORITHM,
        recipe=datasets.recipe.to_mapping(),
        inputs=dict(external.hashes),
        mix={name: dict(part) for name, part in datasets.mix.items()},
        licences={name: note for name, note in external.licences.items() if name in used},
        git_commit=git_commit(),
        parents=parent,
        candidate=stage_of(counts),
    )


def shown_settings(settings: Settings) -> dict[str, object]:
    """The settings that decide a cycle's result; none of them is a secret."""
    names: Sequence[str] = ("timezone", "environment", "embedded", "model", "llm_model", *DUPLICATES_AND_CAPS)
    return {name: getattr(settings, name) for name in names}
