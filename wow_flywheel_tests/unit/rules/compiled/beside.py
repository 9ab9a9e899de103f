"""Runs a SELECT both ways: `compiled_rows` by the compiled function, `duckdb_rows` by DuckDB, on the relations given."""

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from wow_flywheel.queries import Session, parse
from wow_flywheel.rules.compiled.program import columns_of, compile_file, table_of

CONNECTION = duckdb.connect()
Frames = Mapping[str, pl.DataFrame]


def compiled_rows(sql: str, frames: Frames, *, lasting: bool = False) -> list[tuple[Any, ...]]:
    """The rows, lists in them as tuples."""
    relations = {name: columns_of(frame.schema) for name, frame in frames.items()}
    names = frozenset(frames) if lasting else frozenset()
    made = compile_file(CONNECTION, parse("rules/tried", f"-- grain: one row\n{sql}"), relations, lasting=names)
    return list(made.run({name: table_of(frame) for name, frame in frames.items()}))


def duckdb_rows(sql: str, frames: Frames) -> list[tuple[Any, ...]]:
    """The same by DuckDB."""
    with Session(frames) as session:
        return list(table_of(session.run(parse("rules/tried", f"-- grain: one row\n{sql}"))))


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order that does not depend on who gave them."""
    return sorted(rows, key=repr)
