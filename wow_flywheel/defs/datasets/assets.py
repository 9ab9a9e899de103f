"""Datasets of a cycle: SFT dialogues, pairs or labelled replies, with the manifest that tells what they were made from.

What belongs here: the asset. What does not: which rows and which split (`wow_flywheel.datasets`).
"""

import os
from collections.abc import Iterator
from typing import Any

import dagster as dg

from wow_flywheel.datasets.build import Datasets
from wow_flywheel.datasets.card import CARD, card
from wow_flywheel.datasets.cycle import freeze
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.recipe import read_folders, read_recipe
from wow_flywheel.defs.datasets.cycle import MANIFEST, manifest_of, parents, source_days
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, counts_table, frame_table, table, written
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import any_day, table_spec
from wow_flywheel.storage import write_atomic

MARKS = (any_day("duplicates"), any_day("fingerprints"))
SPECS = [
    table_spec(
        "sft_dataset",
        "datasets",
        "What the cycle's model is fine-tuned on, in the unified dialogue-action form: Good Cases, dialogues between people, "
        "knowledge, general data at a set share, and earlier cycles with decay. Split by all that hangs together; without "
        "duplicates, capped, and without what repeats an evaluation set. `docs/datasets.md` explains each step.",
        deps=[any_day("cases"), any_day("conversations"), *MARKS, "knowledge", "policies"],
    ),
    table_spec(
        "preference_dataset",
        "datasets",
        "Preference pairs of the cycle's days and of earlier cycles with decay, split and capped like the dialogues.",
        deps=[any_day("preference_pairs"), *MARKS],
    ),
    table_spec(
        "labelled_dataset",
        "datasets",
        "With `WOW_WITHOUT_PAIRS=kto`, of a cycle without preference pairs to train on: the last replies of its Good Cases, "
        "and what was said where Bad Cases went wrong. Training side alone, without duplicates, capped, and without what "
        "repeats an evaluation set. Empty in every other cycle, and where there are too few of either label.",
        deps=[any_day("cases"), any_day("conversations"), any_day("inspections"), *MARKS],
    ),
]


@dg.multi_asset(specs=SPECS)
def datasets(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None]]:
    """Freeze what the cycle learns from: rows, files, hashes, table versions, and the model that it starts from."""
    cycle, lake = context.partition_key, flywheel.lake()
    with plain_failures(context):
        folder, settings = flywheel.cycle_folder(cycle), flywheel.settings()
        parent = parents(flywheel.releases(), settings, folder, cycle)
        sources = read_folders(os.environ, settings), read_recipe(os.environ, settings)
        days = source_days(lake, cycle, flywheel.window_days)
        built, external, files = freeze(lake, settings, *sources, folder, cycle, days)
        manifest = manifest_of(built, cycle, files, parent, settings, external)
        manifest.save(folder / MANIFEST)
        write_atomic(folder / CARD, card(manifest, built.sft, built.preferences).encode())
    context.log.info("cycle %s, from %d days: %s", cycle, len(built.days), dict(built.counts))
    origin = _origin(manifest) | {"manifest": dg.MetadataValue.path(str(folder / MANIFEST))}
    for name, rows, *columns in (
        ("sft_dataset", built.sft, "split", "source"),
        ("preference_dataset", built.preferences, "split", "issue_type"),
        ("labelled_dataset", built.labelled, "label", "issue_type"),
    ):
        version = lake.replace(name, rows, cycle)
        shown = written(lake, name, rows, version, by=count_table(rows, *columns))
        yield dg.MaterializeResult(asset_key=name, metadata=shown | _shown(built, name) | origin)


def _origin(manifest: Manifest) -> dict[str, Any]:
    parent = manifest.parents
    return {
        "days": ", ".join(map(str, manifest.source_partitions)),
        "starts from": parent.previous_release or parent.base_model,
    }


def _shown(built: Datasets, name: str) -> dict[str, Any]:
    """What was left out and why, which rows repeated an evaluation set (by id), and what the training set is made of."""
    shown: dict[str, Any] = {"left out": counts_table(built.left_out.get(name, {}), ("why", "rows"))}
    copied = built.contaminated.filter(table=name).drop("table")
    if copied.height:
        shown["left out, as it repeats an evaluation set"] = frame_table(copied.head(100))
    if name == "sft_dataset":
        header = ("source", "rows", "share of bytes", "share asked for", "rows to choose from")
        lines = [[source, part["rows"], part["share"], part.get("asked", "–"), part.get("available_rows", "–")]
                 for source, part in built.mix.items()]  # fmt: skip
        shown["mix"] = table(header, lines)
    return shown
