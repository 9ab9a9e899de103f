"""Models that were trained on a person, which no deletion reaches: they are listed, so that somebody can decide.

What belongs here: from cycles to models and releases. What does not: which cycles (`erase`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.release.store import RELEASE_ID, ReleaseStore


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What came of a cycle that had rows of the person, or that went on from such a cycle's model.

    Attributes:
        cycle: The cycle.
        trained_on_them: True if its own datasets had their rows; False if only a model that it started from was.
        models: Checkpoint folders that are there.
        releases: Ids of its releases.
    """

    cycle: str
    trained_on_them: bool
    models: tuple[str, ...]
    releases: tuple[str, ...]


def trained_on(cycles: Collection[str], models: Path) -> list[TrainedModel]:
    """The models of some cycles and of all cycles that started from a release of theirs, in the order of cycles."""
    store = ReleaseStore(models)
    releases: dict[str, list[str]] = {}
    for name in store.list():
        if match := RELEASE_ID.match(name):
            releases.setdefault(match["cycle"], []).append(name)
    parents = {path.parent.name: Manifest.load(path).parents for path in sorted((models / "cycles").glob("*/manifest.json"))}
    reached = set(cycles)
    while True:
        tainted = {name for cycle in reached for name in releases.get(cycle, [])}
        further = {cycle for cycle, parent in parents.items() if parent.previous_release in tainted} - reached
        if not further:
            break
        reached |= further
    return [
        TrainedModel(cycle, cycle in cycles, _checkpoints(models / "cycles" / cycle), tuple(releases.get(cycle, [])))
        for cycle in sorted(reached)
    ]


def _checkpoints(folder: Path) -> tuple[str, ...]:
    return tuple(str(path) for name in ("sft", "dpo") if (path := folder / name / "model").is_dir())
