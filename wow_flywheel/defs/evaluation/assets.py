"""Evaluation: the baseline, the SFT and the DPO model on the same held-out customers.

What belongs here: the asset. What does not: playing episodes, metrics, intervals (`wow_flywheel.evaluation`).
"""

import dagster as dg
import polars as pl

from wow_flywheel.defs.evaluation.judge import evaluation_config, kind_of, model_names
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import column_schema, picture, written
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import file_spec
from wow_flywheel.defs.training.child import run_child, write_config

SPEC = file_spec(
    "evaluation",
    "evaluation",
    "Solve rate, USM 1, USM 2, RR and action accuracy of baseline, SFT and DPO model on held-out customers, each with its 95 % "
    "interval, in the tables `evaluations` and `comparisons`. The gate's checks stand here, and block the release.",
    deps=["sft_model", "dpo_model"],
    kinds=("pytorch", "polars", "deltalake"),
).merge_attributes(metadata={"dagster/column_schema": column_schema("evaluations"), "dagster/table_name": "evaluations"})


@dg.multi_asset(specs=[SPEC], pool="gpu")
def evaluation(
    context: dg.AssetExecutionContext, flywheel: Flywheel, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult[None]:
    """Let every model meet the same episodes, then compare each with the baseline."""
    from wow_flywheel.evaluation.compare import compare, plot_png, table_markdown
    from wow_flywheel.evaluation.metrics import summarise

    with plain_failures(context):
        cycle, lake, settings = context.partition_key, flywheel.lake(), flywheel.settings()
        folder, kind = flywheel.cycle_folder(cycle), kind_of(settings)
        config = evaluation_config(settings, folder, cycle)
        run_child(context, pipes, "wow_flywheel.evaluation.run", write_config(folder / "evaluation", config))
        outcomes = pl.read_parquet(config["output"])
        baseline, *others = model_names(folder, cycle)
        evaluations = summarise(outcomes, cycle, kind)
        comparisons = pl.concat([compare(outcomes, baseline, other, cycle, kind) for other in others])
        lake.replace("comparisons", comparisons, cycle)
        version = lake.replace("evaluations", evaluations, cycle)
    shown = {"metrics": dg.MetadataValue.md(table_markdown(evaluations)), "plot": picture(plot_png(evaluations), "metrics")}
    return dg.MaterializeResult(metadata=written(lake, "evaluations", evaluations, version) | shown)
