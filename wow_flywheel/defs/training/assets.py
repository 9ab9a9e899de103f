"""Training: `sft_model`, then `dpo_model` or `kto_model`, each a command line that Dagster Pipes starts in the `gpu` pool.

What belongs here: the assets. What does not: training (`wow_flywheel.training`), hyper-parameters (`recipes`), which trainer a
cycle's candidate comes out of (`Manifest.stage`).
"""

import dagster as dg

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.without_pairs import why_none
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import file_spec
from wow_flywheel.defs.training.child import run_child, write_config
from wow_flywheel.defs.training.recipes import dpo_config, kto_config, sft_config

KINDS = ("huggingface", "pytorch")
NO_PAIRS = "the cycle has no preference pairs to train on"
SFT = file_spec(
    "sft_model",
    "training",
    "The current release's model (or `WOW_MODEL`), fine-tuned on Good Cases; loss on assistant turns alone.",
    deps=["sft_dataset"],
    kinds=KINDS,
)
DPO = file_spec(
    "dpo_model",
    "training",
    "The cycle's SFT model, trained to prefer the rewrites of Bad Cases to what was said. A cycle without preference pairs has "
    "no DPO model and says so here; its candidate is its KTO model, or else its SFT model.",
    deps=["sft_model", "preference_dataset"],
    kinds=KINDS,
)
KTO = file_spec(
    "kto_model",
    "training",
    "The cycle's SFT model, trained towards replies that are labelled good and away from those labelled bad, where the cycle "
    "has no preference pairs and `WOW_WITHOUT_PAIRS=kto` asks for it. Every other cycle has no KTO model, and says why.",
    deps=["sft_model", "labelled_dataset"],
    kinds=KINDS,
)


@dg.multi_asset(specs=[SFT], pool="gpu")
def sft_model(
    context: dg.AssetExecutionContext, flywheel: Flywheel, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult[None]:
    """Fine-tune; a run that was cut off goes on from its last checkpoint, a finished one is recognised."""
    with plain_failures(context):
        folder = flywheel.cycle_folder(context.partition_key)
        model = Manifest.load(folder / MANIFEST).parents.base_model
        config = write_config(folder / "sft", sft_config(flywheel.settings(), folder, model))
    return run_child(context, pipes, "wow_flywheel.training.sft", config).get_materialize_result()


@dg.multi_asset(specs=[DPO], pool="gpu")
def dpo_model(
    context: dg.AssetExecutionContext, flywheel: Flywheel, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult[None]:
    """Train on the preference pairs, if the cycle has any."""
    with plain_failures(context):
        folder = flywheel.cycle_folder(context.partition_key)
        stage = Manifest.load(folder / MANIFEST).stage
        if stage != "dpo":
            context.log.warning("cycle %s: %s; its %s model is the candidate", context.partition_key, NO_PAIRS, stage.upper())
            return dg.MaterializeResult(metadata={"trained": False, "why": NO_PAIRS, "candidate": stage})
        config = write_config(folder / "dpo", dpo_config(flywheel.settings(), folder))
    return run_child(context, pipes, "wow_flywheel.training.dpo", config).get_materialize_result()


@dg.multi_asset(specs=[KTO], pool="gpu")
def kto_model(
    context: dg.AssetExecutionContext, flywheel: Flywheel, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult[None]:
    """Train on the labelled replies, if the cycle has any."""
    with plain_failures(context):
        folder = flywheel.cycle_folder(context.partition_key)
        manifest = Manifest.load(folder / MANIFEST)
        if (why := why_none(manifest)) is not None:
            context.log.warning("cycle %s has no KTO model: %s", context.partition_key, why)
            return dg.MaterializeResult(metadata={"trained": False, "why": why, "candidate": manifest.stage})
        config = kto_config(flywheel.settings(), folder, manifest.counts["labelled_dataset.label"])
    return run_child(context, pipes, "wow_flywheel.training.kto", write_config(folder / "kto", config)).get_materialize_result()
