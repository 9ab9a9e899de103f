"""What SQL functions of lists do at run time; a list is a tuple.

What belongs here: values in, a value out, as in DuckDB. What does not: which SQL calls it (`functions`).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any


def position(values: Sequence[Any], value: Any) -> int | None:
    """LIST_POSITION, from 1; NULL where it is not there."""
    return values.index(value) + 1 if value in values else None


def joined(*lists: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """LIST_CONCAT; NULL only if all of them are."""
    there = [each for each in lists if each is not None]
    return tuple(value for each in there for value in each) if there else None


def flattened(lists: Iterable[tuple[Any, ...] | None]) -> tuple[Any, ...]:
    """FLATTEN."""
    return tuple(value for each in lists if each is not None for value in each)


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """LIST_DISTINCT, in the order of first occurrence."""
    return tuple(dict.fromkeys(value for value in values if value is not None))


def common(first: Iterable[Any], second: Sequence[Any]) -> tuple[Any, ...]:
    """LIST_INTERSECT."""
    there = set(second)
    return tuple(value for value in dict.fromkeys(first) if value is not None and value in there)


def applied(values: Iterable[Any], make: Callable[[Any], Any]) -> tuple[Any, ...]:
    """LIST_APPLY."""
    return tuple(map(make, values))


def kept(values: Iterable[Any], test: Callable[[Any], Any]) -> tuple[Any, ...]:
    """LIST_FILTER."""
    return tuple(filter(test, values))


def words_joined(values: Sequence[str | None], separator: str) -> str | None:
    """ARRAY_TO_STRING; NULL where there is nothing but NULL."""
    there = [value for value in values if value is not None]
    return separator.join(there) if there or not values else None


def unnested(*lists: tuple[Any, ...] | None) -> Iterable[tuple[Any, ...]]:
    """Rows of several UNNEST beside each other."""
    return zip_longest(*(() if each is None else each for each in lists))


def numbers(first: int, end: int) -> tuple[int, ...]:
    """RANGE."""
    return tuple(range(first, end))
