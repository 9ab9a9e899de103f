"""Files outside the tables that hold a person: datasets and outcomes of cycles, and journals of the serving process.

What belongs here: finding their lines and rows, and writing the files without them. What does not: tables (`erase`), model
weights, which cannot be freed of a person (`models` lists them).

`manifest.json` of a cycle stays as it is: it has hashes and counts, and says what the model was trained on at the time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.forget.person import Person
from wow_flywheel.serving.journal import FOLDER as JOURNALS
from wow_flywheel.storage import is_s3, write_atomic


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file without the person's lines or rows.

    Attributes:
        path: Where it lies.
        removed: How many lines or rows go.
        content: What stays.
    """

    path: str
    removed: int
    content: bytes


def files_of(models: Path, person: Person) -> Iterator[Rewritten]:
    """The files of all cycles that hold the person, as they will be; one at a time, for a file may be large."""
    for path in sorted((models / "cycles").rglob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not _is_of(json.loads(line), person)]
        if len(kept) < len(lines):
            yield Rewritten(str(path), len(lines) - len(kept), b"".join(kept))
    for path in sorted((models / "cycles").rglob("*.parquet")):
        rows = pl.read_parquet(path)
        if "user_id" not in rows.columns:
            continue
        rest = rows.filter(~pl.col("user_id").is_in(person.user_ids).fill_null(value=False))
        if rest.height < rows.height:
            yield Rewritten(str(path), rows.height - rest.height, _parquet(rest))
    marks = [f'data-user="{escape(each)}"'.encode() for each in person.user_ids]
    for path in sorted((models / "cycles").glob("*/evaluation/*.html")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(mark in line for mark in marks)]
        if len(kept) < len(lines):
            yield Rewritten(str(path), len(lines) - len(kept), b"".join(kept))


def rewrite(file: Rewritten) -> None:
    """Replace a file whole by what stays of it."""
    write_atomic(Path(file.path), file.content)


def journals_of(logs_uri: str, person: Person) -> list[str]:
    """Journals of the serving process that hold an open conversation of theirs; they go when it is closed and logged."""
    if is_s3(logs_uri):
        return []
    quoted = [json.dumps(each, ensure_ascii=False).encode() for each in person.user_ids]
    journals = sorted((Path(logs_uri) / JOURNALS).glob("*.journal"))
    return [str(path) for path in journals if any(each in path.read_bytes() for each in quoted)]


def _is_of(line: Any, person: Person) -> bool:
    return isinstance(line, dict) and (line.get("user_id") in person.user_ids or line.get("pair_id") in person.pair_ids)


def _parquet(rows: pl.DataFrame) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()
