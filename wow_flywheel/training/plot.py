"""Pictures of a run.

What belongs here: curves as PNG. What does not: where they are shown (`report`).
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

Points = Sequence[tuple[int, float]]


def loss_curve_png(points: Points) -> bytes:
    """A PNG of about 8 kB with the loss over optimizer steps.

    Args:
        points: (step, loss), in order.
    """
    return curves_png({"": points}, "loss")


def curves_png(curves: Mapping[str, Points], label: str) -> bytes:
    """A PNG with some curves over optimizer steps.

    Args:
        curves: (step, value) in order, by the curve's name; an only curve needs none.
        label: What the values are.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 2.6), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        axes.plot([step for step, _ in points], [value for _, value in points], linewidth=1.5, label=name or None)
    if any(curves):
        axes.legend(fontsize=7)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()


def by_issue(rows: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, list[tuple[int, float]]]:
    """The curves of a statistic that a run keeps by issue type.

    Args:
        rows: Of loss.jsonl.
        prefix: `rewards/margins/` or `rewards/accuracies/`.

    Returns:
        (step, value) by issue type; a type has no point where no pair of it was seen.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name.startswith(prefix):
                curves.setdefault(name.removeprefix(prefix), []).append((row["step"], value))
    return curves
