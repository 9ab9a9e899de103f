"""The packings of log files that the fuzzer of the readers tries: lines, arrays, Parquet, compressed or not.

What belongs here: documents as bytes of a file. What does not: the documents (`fuzz_seeds`), spoiling (`fuzz_mutations`).
"""

import gzip
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard


def as_lines(texts: list[bytes]) -> bytes:
    """Documents as lines."""
    return b"".join(text + b"\n" for text in texts)


def as_array(texts: list[bytes]) -> bytes:
    """Documents as one JSON array; a single one stands for itself."""
    return texts[0] if len(texts) == 1 else b"[" + b",\n".join(texts) + b"]"


def as_parquet(texts: list[bytes]) -> bytes:
    """The documents that are objects as rows of a Parquet file; values that Arrow cannot hold side by side as JSON texts."""
    rows = [row for text in texts if isinstance(row := _parsed(text), dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    written = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), written)
    except (pa.ArrowException, UnicodeError, OverflowError, RecursionError):
        written = io.BytesIO()
        pq.write_table(
            pa.Table.from_pylist([{_plain(name): _json_text(row.get(name)) for name in names} for row in rows]), written
        )
    return written.getvalue()


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _plain(value)
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return None


def _plain(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


PACKINGS: Final[Mapping[str, tuple[Callable[[list[bytes]], bytes], Callable[[bytes], bytes]]]] = {
    ".jsonl": (as_lines, bytes),
    ".jsonl.gz": (as_lines, gzip.compress),
    ".jsonl.zst": (as_lines, zstandard.compress),
    ".json": (as_array, bytes),
    ".json.gz": (as_array, gzip.compress),
    ".json.zst": (as_array, zstandard.compress),
    ".parquet": (as_parquet, bytes),
}
"""How documents become a file with this ending: their text, and its compression."""
