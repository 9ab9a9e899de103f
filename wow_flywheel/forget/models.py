"""Models that were trained on somebody or something, which no deletion reaches: they are listed, so that somebody can decide.

What belongs here: from rows of dataset files to models and releases. What does not: which rows (`erase`, `lineage`).

A model saw the rows of the files that it was trained on: those that its trainer's run names, or the manifest of its release. An
SFT model saw the dialogues alone; a DPO or KTO model saw them too, through the SFT model that it started from. Where no record
has the file (a model from before it was kept, a file that was written anew without a person), all rows of its cycle count.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.datasets.cycle import can_be_rebuilt
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.recorded import STAGES, TRAINED, recorded_rows
from wow_flywheel.lake import Lake
from wow_flywheel.release.store import ReleaseStore

FIELDS = {"sft": "train_file", "dpo": "pairs", "kto": "replies"}
"""By trainer, the field of its run that names its data."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """That rows in question are in a file that models are trained on.

    Attributes:
        cycle: The cycle.
        dataset: A dataset; None if only the cycle is known.
        file: The file's SHA-256; None if it is not known, which may be any of the cycle.
    """

    cycle: str
    dataset: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What came of a cycle that had rows in question, or that went on from the model of one.

    Attributes:
        cycle: The cycle.
        trained_on_them: True if its own datasets had such rows; False if only a model that it started from was trained on some.
        models: Checkpoint folders that are there.
        releases: Ids of its releases.
    """

    cycle: str
    trained_on_them: bool
    models: tuple[str, ...]
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint or a release.

    Attributes:
        name: The folder, or the release's id.
        cycle: Its cycle.
        released: Whether it is a release.
        files: SHA-256 of the file of each dataset that it was trained on; None where that is not known.
        started_from: The release that its cycle started from.
    """

    name: str
    cycle: str
    released: bool
    files: Mapping[str, str | None]
    started_from: str | None

    def saw(self, sightings: Collection[Sighting]) -> bool:
        """Whether it was trained on rows in question."""
        return any(self._saw(each) for each in sightings)

    def _saw(self, sighting: Sighting) -> bool:
        if sighting.cycle != self.cycle:
            return False
        if sighting.dataset is None:
            return True
        trained = self.files.get(sighting.dataset)
        return sighting.dataset in self.files and (None in {trained, sighting.file} or trained == sighting.file)


def sightings(lake: Lake, rule: pl.Expr) -> set[Sighting]:
    """The training files that have rows of which the rule is true; it may use the columns of the table `dataset_rows`."""
    rows = recorded_rows(lake).filter(pl.col("split") == "train", rule.fill_null(value=False))
    return {Sighting(*row) for row in rows.select("cycle", "dataset", "file").unique().collect().iter_rows()}


def trained_on(seen: Collection[Sighting], models: Path, lake: Lake) -> list[TrainedModel]:
    """The models that were trained on rows in question, and all that started from one of them, in the order of cycles."""
    if not seen:
        return []
    known = all_models(models, lake)
    cycles = {each.cycle for each in seen}
    tainted = {model.name for model in known if model.saw(seen)}
    while further := {each.name for each in known if each.started_from in tainted} - tainted:
        tainted |= further
    reached = cycles | {model.cycle for model in known if model.name in tainted}
    return [
        TrainedModel(
            cycle,
            cycle in cycles,
            *(tuple(m.name for m in known if m.name in tainted and m.cycle == cycle and m.released is released)
              for released in (False, True)),
        )
        for cycle in sorted(reached)
    ]  # fmt: skip


def all_models(models: Path, lake: Lake) -> list[Model]:
    """Every checkpoint and every release, with the files that it was trained on as far as these are recorded."""
    recorded = set(lake.scan("dataset_rows").select("file").unique().collect()["file"].drop_nulls())
    found = [model for path in sorted((models / "cycles").glob("*/manifest.json")) for model in checkpoints(path)]
    store = ReleaseStore(models)
    found += [released(store.root / name) for name in store.list()]
    return [_known(model, recorded) for model in found]


def rebuildable(lake: Lake, models: Path) -> list[str]:
    """The cycles and releases whose datasets can still be rebuilt byte for byte."""
    found = {path.parent.name: Manifest.load(path) for path in sorted((models / "cycles").glob("*/manifest.json"))}
    store = ReleaseStore(models)
    for name in store.list():
        if (manifest := manifest_of_release(store.root / name)) is not None:
            found[name] = manifest
    return [name for name, manifest in found.items() if can_be_rebuilt(lake, manifest)]


def manifest_of_release(path: Path) -> Manifest | None:
    """The cycle's manifest that a release has; None for one that came of no cycle, such as the first model.

    Args:
        path: The release's folder.
    """
    place = path / "manifest.json"
    return Manifest.load(place) if "table_versions" in _json(place) else None


def checkpoints(path: Path) -> list[Model]:
    """The checkpoints of a cycle; a DPO or KTO model has the files of the SFT model too.

    Args:
        path: The cycle's manifest.
    """
    manifest = Manifest.load(path)
    own = {
        datasets[-1]: _data_of(path.parent / name, FIELDS[name]) or manifest.files.get(TRAINED[datasets[-1]])
        for name, datasets in STAGES.items()
    }
    found = []
    for name, datasets in STAGES.items():
        folder, parent = path.parent / name / "model", manifest.parents.previous_release
        if folder.is_dir():
            files = {dataset: own[dataset] for dataset in datasets}
            found.append(Model(str(folder), path.parent.name, released=False, files=files, started_from=parent))
    return found


def released(path: Path) -> Model:
    """A release as a model, its seal unchecked; what it was trained on is what its manifest names.

    Args:
        path: Its folder.
    """
    manifest, decision = (_json(path / f"{name}.json") for name in ("manifest", "decision"))
    datasets = STAGES.get(str(decision.get("candidate")).rpartition("-")[2], STAGES["dpo"])
    named = {dataset: manifest.get("files", {}).get(TRAINED[dataset]) for dataset in datasets}
    parent = manifest.get("parents", {}).get("previous_release")
    return Model(path.name, path.name.partition("-")[2], released=True, files=named, started_from=parent)


def _known(model: Model, recorded: set[str]) -> Model:
    """The model without the files whose rows are recorded nowhere: of those, any row of the cycle may be."""
    files = {dataset: file if file in recorded else None for dataset, file in model.files.items()}
    return Model(model.name, model.cycle, model.released, files, model.started_from)


def _data_of(folder: Path, field: str) -> str | None:
    """The SHA-256 of its data that the run of a trainer names."""
    named: str | None = _json(folder / "run.json").get("data_sha256", {}).get(field)
    return named


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}
