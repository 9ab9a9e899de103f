"""Native records that are plainly well formed, many at once: no Python per line.

What belongs here: which JSON structures the contract covers, and running `sql/ingest/native_records.sql` on a block of lines.
What does not: the lines that are not plain; the careful reader (`record`) makes rows of them, or says what is wrong.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.lines import Block
from wow_flywheel.queries import Query, Session, load

LINES_A_BATCH: Final = 512
"""DuckDB works on batches in parallel."""
TEXT: Final = frozenset({"VARCHAR", "NULL"})
NUMBER: Final = frozenset({"UBIGINT", "BIGINT", "DOUBLE", "NULL"})
TOKENS: Final = frozenset({"UBIGINT", "NULL"})

_USAGE: Final = {"prompt_tokens": TOKENS, "completion_tokens": TOKENS}
_FUNCTION: Final = {"name": TEXT, "arguments": TEXT}
_MESSAGE: Final = {
    "role": TEXT,
    "content": TEXT,
    "created_at": TEXT,
    "action": TEXT,
    "tool_calls": [{"id": TEXT, "type": TEXT, "function": _FUNCTION}],
    "tool_call_id": TEXT,
    "usage": _USAGE,
}
RECORD: Final[dict[str, Any]] = {
    "conversation_id": TEXT,
    "user_id": TEXT,
    "channel": TEXT,
    "scenario": TEXT,
    "locale": TEXT,
    "model": TEXT,
    "started_at": TEXT,
    "ended_at": TEXT,
    "messages": [_MESSAGE],
    "feedback": {"thumb": TEXT, "score": NUMBER, "rating": NUMBER, "comment": TEXT},
}
"""The JSON types of a plain record; what it does not name is not read."""

SHAPE: Final = {name: CONVERSATIONS.columns[name] for name in CONVERSATIONS.columns if name in RECORD}
"""The columns of `conversations` that come from the record itself."""


@dataclass(slots=True)
class PlainReader:
    """Reads blocks of native records; one for all blocks of a day, since it remembers the structures that it has seen."""

    _known: dict[str, bool] = field(default_factory=dict)
    _query: Query = field(default_factory=lambda: load("ingest/native_records"))
    _session: Session = field(default_factory=lambda: Session({}))

    def read(self, block: Block) -> pl.DataFrame:
        """One row a line, in order.

        Returns:
            place (Int64, in the block), line_hash (UInt64), plain (Boolean), and the columns of `SHAPE`, which mean something
            only where `plain`.
        """
        places = pa.array(np.arange(len(block), dtype=np.int64))
        lines = pa.table({"place": places, "line": block.texts()})
        self._session.put("lines", pa.Table.from_batches(lines.to_batches(max_chunksize=LINES_A_BATCH)))
        rows = self._session.run(self._query, {"record_structure": json.dumps(_duckdb(RECORD))})
        covered = rows["structure"].is_in([each for each in rows["structure"].unique() if each and self._covers(each)])
        shaped = rows.with_columns(pl.col("plain") & covered).cast(pl.Schema(SHAPE))
        return shaped.drop("structure")

    def _covers(self, structure: str) -> bool:
        if structure not in self._known:
            self._known[structure] = covers(json.loads(structure))
        return self._known[structure]


def covers(structure: Any) -> bool:
    """Whether a line's JSON types, as DuckDB's `json_structure` gives them, are those of a plain record."""
    return isinstance(structure, dict) and _fits(structure, RECORD)


def _fits(found: Any, expected: Any) -> bool:
    if found == "NULL":
        return True
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(_fits(found[name], expected[name]) for name in found if name in expected)
    if isinstance(expected, list):
        return isinstance(found, list) and all(_fits(each, expected[0]) for each in found)
    return isinstance(found, str) and found in expected


def _duckdb(expected: Any) -> Any:
    """The structure to which lines are transformed."""
    if isinstance(expected, dict):
        return {name: _duckdb(each) for name, each in expected.items()}
    if isinstance(expected, list):
        return [_duckdb(each) for each in expected]
    return {TEXT: "VARCHAR", NUMBER: "DOUBLE", TOKENS: "BIGINT"}[expected]
