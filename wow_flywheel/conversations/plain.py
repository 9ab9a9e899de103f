"""Native records that are plainly well formed, many at once: no Python per line.

What belongs here: which JSON structures the contract covers, and running `sql/ingest/native_records.sql` on a block of lines,
parsed by Arrow where its lines have the contract's fields and no other, or else by DuckDB. What does not: the lines that are
not plain; the careful reader (`record`) makes rows of them, or says what is wrong.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from wow_flywheel.contracts import CONVERSATIONS, Drift
from wow_flywheel.conversations.arrow_lines import arrow_type, objects
from wow_flywheel.conversations.drift import OTHERS as DRIFTING
from wow_flywheel.conversations.drift import LogContract
from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.messages import MESSAGE_FIELDS
from wow_flywheel.conversations.readers.feedback import CORRECTIONS
from wow_flywheel.conversations.record import CONTRACT, FEEDBACK_FIELDS, FIELDS
from wow_flywheel.conversations.structures import ANY, NUMBER, OTHERS, REMEMBERED, TEXT, TOKENS, fits, transform
from wow_flywheel.queries import Parameter, Scalar, Session, load

LINES_A_BATCH: Final = 512
"""DuckDB works on batches in parallel."""
_USAGE: Final = {"prompt_tokens": TOKENS, "completion_tokens": TOKENS, OTHERS: ANY}
_FUNCTION: Final = {"name": TEXT, "arguments": TEXT, OTHERS: ANY}
_MESSAGE: Final = {
    "role": TEXT,
    "content": TEXT,
    "refusal": TEXT,
    "created_at": TEXT,
    "action": TEXT,
    "tool_calls": [{"id": TEXT, "type": TEXT, "function": _FUNCTION, OTHERS: ANY}],
    "tool_call_id": TEXT,
    "usage": _USAGE,
    OTHERS: ANY,
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
    "feedback": {"thumb": TEXT, "score": NUMBER, "rating": NUMBER, "comment": TEXT, OTHERS: ANY},
    OTHERS: ANY,
}
"""The JSON types of a plain record; what it does not name is not read."""

ARROW: Final = arrow_type(RECORD)
TRIES: Final = 3
"""So many blocks more that Arrow refuses than it takes, and it is not asked again."""

SHAPE: Final = {name: CONVERSATIONS.columns[name] for name in CONVERSATIONS.columns if name in {*RECORD, "extra"}}
"""The columns of `conversations` that come from the record itself."""
LOGGED: Final = {"logged_ids": CONVERSATIONS.columns["logged_ids"]}
"""The ids of its calls, which readers of other formats know."""
BESIDE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {"personal": pl.List(pl.String), "drift": pl.List(pl.String)}
"""What a record says in fields that name its customer, and which of its fields did not fit."""


@dataclass(slots=True)
class PlainReader:
    """Reads blocks of native records; one for all blocks of a day, since it remembers the structures that it has seen.

    Args:
        personal: Dotted paths of fields that name the customer.
        contract: What becomes of fields that do not fit; a line with such a field is plain only if the field is discarded.
    """

    personal: Sequence[str] = ()
    contract: LogContract = CONTRACT
    _known: dict[str, bool] = field(default_factory=dict)
    _session: Session = field(default_factory=lambda: Session({}))
    _refused: int = 0

    def read(self, block: Block) -> pl.DataFrame:
        """One row a line, in order.

        Returns:
            place (Int64, in the block), line_hash (UInt64), plain (Boolean), and the columns of `SHAPE` and `BESIDE`, which
            mean something only where `plain`.
        """
        lines = lines_table(block)
        records, drift = self._by_arrow(block, lines) or self._by_duckdb(lines)
        self._session.put("records", records)
        rows = self._session.run(load("ingest/native_records")).with_columns(drift, extra=pl.lit(None, pl.String))
        return rows.cast(pl.Schema(SHAPE | BESIDE))

    def _by_arrow(self, block: Block, lines: pa.Table) -> tuple[pa.Table, pl.Series] | None:
        """The block's records, and which fields do not fit: none. It is not tried for long where it fails more than not."""
        if self._refused > TRIES or lines["line"].null_count or any(path.split(".")[0] in RECORD for path in self.personal):
            return None
        found = objects(block, ARROW)
        self._refused = max(0, self._refused + (1 if found is None else -1))
        if found is None:
            return None
        nobody = pa.nulls(len(block), pa.list_(pa.string()))
        columns = {"trusted": pa.repeat(pa.scalar(True), len(block)), "r": found, "personal": nobody}
        records = pa.table({name: lines[name].combine_chunks() for name in lines.column_names} | columns)
        return records, pl.Series("drift", [[]], pl.List(pl.String)).new_from_index(0, len(block))

    def _by_duckdb(self, lines: pa.Table) -> tuple[pa.Table, pl.Series]:
        """The block's records, trusted where their structure is covered, and which of their fields do not fit."""
        self._session.put("lines", lines)
        records = self._session.table(load("ingest/native_lines"), self._parameters())
        structures = pl.Series("structure", records["structure"])
        known = pl.DataFrame(
            [(each, self._covers(each), self._others(each)) for each in structures.unique().drop_nulls()],
            schema={"structure": pl.String, "covered": pl.Boolean, "drift": pl.List(pl.String)},
            orient="row",
        )
        told = structures.to_frame().join(known, on="structure", how="left", maintain_order="left")
        trusted = pl.Series("trusted", records["trusted"]) & told["covered"].fill_null(value=False)
        place = records.schema.get_field_index("trusted")
        return records.set_column(place, "trusted", trusted.to_arrow()), told["drift"]

    def _covers(self, structure: str) -> bool:
        if structure not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = json.loads(structure)
            whole = fits(found, RECORD) and not _corrects(found) and all(_leads_to_text(found, path) for path in self.personal)
            self._known[structure] = whole and (self.contract.mode(DRIFTING) is Drift.DISCARD or not self._others(structure))
        return self._known[structure]

    def _others(self, structure: str) -> list[str]:
        """The fields that the contract does not know, of a record, its messages and its feedback."""
        found = json.loads(structure)
        if not isinstance(found, dict):
            return []
        messages, feedback = found.get("messages"), found.get("feedback")
        said = messages[0] if isinstance(messages, list) and messages else None
        nested = [("", found, FIELDS), ("messages.", said, MESSAGE_FIELDS), ("feedback.", feedback, FEEDBACK_FIELDS)]
        names = {prefix + name for prefix, each, known in nested if isinstance(each, dict) for name in set(each) - known}
        return sorted(names - set(self.personal))

    def _parameters(self) -> dict[str, Parameter]:
        paths: list[Scalar] = ["$" + "".join(f'."{name}"' for name in path.split(".")) for path in self.personal]
        return {"record_structure": json.dumps(transform(RECORD)), "personal": paths or ['$."personal"."none"']}


def _corrects(structure: Any) -> bool:
    """Whether a record's feedback holds a better reply, which is for the careful reader."""
    feedback = structure.get("feedback")
    return isinstance(feedback, dict) and not set(CORRECTIONS).isdisjoint(feedback)


def _leads_to_text(structure: Any, path: str) -> bool:
    """Whether a path leads to a text or to nothing; lists, and keys with a dot in them, are for the careful reader."""
    if isinstance(structure, dict) and "." in path and path in structure:
        return False
    for name in path.split("."):
        if not isinstance(structure, dict):
            return not isinstance(structure, list)
        structure = structure.get(name, "NULL")
    return isinstance(structure, str) and structure in TEXT


def lines_table(block: Block) -> pa.Table:
    """The lines of a block for DuckDB: place (Int64, in the block) and line (text with its ending, or null)."""
    places = pa.array(np.arange(len(block), dtype=np.int64))
    lines = pa.table({"place": places, "line": block.texts()})
    return pa.Table.from_batches(lines.to_batches(max_chunksize=LINES_A_BATCH), lines.schema)
