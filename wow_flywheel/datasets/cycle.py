"""A cycle's datasets from what is configured to the files in its folder; and the same again from its manifest.

What belongs here: putting reading, building and writing together. What does not: each of them; Dagster.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from wow_flywheel.datasets.build import ALGORITHM, Datasets, build_datasets
from wow_flywheel.datasets.external import External, read_external
from wow_flywheel.datasets.files import hashes, write
from wow_flywheel.datasets.inputs import all_kept, keep, kept
from wow_flywheel.datasets.manifest import Manifest, build_of
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.datasets.recorded import record_rows
from wow_flywheel.datasets.tables import READ, gone
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings

MANIFEST: Final = "manifest.json"


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
    """Build a cycle's datasets and write their files; keep what a rebuild could not find again, and which rows each file has.

    Returns:
        The datasets, what was read outside the tables, and SHA-256 by file.

    Raises:
        DatasetError, SourceError: Something cannot be read, or there is nothing to train on.
    """
    external = read_external(lake, settings, folders)
    built = build_datasets(lake, cycle, days, recipe, external)
    files = write(built, folder)
    keep(lake, external, built.general, cycle, build_of(files))
    record_rows(lake, built, cycle, files)
    return built, external, files


def rebuild(lake: Lake, manifest: Manifest, out: Path | None = None) -> Rebuilt:
    """Make a cycle's datasets again, from the tables' versions that its manifest names, the lines that it read, its recipe.

    Args:
        lake: The tables.
        manifest: The cycle's, or that of a release.
        out: Where to write the files; None writes none.

    Raises:
        DatasetError: Something that it was made from is there no more, or other code made it; the message names it.
    """
    if manifest.algorithm != ALGORITHM:
        raise DatasetError(
            f"cycle {manifest.cycle} was built by algorithm {manifest.algorithm}, this code has {ALGORITHM}",
            hint=f"check out the commit {manifest.git_commit or 'that built it'} and rebuild there",
        )
    lost = _lost_tables(lake, manifest)
    if lost:
        raise gone(lost[0], manifest.table_versions[lost[0]], _forgotten_since(lake, manifest))
    recipe = Recipe.from_mapping(manifest.recipe)
    sources = kept(lake, manifest), manifest.table_versions
    built = build_datasets(lake, manifest.cycle, manifest.source_partitions, recipe, *sources)
    made = hashes(built) if out is None else write(built, out)
    differing = sorted(name for name in {*made, *manifest.files} if made.get(name) != manifest.files.get(name))
    return Rebuilt(manifest, made, tuple(differing))


def can_be_rebuilt(lake: Lake, manifest: Manifest) -> bool:
    """Whether all that a cycle's datasets were made from is still there, and this code made them."""
    return manifest.algorithm == ALGORITHM and not _lost_tables(lake, manifest) and all_kept(lake, manifest)


def _lost_tables(lake: Lake, manifest: Manifest) -> list[str]:
    versions = manifest.table_versions.items()
    return [name for name, version in versions if name in READ and not lake.has_version(name, version)]


def _forgotten_since(lake: Lake, manifest: Manifest) -> dt.date | None:
    """When `conversations forget` first ran after a cycle was built."""
    since = lake.scan("forgotten").filter(pl.col("forgotten_at") >= manifest.created_at)
    found: dt.date | None = since.select(pl.col("dt").min()).collect().item()
    return found
