"""The loss curve as a picture.

What belongs here: pictures of a run. What does not: where they are shown (`report`).
"""

import io
from collections.abc import Sequence


def loss_curve_png(points: Sequence[tuple[int, float]]) -> bytes:
    """A PNG of about 8 kB with the loss over optimizer steps.

    Args:
        points: (step, loss), in order.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 2.6), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([step for step, _ in points], [loss for _, loss in points], color="#1f6feb", linewidth=1.5)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()
