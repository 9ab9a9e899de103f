"""Two models against each other, and what a person sees of it: a table and a plot.

What belongs here: paired comparison on the same episodes, Markdown and PNG for metadata. What does not: the gate's decision
(`release`).
"""

import io
from typing import Any

import polars as pl

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.errors import ContractError
from wow_flywheel.evaluation.intervals import Interval, clustered_mean, clustered_sd
from wow_flywheel.evaluation.metrics import METRICS, Metric, metric_columns


def compare(outcomes: pl.DataFrame, baseline: str, candidate: str, cycle: str, kind: str) -> pl.DataFrame:
    """Candidate minus baseline on the episodes that both played, as rows of the table `comparisons`.

    The interval is the paired bootstrap, clustered by customer. An episode in which a metric does not apply to one of the two
    is left out of that metric; a metric with no common episode has n = 0 and nulls.

    Args:
        outcomes: See `wow_flywheel.evaluation.metrics`.
        baseline: The model now in use, as named in `model`.
        candidate: The model that may replace it.
        cycle: The training cycle.
        kind: One of `metrics.KINDS`.

    Raises:
        ContractError: A model is not among the outcomes, both are the same, they share no episode, or an episode belongs to
            different customers.
    """
    metrics = metric_columns(outcomes)
    pairs = paired(outcomes, baseline, candidate)
    models = {"cycle": cycle, "baseline": baseline, "candidate": candidate, "kind": kind}
    rows = [models | difference(pairs, metric) for metric in metrics]
    return COMPARISONS.conform(pl.DataFrame(rows, schema=COMPARISONS.columns))


def table_markdown(evaluations: pl.DataFrame) -> str:
    """A Markdown table: one line a metric, one column a model, each cell the value with its interval and n.

    Args:
        evaluations: Rows of the table `evaluations`, of one cycle.
    """
    rows = EVALUATIONS.conform(evaluations)
    models = rows["model"].unique(maintain_order=True).to_list()
    cells = {(r["kind"], r["metric"], r["model"]): _cell(METRICS.get(r["metric"]), r) for r in rows.iter_rows(named=True)}
    lines = ["| metric | kind | unit | " + " | ".join(models) + " |", "|---|---|---|" + "---|" * len(models)]
    for kind, name in rows.select("kind", "metric").unique(maintain_order=True).iter_rows():
        metric = METRICS.get(name)
        values = " | ".join(cells.get((kind, name, model), "not measured") for model in models)
        lines.append(f"| {name} {metric.arrow} | {kind} | {metric.scale[1]} | {values} |")
    return "\n".join(lines)


def plot_png(evaluations: pl.DataFrame) -> bytes:
    """A PNG of the first kind of evaluation: one panel a metric, in it one point with its 95 % interval a model.

    Args:
        evaluations: Rows of the table `evaluations`, of one cycle.

    Raises:
        ContractError: No metric has a value.
    """
    rows = EVALUATIONS.conform(evaluations).drop_nulls("value")
    rows = rows.filter(pl.col("kind") == rows["kind"].first()) if rows.height else rows
    if rows.is_empty():
        raise ContractError("no metric has a value, so there is nothing to plot", hint="check the evaluation's outcomes")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = rows["metric"].unique(maintain_order=True).to_list()
    models = rows["model"].unique(maintain_order=True).to_list()
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4.4 * columns, (0.42 * len(models) + 1.5) * lines + 0.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, name in zip(axes, names, strict=False):
        _panel(axis, METRICS.get(name), rows.filter(pl.col("metric") == name), models)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    _title(figure, rows)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def paired(outcomes: pl.DataFrame, baseline: str, candidate: str) -> pl.DataFrame:
    """The episodes that both models have: the baseline's columns, and the candidate's with the suffix `_after`.

    Raises:
        ContractError: See `compare`.
    """
    models = set(outcomes["model"])
    absent = sorted({baseline, candidate} - models)
    if absent or baseline == candidate:
        raise ContractError(
            f"cannot compare {candidate!r} with {baseline!r}: the outcomes are of {sorted(models)}",
            hint="evaluate both models on the same episodes first",
        )
    before, after = (outcomes.filter(pl.col("model") == model) for model in (baseline, candidate))
    pairs = before.join(after, on="episode", suffix="_after", maintain_order="left")
    if pairs.is_empty():
        raise ContractError(f"{baseline!r} and {candidate!r} share no episode", hint="evaluate both on the same episodes")
    if (pairs["user_id"] != pairs["user_id_after"]).any():
        raise ContractError("an episode belongs to different customers", hint="give both models the same episodes")
    return pairs


def difference(pairs: pl.DataFrame, metric: Metric) -> dict[str, Any]:
    """One metric on episodes that both models have: metric, difference, low, high, n, sd, higher_is_better.

    Args:
        pairs: As `paired` gives them, or some of its rows.
        metric: A column of theirs.
    """
    common = pairs.drop_nulls([metric.name, f"{metric.name}_after"])
    change = (common[f"{metric.name}_after"] - common[metric.name]).cast(pl.Float64).to_numpy()
    customers = common["user_id"].to_numpy()
    found: Interval = clustered_mean(change, customers)
    bounds = {"difference": found.value, "low": found.low, "high": found.high, "n": found.n}
    return {"metric": metric.name, "higher_is_better": metric.higher_is_better, "sd": clustered_sd(change, customers)} | bounds


def _cell(metric: Metric, row: dict[str, object]) -> str:
    if row["value"] is None:
        return "not applicable"
    scale, _, digits = metric.scale
    value, low, high = (
        None if row[key] is None else f"{float(str(row[key])) * scale:.{digits}f}" for key in ("value", "low", "high")
    )
    bounds = f"[{low}, {high}]" if low is not None else "[no interval]"
    return f"**{value}** {bounds}, n = {row['n']}"


def _panel(axis: Any, metric: Metric, rows: pl.DataFrame, models: list[str]) -> None:
    scale = 100 if metric.unit == "share" else 1
    for row in rows.iter_rows(named=True):
        place = models.index(row["model"])
        colour = f"C{place}"
        if row["low"] is not None:
            axis.plot([row["low"] * scale, row["high"] * scale], [place, place], color=colour, linewidth=2.5, alpha=0.45)
        axis.plot([row["value"] * scale], [place], "o", color=colour, markersize=7)
        label = f"{row['value'] * scale:.1f}" if metric.unit == "share" else f"{row['value']:.3f}"
        axis.annotate(label, (row["value"] * scale, place), (0, 7), textcoords="offset points", ha="center", fontsize=8)
    axis.set_yticks(range(len(models)), models)
    axis.set_ylim(len(models) - 0.4, -0.75)
    if metric.unit == "share":
        axis.set_xlim(-4, 104)
    unit = "%" if metric.unit == "share" else metric.unit
    over = " of" if metric.yes_or_no else ", mean over"
    axis.set_xlabel(f"{unit}{over} {metric.denominator}", fontsize=8)
    better = "higher is better" if metric.higher_is_better else "lower is better"
    axis.set_title(f"{metric.name} {metric.arrow}  ({better})", fontsize=10, loc="left")
    axis.grid(axis="x", alpha=0.25)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=8)


def _title(figure: Any, rows: pl.DataFrame) -> None:
    cycles, kinds = (", ".join(sorted(rows[name].unique())) for name in ("cycle", "kind"))
    figure.suptitle(f"Evaluation of cycle {cycles} ({kinds}): value with 95 % interval", fontsize=11)
