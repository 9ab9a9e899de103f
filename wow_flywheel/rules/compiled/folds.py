"""What aggregates and windows do at run time.

What belongs here: many values in, one out, NULLs among them as in DuckDB. What does not: the code that calls them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

Step = Callable[[Any, Any], Any]
Row = tuple[Any, ...]
Keys = Sequence[tuple[Callable[[Row], Any], bool]]
"""What rows are sorted by: a key, and whether the largest come first."""


def ordered(rows: Iterable[Row], keys: Keys) -> list[Row]:
    """Rows sorted, NULLs last, equal ones in the order in which they came."""
    made = list(rows)
    for key, falling in reversed(keys):
        if falling:
            made.sort(key=lambda row: ((value := key(row)) is not None, value), reverse=True)
        else:
            made.sort(key=lambda row: ((value := key(row)) is None, value))
    return made


def smaller(so_far: Any, value: Any) -> Any:
    """Step of MIN."""
    return so_far if value is None or (so_far is not None and so_far <= value) else value


def larger(so_far: Any, value: Any) -> Any:
    """Step of MAX."""
    return so_far if value is None or (so_far is not None and so_far >= value) else value


def counted(so_far: int, value: Any) -> int:
    """Step of COUNT."""
    return so_far + (value is not None)


def summed(so_far: Any, value: Any) -> Any:
    """Step of SUM."""
    return so_far if value is None else value if so_far is None else so_far + value


def all_true(so_far: bool | None, value: bool | None) -> bool | None:
    """Step of BOOL_AND."""
    return so_far if value is None else value if so_far is None else so_far and value


def any_true(so_far: bool | None, value: bool | None) -> bool | None:
    """Step of BOOL_OR."""
    return so_far if value is None else value if so_far is None else so_far or value


def first_there(so_far: Any, value: Any) -> Any:
    """Step of ANY_VALUE."""
    return value if so_far is None else so_far


def last_there(so_far: Any, value: Any) -> Any:
    """Step of LAST_VALUE that ignores NULLs."""
    return so_far if value is None else value


STEPS: Final[dict[str, tuple[Step, Any]]] = {
    "min": (smaller, None),
    "max": (larger, None),
    "count": (counted, 0),
    "sum": (summed, None),
    "bool_and": (all_true, None),
    "bool_or": (any_true, None),
    "any_value": (first_there, None),
}
"""Aggregates as a step and what they start from."""


def fold(values: Iterable[Any], step: Step, start: Any) -> Any:
    """An aggregate over a group."""
    for value in values:
        start = step(start, value)
    return start


def first(values: Sequence[Any]) -> Any:
    """FIRST, which may be NULL."""
    return values[0] if values else None


def at_least(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """ARG_MIN: the first value where the other is smallest; where either is NULL, the pair does not count."""
    there = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
    return min(there, key=lambda pair: pair[1])[0] if there else None


def at_most(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """ARG_MAX."""
    there = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
    return max(there, key=lambda pair: pair[1])[0] if there else None


def strung(values: Iterable[str | None], separator: str) -> str | None:
    """STRING_AGG."""
    there = [value for value in values if value is not None]
    return separator.join(there) if there else None
