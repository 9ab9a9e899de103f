"""Release: the candidate that passed the gate becomes the model in use.

What belongs here: the asset. What does not: the gate, promotion (`wow_flywheel.release`).
"""

from pathlib import Path
from typing import Any

import dagster as dg

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.evaluation.judge import gate, model_names
from wow_flywheel.defs.evaluation.results import page_data
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import file_spec
from wow_flywheel.release.folder import card
from wow_flywheel.release.results.page import render, without_examples

SPEC = file_spec(
    "release",
    "release",
    "The released model with its manifest and the gate's decision, and an atomic pointer to it. A refused candidate never gets "
    "here: the current release stays. `wow-flywheel release rollback` goes back.",
    deps=["evaluation"],
    kinds=("python",),
)


@dg.multi_asset(specs=[SPEC])
def release(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Promote the candidate; promoting it again changes nothing."""
    with plain_failures(context):
        cycle, folder = context.partition_key, flywheel.cycle_folder(context.partition_key)
        decision = gate(flywheel.lake(), folder, cycle, flywheel.settings().checks)
        *_, model_dir = model_names(folder, cycle).values()
        manifest = Manifest.load(folder / MANIFEST).model_dump(mode="json")
        page, share = render(without_examples(page_data(flywheel, cycle))), flywheel.settings().canary_share
        store = flywheel.releases()
        released = store.promote(Path(model_dir), manifest, decision, cycle, page=page, share=share)
    context.log.info("release %s is current", store.current_id())
    shown: dict[str, Any] = {
        "release": released.id,
        "current": str(store.current_id()),
        "folder": dg.MetadataValue.path(released.path),
        "card": dg.MetadataValue.md(card(released)),
    }
    return dg.MaterializeResult(metadata=shown)
