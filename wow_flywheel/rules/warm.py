"""Rules on a warm DuckDB, for one live conversation: those that are not compiled (`compiled`).

What belongs here: keeping a session warm. What does not: what a conversation may look like (`incoming`), which rules come here
(`online`).

Planning the rules costs DuckDB many times what running them over twenty turns does. So all relations and rules become one
statement, each relation a materialised CTE, that is planned once. DuckDB plans a prepared statement anew at each run unless
its optimizer was off when it was prepared, and twenty turns need none.
"""

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, Final

import duckdb
import polars as pl
import pyarrow as pa

from wow_flywheel.errors import QueryError
from wow_flywheel.queries import literal, without_data
from wow_flywheel.rules.overrides import Profile
from wow_flywheel.rules.registry import FINDING_COLUMNS, Rule
from wow_flywheel.rules.relations import TURNS, on_knowledge

NAMED: Final = "(SELECT {} FROM (\n{}\n))"


class WarmSession:
    """The rules of one profile on a DuckDB of their own, planned; threads take turns.

    Args:
        profile: The rules.
        frames: Relations that are the same for all conversations.

    Raises:
        QueryError: They cannot be planned.
    """

    def __init__(self, profile: Profile, frames: Mapping[str, pl.DataFrame]) -> None:
        self._rules = {rule.rule_id: rule for rule in profile.rules}
        self._incoming, self._lock = _Incoming(), Lock()
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false; SET threads = 1")
        try:
            for name, frame in frames.items():
                self._connection.from_arrow(frame.to_arrow()).create(name)
            self._connection.register("incoming", self._incoming)
            self._connection.execute("SET enable_optimizer = false")
            self._connection.execute(f"PREPARE rules AS {combined(profile)}")
        except duckdb.Error as error:
            raise QueryError(f"the rules cannot be planned: {without_data(error)}", hint="run the rules' tests") from None

    def find(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Rule, int, str, str]]:
        """Each finding's rule, turn, quote and evidence.

        Args:
            rows: A conversation's turns: the columns of `TURNS`.

        Raises:
            QueryError: A rule cannot be run on them.
        """
        with self._lock:
            self._incoming.hold(rows)
            try:
                found = self._connection.execute("EXECUTE rules").fetchall()
            except duckdb.Error as error:
                raise QueryError(f"the rules do not run: {without_data(error)}", hint="run the rules' tests") from None
        return ((self._rules[rule_id], turn, quote, evidence) for rule_id, _, turn, quote, evidence in found)


class _Incoming:
    """The turns that the prepared statement reads: DuckDB asks for them anew at each run, by Arrow's C interface."""

    def __init__(self) -> None:
        self.hold([])

    def hold(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._table: pa.Table = pl.DataFrame(list(rows), schema=TURNS, orient="row").to_arrow()

    def __arrow_c_schema__(self) -> Any:
        return self._table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def combined(profile: Profile) -> str:
    """All relations and rules of a profile as one statement: rule_id, conversation_id, turn, quote, evidence."""
    relations = [("turns", "FROM incoming")]
    relations += [(query.header["relation"], query.text()) for query in profile.relations if not on_knowledge(query)]
    ctes = ",\n".join(f"{name} AS MATERIALIZED (\n{text}\n)" for name, text in relations)
    return "\n".join(["WITH", ctes, "\nUNION ALL\n".join(map(_named, profile.rules))])


def _named(rule: Rule) -> str:
    columns = ", ".join([literal(rule.rule_id), *FINDING_COLUMNS])
    return NAMED.format(columns, rule.query.text())
