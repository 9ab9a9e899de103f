"""One page a cycle for people: HTML in one file, without scripts, fonts or pictures from elsewhere.

What belongs here: the page's rows, in words and percent, and filling the template. What does not: numbers (`evaluation`), the
decision (`release.gate`).

An example lies on one line of the file and names its customer in `data-user`, so that forgetting a person can drop the line.
The copy in a release, which cannot change, has no examples for the same reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.evaluation.metrics import METRICS, Metric
from wow_flywheel.release.changes import in_order_of_kind
from wow_flywheel.release.decision import Decision, GateCheck
from wow_flywheel.release.results.charts import interval_svg
from wow_flywheel.release.results.examples import OUTCOMES, Example

KINDS: Final = {
    "simulated": "End to end, with simulated customers",
    "offline": "Turn by turn, on held-out dialogues",
    "repair": "At the turns where held-out Bad Cases went wrong",
    "general": "General ability",
    "judged": "Side by side, by the judge",
}
GROUPS: Final = {"scenario": "scenario", "locale": "language", "issue_type": "issue type"}
HEADLINE: Final = ("rr", "usm1", "usm2", "solve_rate", "repair_rate", "reply_loss", "action_accuracy")
BY_GROUP: Final = ("rr", "usm1", "usm2", "solve_rate", "repair_rate")
MOST_CARDS: Final = 5


@dataclass(frozen=True, slots=True)
class PageData:
    """What a page shows.

    Attributes:
        cycle: The training cycle.
        decision: The gate's.
        evaluations: Contract `evaluations`, of the cycle.
        comparisons: Contract `comparisons`, of baseline and candidate.
        slices: Contract `comparison_slices`, of both.
        changed: What the candidate was made from, name and value.
        examples: Before and after; empty leaves them out, and says why.
        notes: By kind of evaluation, a sentence on how to read it.
    """

    cycle: str
    decision: Decision
    evaluations: pl.DataFrame
    comparisons: pl.DataFrame
    slices: pl.DataFrame
    changed: Sequence[tuple[str, str]]
    examples: Sequence[Example]
    notes: Mapping[str, str] = field(default_factory=dict)


def render(data: PageData) -> str:
    """The page as HTML."""
    checks = [_check_row(check) for check in data.decision.checks if check.passed is not None]
    grouped = {name: [e for e in data.examples if e.outcome == name] for name in OUTCOMES}
    html: str = _template().render(
        cycle=data.cycle,
        decision=data.decision,
        reasons=data.decision.reason.split("; "),
        cards=cards(data),
        kinds=[(KINDS[kind], data.notes.get(kind, ""), rows) for kind in KINDS if (rows := metric_rows(data, kind))],
        checks=[row for row in checks if row["kind"] != "power"],
        powers=[row for row in checks if row["kind"] == "power"],
        skipped=sorted({c.metric for c in data.decision.checks if c.passed is None} - {c["metric"] for c in checks}),
        groups=[(GROUPS[by], table) for by in GROUPS if (table := group_table(data.slices, by))],
        changed=data.changed,
        outcomes=OUTCOMES,
        examples={name: found for name, found in grouped.items() if found},
        shown=len(data.examples),
    )
    return html


def cards(data: PageData) -> list[dict[str, Any]]:
    """The few metrics at the top: name, before, after, and whether it got better, worse, or neither for sure."""
    first = {row["name"]: row for kind in reversed(KINDS) for row in metric_rows(data, kind)}
    return [first[name] for name in HEADLINE if name in first][:MOST_CARDS]


def metric_rows(data: PageData, kind: str) -> list[dict[str, Any]]:
    """The metrics of one kind of evaluation, both models' values, the difference and its drawing."""
    margins = {check.metric: check.margin for check in data.decision.checks if check.kind == "non-inferiority"}
    values = data.evaluations.filter(pl.col("kind") == kind)
    cells = {(row["model"], row["metric"]): row["value"] for row in values.iter_rows(named=True)}
    rows = data.comparisons.filter(pl.col("kind") == kind).drop_nulls("difference")
    before, after = data.decision.baseline, data.decision.candidate
    return [
        _metric_row(row, cells.get((before, row["metric"])), cells.get((after, row["metric"])), margins.get(row["metric"]))
        for row in rows.iter_rows(named=True)
    ]


def group_table(slices: pl.DataFrame, by: str) -> dict[str, Any] | None:
    """Groups by metrics, each cell the values before and after and whether that is better or worse; None without any.

    Of issue types all eight are shown, with or without held-out turns.
    """
    found = slices.filter(pl.col("slice_by") == by, pl.col("metric").is_in(BY_GROUP))
    speaking = in_order_of_kind(found).unique(["slice", "metric"], keep="first", maintain_order=True)
    if speaking.is_empty() or (by == "locale" and speaking["slice"].n_unique() < 2):
        return None
    names = [name for name in BY_GROUP if name in speaking["metric"]]
    cells = {(row["slice"], row["metric"]): _cell(row) for row in speaking.iter_rows(named=True)}
    every = ISSUE_TYPES if by == "issue_type" else sorted(speaking["slice"].unique())
    rows = [(group.replace("_", " "), [cells.get((group, name)) for name in names]) for group in every]
    rows = [(f"{group} (n {_least(found)})" if any(found) else group, found) for group, found in rows]
    return {"metrics": [f"{_plain(name)} {METRICS.get(name).arrow}" for name in names], "rows": rows}


def _least(cells: Sequence[Mapping[str, Any] | None]) -> str:
    """The numbers of episodes of a group: one, or its range over the metrics."""
    counts = sorted({cell["n"] for cell in cells if cell})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _metric_row(row: Mapping[str, Any], before: float | None, after: float | None, margin: float | None) -> dict[str, Any]:
    metric = METRICS.get(row["metric"])
    gain, low, high = _gain(row)
    return {
        "name": metric.name,
        "title": _plain(metric.name),
        "arrow": metric.arrow,
        "description": metric.description,
        "before": _shown(metric, before),
        "after": _shown(metric, after),
        "difference": _shown(metric, row["difference"], signed=True),
        "bounds": _bounds(metric, row),
        "n": row["n"],
        "verdict": _verdict(low, high),
        "svg": interval_svg(gain, low, high, margin),
    }


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    metric = METRICS.get(row["metric"])
    _, low, high = _gain(row)
    return {
        "before": _shown(metric, row["before"]),
        "after": _shown(metric, row["after"]),
        "n": row["n"],
        "verdict": _verdict(low, high),
    }


def _gain(row: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    if row["higher_is_better"]:
        return row["difference"], row["low"], row["high"]
    return -row["difference"], None if row["high"] is None else -row["high"], None if row["low"] is None else -row["low"]


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "open"
    return "better" if low > 0 else "worse" if high < 0 else "open"


def _check_row(check: GateCheck) -> dict[str, Any]:
    return {
        "kind": check.kind,
        "metric": check.metric,
        "name": check.name.replace("_", " "),
        "passed": check.passed,
        "why": check.why,
    }


def _bounds(metric: Metric, row: Mapping[str, Any]) -> str:
    if row["low"] is None or row["high"] is None:
        return "no interval"
    factor, _, digits = metric.scale
    return " to ".join(f"{row[end] * factor:+.{digits}f}" for end in ("low", "high"))


def _shown(metric: Metric, value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    factor, unit, digits = metric.scale
    text = f"{value * factor:{'+' if signed else ''}.{digits}f}"
    unit = "points" if signed and metric.unit == "share" else unit
    return f"{text} {unit}" if signed or unit == "%" else text


def _plain(name: str) -> str:
    return {"rr": "RR", "usm1": "USM 1", "usm2": "USM 2", "r_kn": "R_kn", "slot_f1": "slot F1"}.get(
        name, name.replace("_", " ")
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("wow_flywheel", "release/results")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["one_line"] = _one_line
    return environment.get_template("page.html.jinja")


def without_examples(data: PageData) -> PageData:
    """The page as a release keeps it."""
    return PageData(data.cycle, data.decision, data.evaluations, data.comparisons, data.slices, data.changed, (), data.notes)


def changes_in_words(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a cycle's manifest says of how its model was made, for the page."""
    counts: Mapping[str, Mapping[str, int]] = manifest.get("counts", {})
    parents = manifest.get("parents", {})
    days = [str(day) for day in manifest.get("source_partitions", ())]
    rows = [
        ("starts from", parents.get("previous_release") or parents.get("base_model") or "unknown"),
        ("trained by", {"dpo": "SFT, then DPO", "kto": "SFT, then KTO"}.get(manifest.get("candidate") or "", "")),
        ("learned from the days", _span(days)),
        ("dialogues", _counted(counts.get("sft_dataset.split", {}))),
        ("by scenario", _counted(counts.get("sft_dataset.scenario", {}))),
        ("preference pairs", _counted(counts.get("preference_dataset.split", {}))),
        ("by issue type", _counted(counts.get("preference_dataset.issue_type", {}))),
        ("labelled replies", _counted(counts.get("labelled_dataset.label", {}))),
        ("bad replies by issue type", _counted(counts.get("labelled_dataset.issue_type", {}))),
        ("code", manifest.get("git_commit") or ""),
    ]
    return [(name, value) for name, value in rows if value]


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} … {days[-1]} ({len(days)} days)" if days else "none"


def _counted(counts: Mapping[str, int]) -> str:
    pairs: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in pairs)
