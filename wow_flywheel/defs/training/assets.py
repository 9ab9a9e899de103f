"""Training: `sft_model` and `dpo_model`, each a command line that Dagster Pipes starts in the `gpu` pool.

What belongs here: the two assets. What does not: training (`wow_flywheel.training`), hyper-parameters (`recipes`).
"""

import dagster as dg

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST, has_pairs
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import file_spec
from wow_flywheel.defs.training.child import run_child, write_config
from wow_flywheel.defs.training.recipes import dpo_config, sft_config

KINDS = ("huggingface", "pytorch")
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
    "no DPO model, says so here, and its SFT model is the candidate.",
    deps=["sft_model", "preference_dataset"],
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
        if not has_pairs(folder):
            context.log.warning("cycle %s has no preference pairs: its SFT model is the candidate", context.partition_key)
            return dg.MaterializeResult(metadata={"trained": False, "why": "the cycle has no preference pairs"})
        config = write_config(folder / "dpo", dpo_config(flywheel.settings(), folder))
    return run_child(context, pipes, "wow_flywheel.training.dpo", config).get_materialize_result()
