"""Evaluation: the baseline, the SFT and the DPO or KTO model on the same held-out customers.

What belongs here: the asset. What does not: playing episodes, metrics, intervals (`wow_flywheel.evaluation`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from wow_flywheel.defs.evaluation.judge import evaluation_config, first_base, kind_of, model_names
from wow_flywheel.defs.evaluation.results import write_page
from wow_flywheel.defs.evaluation.side_by_side import verdict_lines
from wow_flywheel.defs.evaluation.sources import outcomes_of, owed_at, sites_of, write_sites
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import column_schema, frame_table, picture, table, written
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import file_spec
from wow_flywheel.defs.training.child import run_child, write_config
from wow_flywheel.evaluation.measure import Measured, measure
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.repair import by_issue_type, in_words
from wow_flywheel.pairs.sites import Site

SPEC = file_spec(
    "evaluation",
    "evaluation",
    "Baseline, SFT and DPO or KTO model on held-out customers: end to end, on held-out dialogues, and at the turns where "
    "held-out Bad Cases went wrong; each metric with its 95 % interval, in `evaluations`, `comparisons` and "
    "`comparison_slices`, and on a results page. The gate's checks stand here, and block the release.",
    deps=["sft_model", "dpo_model", "kto_model", "knowledge", "policies"],
    kinds=("pytorch", "polars", "deltalake"),
).merge_attributes(metadata={"dagster/column_schema": column_schema("evaluations"), "dagster/table_name": "evaluations"})
NOT_JUDGED = "no model was asked which reply is better: that needs WOW_LLM_BASE_URL, and WOW_JUDGED_TURNS above 0"


@dg.multi_asset(specs=[SPEC], pool="gpu")
def evaluation(
    context: dg.AssetExecutionContext, flywheel: Flywheel, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult[None]:
    """Let every model meet the same episodes, dialogues and turns, then compare each with the baseline."""
    with plain_failures(context):
        cycle, lake, folder = context.partition_key, flywheel.lake(), flywheel.cycle_folder(context.partition_key)
        sites = sites_of(lake, folder)
        owed = owed_at(flywheel, folder, sites)
        write_sites(lake, folder, sites, owed)
        config = evaluation_config(flywheel.settings(), folder, cycle, first_base(flywheel.settings(), flywheel.releases()))
        run_child(context, pipes, "wow_flywheel.evaluation.run", write_config(folder / "evaluation", config))
        measured, version = stored(flywheel, cycle, sites, owed)
        page = write_page(flywheel, cycle)
    return dg.MaterializeResult(metadata=written(lake, "evaluations", measured.evaluations, version) | shown(measured, page))


def stored(flywheel: Flywheel, cycle: str, sites: Sequence[Site], owed: Mapping[str, Owed]) -> tuple[Measured, int]:
    """What was measured, after it was written to the tables; and the version of `evaluations`."""
    lake, folder = flywheel.lake(), flywheel.cycle_folder(cycle)
    baseline, *others = model_names(folder, cycle)
    outcomes = outcomes_of(flywheel, folder, kind_of(flywheel.settings()), sites, owed)
    hashes = dict(pl.read_parquet(folder / "evaluation" / "models.parquet").select("model", "sha256").iter_rows())
    measured = measure(outcomes, baseline, others, cycle, hashes)
    lake.replace("comparisons", measured.comparisons, cycle)
    lake.replace("comparison_slices", measured.slices, cycle)
    return measured, lake.replace("evaluations", measured.evaluations, cycle)


def shown(measured: Measured, page: Path) -> dict[str, Any]:
    """The metadata: metrics as a table and a plot, repair rates of all issue types, and where the results page lies."""
    from wow_flywheel.evaluation.compare import plot_png, table_markdown

    turns = pl.read_parquet(page.parent / "sites.parquet")
    last = measured.slices.filter(pl.col("candidate") == measured.comparisons["candidate"].last())
    return {
        "metrics": dg.MetadataValue.md(table_markdown(measured.evaluations)),
        "plot": picture(plot_png(measured.evaluations), "metrics"),
        "repair rate": frame_table(by_issue_type(last, turns)),
        "repair": dg.MetadataValue.md(in_words(turns, measured.evaluations)),
        "results page": dg.MetadataValue.path(str(page)),
        "judge": table(("verdict", "turns"), lines) if (lines := verdict_lines(page.parent.parent)) else NOT_JUDGED,
    }
