"""JSON lines that have the expected fields and no other, parsed by Arrow: in half of DuckDB's time, and stricter than it.

What belongs here: when a block may be parsed so, and Arrow's schema for expected JSON types. What does not: which types are
expected (`plain`), blocks with any other line, of which DuckDB makes records (`sql/ingest/native_lines.sql`).

Arrow refuses what is no JSON, a field of another type or that is not expected, and a key that repeats; one such line, and the
whole block is left to DuckDB. It looks for objects, not for lines, hence two conditions that together say that each line is
one object: every line begins with "{" and ends with "}", so that no object can go on in the next line (neither in a string,
where a line's end is refused, nor between two values, where a comma or a colon would stand), and there are as many objects as
lines.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.structures import NUMBER, OTHERS, TEXT, TOKENS

PIECE = 2**21
"""Bytes that are parsed together, and then worked on together."""
_ARROW = {TEXT: pa.string(), NUMBER: pa.float64(), TOKENS: pa.int64()}


def arrow_type(expected: Any) -> pa.DataType:
    """The type for the expected JSON types of `structures`, where all of them are read; integers may be below zero."""
    if isinstance(expected, dict):
        return pa.struct([(name, arrow_type(each)) for name, each in expected.items() if name != OTHERS])
    return pa.list_(arrow_type(expected[0])) if isinstance(expected, list) else _ARROW[expected]


def objects(block: Block, kind: pa.DataType) -> pa.ChunkedArray | None:
    """One object a line, in pieces that are no slices of each other, or None if any line is anything else.

    Args:
        block: Its lines are known to be UTF-8.
        kind: A struct: the fields that an object may have.
    """
    if block.broken or not _are_objects(block):
        return None
    reading = pj.ReadOptions(block_size=max(PIECE, int(np.diff(block.bounds).max()) + 1))
    parsing = pj.ParseOptions(explicit_schema=pa.schema(kind), unexpected_field_behavior="error")
    data = pa.py_buffer(block.data)[int(block.bounds[0]) :]
    try:
        table = pj.read_json(pa.BufferReader(data), reading, parsing)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(block):
        return None
    batches = table.select([each.name for each in kind]).to_batches()
    return pa.chunked_array([pa.StructArray.from_arrays(batch.columns, fields=list(kind)) for batch in batches], kind)


def _are_objects(block: Block) -> bool:
    """Whether every line begins with "{" and ends with "}", before its line ending."""
    data = np.frombuffer(block.data, dtype=np.uint8)
    ends = block.bounds[1:].copy()
    for ending in (b"\n", b"\r"):
        ends -= data[ends - 1] == ending[0]
    return bool(
        (ends > block.bounds[:-1]).all() and (data[block.bounds[:-1]] == ord("{")).all() and (data[ends - 1] == ord("}")).all()
    )
