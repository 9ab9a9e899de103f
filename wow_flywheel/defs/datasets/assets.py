"""Datasets of a cycle: SFT dialogues and preference pairs, with the manifest that tells what they were made from.

What belongs here: the asset. What does not: which rows and which split (`wow_flywheel.datasets`).
"""

from collections.abc import Iterator

import dagster as dg

from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.files import write
from wow_flywheel.datasets.limits import Limits
from wow_flywheel.defs.datasets.cycle import MANIFEST, manifest_of, parents, source_days
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import count_table, counts_table, written
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import any_day, table_spec

MARKS = (any_day("duplicates"), any_day("fingerprints"))
SPECS = [
    table_spec(
        "sft_dataset",
        "datasets",
        "Good Cases of the cycle's days as dialogues in the unified dialogue-action form, split by customer; without "
        "duplicates, and capped by customer and by script.",
        deps=[any_day("cases"), any_day("conversations"), *MARKS],
    ),
    table_spec(
        "preference_dataset",
        "datasets",
        "Preference pairs of the cycle's days, split by customer and capped like the dialogues.",
        deps=[any_day("preference_pairs"), *MARKS],
    ),
]


@dg.multi_asset(specs=SPECS)
def datasets(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None]]:
    """Freeze what the cycle learns from: rows, files, hashes, table versions, and the model that it starts from."""
    cycle, lake = context.partition_key, flywheel.lake()
    with plain_failures(context):
        folder, settings = flywheel.cycle_folder(cycle), flywheel.settings()
        parent = parents(flywheel.releases(), settings, folder, cycle)
        limits = Limits(settings.max_per_user, settings.max_per_template)
        built = build_datasets(lake, cycle, source_days(lake, cycle, flywheel.window_days), limits)
        manifest = manifest_of(built, cycle, write(built, folder), parent, settings)
        manifest.save(folder / MANIFEST)
    context.log.info("cycle %s, from %d days: %s", cycle, len(built.days), dict(built.counts))
    origin = {
        "days": ", ".join(map(str, built.days)),
        "starts from": parent.previous_release or parent.base_model,
        "manifest": dg.MetadataValue.path(str(folder / MANIFEST)),
    }
    for name, rows, column in (("sft_dataset", built.sft, "scenario"), ("preference_dataset", built.preferences, "issue_type")):
        version = lake.replace(name, rows, cycle)
        shown = written(lake, name, rows, version, by=count_table(rows, "split", column))
        shown["left out"] = counts_table(built.left_out[name], ("why", "rows"))
        yield dg.MaterializeResult(asset_key=name, metadata=shown | origin)
