"""Scalars that DuckDB itself computes, for forms too rare to copy, such as odd JSON or numbers with an exponent.

What belongs here: asking, and remembering. What does not: which forms these are (`scalars`, `lists`, `documents`).
"""

from functools import cache, lru_cache
from threading import Lock
from typing import Any

import duckdb


class Asked:
    """A scalar that DuckDB computes, for forms too rare to copy."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._lock = Lock()
        self.ask = lru_cache(maxsize=8192)(self._ask)

    def _ask(self, call: str, *values: str) -> Any:
        with self._lock:
            return self._connection.execute(f"SELECT {call}", list(values)).fetchall()[0][0]


@cache
def asked() -> Asked:
    """The one connection of a process."""
    return Asked()
