"""What window functions do at run time.

What belongs here: partitions of rows in order, and a value for each row of them. What does not: the code that calls them
(`windows`), steps of aggregates (`folds`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wow_flywheel.rules.compiled.folds import Keys, Row, Step, fold, ordered

Partitions = list[tuple[list[int], list[int]]]
"""Of each partition, the places of its rows in order, and for each where its equals end."""
Frame = tuple[int | None, int | None, bool]
"""First and last row of a frame, counted from the row at hand (None: no bound), and whether the row's equals belong to it."""


def partitioned(rows: Sequence[Row], part: Callable[[Row], Any] | None, keys: Keys) -> Partitions:
    """The partitions of some rows."""
    parts: dict[Any, list[Row]] = {}
    for place, row in enumerate(rows):
        parts.setdefault(part(row) if part else None, []).append((place, row))
    placed: Keys = [(lambda pair, key=key: key(pair[1]), falling) for key, falling in keys]  # type: ignore[misc]
    sorted_parts = [ordered(pairs, placed) for pairs in parts.values()]
    return [
        ([place for place, _ in pairs], _ends([[key(row) for key, _ in keys] for _, row in pairs])) for pairs in sorted_parts
    ]


def _ends(values: Sequence[Any]) -> list[int]:
    """Where the equals of each row end: one past the last of them."""
    ends, end = [0] * len(values), len(values)
    for place in range(len(values) - 1, -1, -1):
        if place + 1 < len(values) and values[place] != values[place + 1]:
            end = place + 1
        ends[place] = end
    return ends


def placed(partitions: Partitions, count: int, give: Callable[[list[int], list[int]], Iterable[Any]]) -> list[Any]:
    """What is given for each partition's rows, at the rows' places."""
    made: list[Any] = [None] * count
    for places, ends in partitions:
        for place, value in zip(places, give(places, ends), strict=True):
            made[place] = value
    return made


def numbered(partitions: Partitions, values: Sequence[Any]) -> list[int]:
    """ROW_NUMBER."""
    return placed(partitions, len(values), lambda places, _: range(1, len(places) + 1))


def shifted(partitions: Partitions, values: Sequence[Any], by: int) -> list[Any]:
    """LAG and LEAD: the value some rows later, or earlier where `by` is negative."""

    def give(places: list[int], _: list[int]) -> list[Any]:
        last = len(places)
        return [values[places[at + by]] if 0 <= at + by < last else None for at in range(last)]

    return placed(partitions, len(values), give)


def folded(partitions: Partitions, values: Sequence[Any], step: Step, start: Any, frame: Frame) -> list[Any]:
    """An aggregate over a frame; a step that goes backward sees the last row first."""
    first, last, equals = frame

    def give(places: list[int], ends: list[int]) -> list[Any]:
        own, many = [values[place] for place in places], len(places)
        if first is None:
            totals = _running(own, step, start)
            stops = ends if equals else [many if last is None else min(max(at + last + 1, 0), many) for at in range(many)]
            return [totals[stop] for stop in stops]
        if last is None:
            totals = _running(own[::-1], step, start)
            return [totals[many - min(max(at + first, 0), many)] for at in range(many)]
        return [fold(own[max(at + first, 0) : max(at + last + 1, 0)], step, start) for at in range(many)]

    return placed(partitions, len(values), give)


def _running(values: Iterable[Any], step: Step, start: Any) -> list[Any]:
    totals = [start]
    for value in values:
        start = step(start, value)
        totals.append(start)
    return totals
