"""What a person reads when the wheel stops: a table of the turns, and where to look next.

What belongs here: rows and text. What does not: the numbers (`turn`).
"""

from collections.abc import Sequence
from typing import Final

from wow_flywheel.contracts import LABELS
from wow_flywheel.defs.flywheel.turn import Turn
from wow_flywheel.evaluation.metrics import METRICS

SHOWN: Final = {
    "rr": "RR",
    "usm1": "USM 1",
    "usm2": "USM 2",
    "solve_rate": "solve rate",
    "action_accuracy": "action accuracy",
    "reply_loss": "reply loss",
}
Rows = list[list[str]]


def metric_rows(turns: Sequence[Turn]) -> Rows:
    """A line a turn: the metrics of the model that served, and of the candidate, on the same held-out customers."""
    names = [name for name in SHOWN if any(name in turn.metrics for turn in turns)]
    header = ["cycle", "model in use → candidate", *(f"{SHOWN[name]} {METRICS.get(name).arrow}" for name in names)]
    return [header, *([t.cycle, f"{t.baseline} → {t.candidate}", *(_change(t, name) for name in names)] for t in turns)]


def case_rows(turns: Sequence[Turn]) -> Rows:
    """A line a turn: cases by label, preference pairs, and what the gate said."""
    header = ["cycle", "days", *LABELS, "pairs", "gate"]
    return [
        header,
        *([t.cycle, _days(t), *(str(t.labels.get(name, 0)) for name in LABELS), str(t.pairs), verdict(t)] for t in turns),
    ]


def verdict(turn: Turn) -> str:
    """The gate's decision with its first reason, or why there was none."""
    if turn.decision is None:
        return turn.note
    if turn.decision.passed:
        return "passed: released"
    first, *more = turn.decision.reason.split("; ")
    return f"refused, because {first}" + (f"; and {len(more)} more" if more else "")


def as_markdown(rows: Rows) -> str:
    """Rows as a Markdown table, the first one being the header."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_text(rows: Rows) -> str:
    """Rows as aligned text; the last column may run on."""
    widths = [max(len(line[i]) for line in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in rows)


def _change(turn: Turn, name: str) -> str:
    before, after = turn.metrics.get(name, (None, None))
    return f"{_value(name, before)} → {_value(name, after)}"


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.1%}" if METRICS.get(name).unit == "share" else f"{value:.3f}"


def _days(turn: Turn) -> str:
    return str(turn.days[0]) if len(turn.days) == 1 else f"{turn.days[0]} … {turn.days[-1]}"
