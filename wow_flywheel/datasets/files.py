"""Writes a cycle's datasets as the JSON Lines files that the trainers read.

What belongs here: file layout. What does not: which rows (`build`). Files are written whole or not at all, and equal rows give
equal bytes.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.datasets.build import Datasets
from wow_flywheel.storage import write_atomic


def write(datasets: Datasets, folder: Path) -> dict[str, str]:
    """Write `sft.train.jsonl`, `sft.held_out.jsonl`, `preferences.train.jsonl` and `preferences.held_out.jsonl`.

    Args:
        datasets: The cycle's datasets.
        folder: Where to; made if need be.

    Returns:
        SHA-256 by file name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hashes: dict[str, str] = {}
    for name, frame, record in (("sft", datasets.sft, sft_record), ("preferences", datasets.preferences, preference_record)):
        for split in ("train", "held_out"):
            rows = frame.filter(pl.col("split") == split).iter_rows(named=True)
            hashes[f"{name}.{split}.jsonl"] = _write_lines(folder / f"{name}.{split}.jsonl", map(record, rows))
    return hashes


def sft_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of an SFT file: TRL's conversational language-modelling format, with where the dialogue comes from."""
    return {name: row[name] for name in ("messages", "conversation_id", "user_id", "scenario")}


def preference_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of a preference file: TRL's conversational preference format with an explicit prompt, and whose it is."""
    return {
        "prompt": row["prompt"],
        "chosen": [{"role": "assistant", "content": row["chosen"]}],
        "rejected": [{"role": "assistant", "content": row["rejected"]}],
        **{name: row[name] for name in ("issue_type", "conversation_id", "pair_id", "user_id")},
    }


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> str:
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    write_atomic(path, data)
    return sha256(data).hexdigest()
