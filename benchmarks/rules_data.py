"""Conversations for the benchmarks of the rules: the STAR logs, repeated.

What belongs here: reading and repeating them. What does not: measuring (`rules`, `rules_online`). Each repetition has
conversation ids of its own and is otherwise the same; the steps of the procedure are kept, so that the rule that follows
them has work.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.knowledge.load import PROCEDURE_SCHEMA, load_procedures


def records(logs: Path) -> list[dict[str, Any]]:
    """The records of all files of `dt=…/*.jsonl.gz`.

    Raises:
        SystemExit: The logs are not there.
    """
    files = sorted(logs.glob("dt=*/*.jsonl.gz"))
    if not files:
        raise SystemExit(f"{logs}: no logs there; name a folder of dt=…/*.jsonl.gz with --logs")
    return [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]


def build(logs: Path, turns: int, file: Path) -> int:
    """Write conversations of the contract's form as Parquet, at least so many turns; returns how many."""
    once = conversations(logs)
    in_one = once["messages"].list.len().sum()
    repeated = -(-turns // in_one)
    numbered = (
        once.with_columns(conversation_id=pl.format("{}-{}", "conversation_id", pl.lit(number))) for number in range(repeated)
    )
    pl.concat(numbered).write_parquet(file)
    return int(in_one * repeated)


def conversations(logs: Path) -> pl.DataFrame:
    """The records as one day of the contract `conversations`."""
    rows = [row(json.dumps(record).encode()) for record in records(logs)]
    return pl.DataFrame(rows, schema=pl.Schema(CONVERSATIONS.columns))


def row(line: bytes) -> dict[str, Any]:
    """One row of `conversations`."""
    return {**dict.fromkeys(CONVERSATIONS.columns), **dict(columns(parse_record(line))), "dt": date(2026, 1, 1)}


def columns(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What of a parsed record the table has."""
    started = datetime(2026, 1, 1, tzinfo=UTC)
    yield from ((name, value) for name, value in record.items() if name in CONVERSATIONS.columns and name != "dt")
    yield from (("started_at", started), ("ended_at", started))


def procedures(logs: Path) -> pl.DataFrame:
    """The procedures beside the logs; none where there are none."""
    file = logs.parent / "policies.jsonl.gz"
    return load_procedures(str(file)) if file.is_file() else pl.DataFrame(schema=PROCEDURE_SCHEMA)
