"""A cycle's datasets from what is configured to the files in its folder; and the same again from its manifest.

What belongs here: putting reading, building and writing together. What does not: each of them; Dagster.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wow_flywheel.datasets.build import ALGORITHM, Datasets, build_datasets
from wow_flywheel.datasets.external import External, keep, read_external
from wow_flywheel.datasets.files import hashes, write
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.datasets.tables import READ, gone
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings

MANIFEST: Final = "manifest.json"
INPUTS: Final = "inputs"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A dataset made again from its manifest.

    Attributes:
        manifest: Its manifest.
        files: SHA-256 of each file as it was made now.
        differing: Files whose bytes are not those that the manifest names.
    """

    manifest: Manifest
    files: dict[str, str]
    differing: tuple[str, ...]


def freeze(
    lake: Lake, settings: Settings, folders: Folders, recipe: Recipe, folder: Path, cycle: str, days: Sequence[dt.date]
) -> tuple[Datasets, External, dict[str, str]]:
    """Build a cycle's datasets and write their files, and beside them what a rebuild could not find again.

    Returns:
        The datasets, what was read outside the tables, and SHA-256 by file.

    Raises:
        DatasetError, SourceError: Something cannot be read, or there is nothing to train on.
    """
    external = read_external(lake, settings, folders)
    built = build_datasets(lake, cycle, days, recipe, external)
    keep(external, folder / INPUTS)
    return built, external, write(built, folder)


def rebuild(lake: Lake, settings: Settings, folders: Folders, folder: Path, out: Path | None = None) -> Rebuilt:
    """Make a cycle's datasets again, from the versions of the tables that its manifest names and by its recipe.

    Args:
        lake: The tables.
        settings: How dialogues between people are read.
        folders: Where the data lie that are in no table.
        folder: The cycle's, with its manifest.
        out: Where to write the files; None writes none.

    Raises:
        DatasetError: Something that it was made from is there no more, or other code made it; the message names it.
    """
    manifest = Manifest.load(folder / MANIFEST)
    if manifest.algorithm != ALGORITHM:
        raise DatasetError(
            f"cycle {manifest.cycle} was built by algorithm {manifest.algorithm}, this code has {ALGORITHM}",
            hint=f"check out the commit {manifest.git_commit or 'that built it'} and rebuild there",
        )
    external = read_external(lake, settings, folders, folder / INPUTS)
    _same_inputs(manifest, external)
    built = _built_again(lake, manifest, external)
    made = hashes(built) if out is None else write(built, out)
    differing = sorted(name for name in {*made, *manifest.files} if made.get(name) != manifest.files.get(name))
    return Rebuilt(manifest, made, tuple(differing))


def _built_again(lake: Lake, manifest: Manifest, external: External) -> Datasets:
    for name, version in manifest.table_versions.items():
        if name in READ and not lake.has_version(name, version):
            raise gone(name, version)
    recipe = Recipe.from_mapping(manifest.recipe)
    return build_datasets(lake, manifest.cycle, manifest.source_partitions, recipe, external, manifest.table_versions)


def _same_inputs(manifest: Manifest, external: External) -> None:
    found = dict(external.hashes)
    missing = sorted({*manifest.inputs} - {*found})
    changed = sorted(name for name in {*manifest.inputs} & {*found} if found[name] != manifest.inputs[name])
    new = sorted({*found} - {*manifest.inputs})
    if missing or changed or new:
        said = "; ".join(f"{word}: {', '.join(names)}" for word, names in
                         (("missing", missing), ("changed", changed), ("new", new)) if names)  # fmt: skip
        raise DatasetError(
            f"cycle {manifest.cycle} cannot be rebuilt, its inputs are not what they were: {said}",
            hint="point WOW_HUMAN_URI, WOW_GENERAL_URI and WOW_EVALUATION_SETS_URI at the files as they were then",
        )
