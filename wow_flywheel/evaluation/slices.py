"""For whom a model got better, and for whom worse: the paired comparison within scenarios, languages and issue types.

What belongs here: the comparison by group. What does not: the comparison itself (`compare`), the page that shows it (`page`).

A group is shown with its interval, without any correction for how many groups there are: it says where to look, and decides
nothing.
"""

import polars as pl

from wow_flywheel.contracts import COMPARISON_SLICES
from wow_flywheel.evaluation.compare import difference, paired
from wow_flywheel.evaluation.metrics import SLICES, Metric, metric_columns


def compare_slices(outcomes: pl.DataFrame, baseline: str, candidate: str, cycle: str, kind: str) -> pl.DataFrame:
    """Candidate minus baseline within each scenario, and each language and issue type that the outcomes name.

    Args:
        outcomes: See `wow_flywheel.evaluation.metrics`.
        baseline: The model now in use.
        candidate: The model that may replace it.
        cycle: The training cycle.
        kind: One of `metrics.KINDS`.

    Returns:
        Contract `comparison_slices`; a group in which a metric applies to no episode is left out.

    Raises:
        ContractError: See `compare.compare`.
    """
    metrics, pairs = metric_columns(outcomes), paired(outcomes, baseline, candidate)
    common = {"cycle": cycle, "baseline": baseline, "candidate": candidate, "kind": kind}
    rows = [
        common | {"slice_by": by, "slice": str(group)} | _change(episodes, metric)
        for by in ("scenario", *SLICES)
        if by in pairs.columns
        for (group,), episodes in sorted(pairs.drop_nulls(by).group_by(by), key=lambda found: str(found[0]))
        for metric in metrics
    ]
    found = pl.DataFrame(rows, schema=pl.Schema(COMPARISON_SLICES.columns))
    return COMPARISON_SLICES.conform(found.filter(pl.col("n") > 0))


def _change(episodes: pl.DataFrame, metric: Metric) -> dict[str, object]:
    common = episodes.drop_nulls([metric.name, f"{metric.name}_after"])
    before, after = (common[name].cast(pl.Float64).mean() for name in (metric.name, f"{metric.name}_after"))
    return {"before": before, "after": after} | difference(common, metric)
