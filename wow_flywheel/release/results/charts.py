"""Intervals as small drawings: inline SVG that needs no script and no other file.

What belongs here: the geometry. What does not: which rows are drawn (`page`).
Every drawing is turned so that right is better, whatever the metric's direction.
"""

from typing import Final

WIDTH: Final = 220
HEIGHT: Final = 22
ROOM: Final = 1.12
"""How much wider than the widest bound a drawing is."""


def interval_svg(gain: float, low: float | None, high: float | None, margin: float | None) -> str:
    """A gain with its interval, the line of no change, and the margin that must not be passed.

    Args:
        gain: Positive is better.
        low: The interval's worse end.
        high: Its better end.
        margin: How much worse is tolerated, as a positive number; None draws none.

    Returns:
        An `<svg>` element; its colour classes are `better`, `worse` and `open` (the interval holds zero).
    """
    widest = ROOM * max(abs(gain), abs(low or 0), abs(high or 0), margin or 0, 1e-9)

    def place(value: float) -> str:
        return f"{WIDTH / 2 * (1 + value / widest):.1f}"

    kind = "better" if (low or 0) > 0 else "worse" if (high or 0) < 0 else "open"
    middle = HEIGHT / 2
    parts = [f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="2" y2="{HEIGHT - 2}"/>']
    if margin:
        parts.append(f'<line class="margin" x1="{place(-margin)}" x2="{place(-margin)}" y1="2" y2="{HEIGHT - 2}"/>')
    if low is not None and high is not None:
        parts.append(f'<line class="bar" x1="{place(low)}" x2="{place(high)}" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="dot" cx="{place(gain)}" cy="{middle}" r="4"/>')
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    label = f"gain {gain:+.3f}" + (f", 95 % interval {low:+.3f} to {high:+.3f}" if low is not None and high is not None else "")
    return f'<svg class="interval {kind}" role="img" aria-label="{label}" {size}>{"".join(parts)}</svg>'
