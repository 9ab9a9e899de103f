"""Scalars that DuckDB itself computes, for forms too rare to copy, such as odd JSON or numbers with an exponent.

What belongs here: asking, and remembering. What does not: which forms these are (`scalars`, `lists`, `documents`).
"""

from functools import cache, lru_cache
from threading import Lock
from typing import Any, Final

import duckdb

LONGEST_REMEMBERED: Final = 200
"""Characters."""


class Asked:
    """A scalar that DuckDB computes, for forms too rare to copy."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._lock = Lock()
        self._short = lru_cache(maxsize=8192)(self._ask)

    def ask(self, call: str, *values: str) -> Any:
        """The value of a call with `$1`, `$2`, … in it; remembered where the values are short."""
        return self._short(call, *values) if sum(map(len, values)) <= LONGEST_REMEMBERED else self._ask(call, *values)

    def _ask(self, call: str, *values: str) -> Any:
        with self._lock:
            return self._connection.execute(f"SELECT {call}", list(values)).fetchall()[0][0]


@cache
def asked() -> Asked:
    """The one connection of a process."""
    return Asked()
