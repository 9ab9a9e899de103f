"""The ledger as a table: one row a call, for anyone who wants to add up tokens and money.

What belongs here: rows from entries. What does not: keeping them (`ledger`).
`python -m wow_flywheel.llm.ledger_table calls.parquet` writes the ledger of `WOW_LAKE_URI` as one Parquet file.
"""

import os
import sys
from dataclasses import asdict
from typing import Final

import polars as pl

from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.settings import Settings

COLUMNS: Final = {
    "prompt_hash": pl.String,
    "model": pl.String,
    "content": pl.String,
    "finish_reason": pl.String,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "latency_s": pl.Float64,
    "at": pl.String,
    "about": pl.String,
}


def ledger_frame(ledger: Ledger) -> pl.DataFrame:
    """Every call that was ever answered and is kept.

    Returns:
        prompt_hash (what a row of `panel_calls` or `inspections` names), model, content (the answer), finish_reason,
        prompt_tokens, completion_tokens, cost_usd (US dollars), latency_s (seconds), at (RFC 3339), about (a conversation or
        pair). What is remembered of an endpoint, about nobody, has the finish_reason `dialect`.

    Raises:
        SourceError: The lake may not be read, or its credentials or endpoint are set wrong.
        StorageUnavailable: The storage does not answer.
    """
    return pl.DataFrame([{"prompt_hash": key, **asdict(entry)} for key, entry in ledger.entries()], schema=COLUMNS)


def main(path: str) -> None:
    """Write the ledger that the environment names to a Parquet file."""
    ledger_frame(Ledger.at(Settings.from_env(os.environ).lake_uri)).write_parquet(path)


if __name__ == "__main__":
    main(sys.argv[1])
