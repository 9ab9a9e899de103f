"""Writes a cycle's datasets as the JSON Lines files that the trainers read.

What belongs here: file layout. What does not: which rows (`build`). Files are written whole or not at all, and equal rows give
equal bytes.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.datasets.build import Datasets
from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.storage import sync_folder

GENERAL_HELD_OUT: Final = "general.held_out.jsonl"
VALIDATION: Final = "sft.validation.jsonl"
LABELLED: Final = "labelled.train.jsonl"
Record = Callable[[Mapping[str, Any]], dict[str, Any]]


def write(datasets: Datasets, folder: Path) -> dict[str, str]:
    """Write `sft.train.jsonl`, `sft.held_out.jsonl`, `preferences.train.jsonl`, `preferences.held_out.jsonl`.

    General data that is kept aside, if there is any, goes to `general.held_out.jsonl` as plain texts: it is no customer's
    dialogue, and general ability is measured on it where `WOW_GENERAL_SET` names nothing else.

    Dialogues for validation go to `sft.validation.jsonl`, labelled replies to `labelled.train.jsonl`. Of these three, one
    without rows is not there, nor left from before.

    Args:
        datasets: The cycle's datasets.
        folder: Where to; made if need be.

    Returns:
        SHA-256 by file name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        name: write_lines(folder / name, map(record, rows.iter_rows(named=True))) for name, _, rows, record in parts(datasets)
    }
    for name in {GENERAL_HELD_OUT, VALIDATION, LABELLED} - set(written):
        (folder / name).unlink(missing_ok=True)
    return written


def hashes(datasets: Datasets) -> dict[str, str]:
    """SHA-256 of what `write` would write, by file name."""
    return {name: digest_of(map(record, rows.iter_rows(named=True))) for name, _, rows, record in parts(datasets)}


def parts(datasets: Datasets) -> Iterator[tuple[str, str, pl.DataFrame, Record]]:
    """Each file: its name, its table, its rows, and how a row becomes a line."""
    general = (pl.col("source") == "general") & (pl.col("split") == "held_out")
    for name, table, frame, record in (
        ("sft", "sft_dataset", datasets.sft.filter(~general), sft_record),
        ("preferences", "preference_dataset", datasets.preferences, preference_record),
    ):
        for split in ("train", "held_out"):
            yield f"{name}.{split}.jsonl", table, frame.filter(pl.col("split") == split), record
    validation, aside = datasets.sft.filter(split="validation"), datasets.sft.filter(general)
    if validation.height:
        yield VALIDATION, "sft_dataset", validation, sft_record
    if aside.height:
        yield GENERAL_HELD_OUT, "sft_dataset", aside, text_record
    if datasets.labelled.height:
        yield LABELLED, "labelled_dataset", datasets.labelled, labelled_record


def sft_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of an SFT file: TRL's conversational language-modelling format, with where the dialogue comes from."""
    return {name: row[name] for name in ("messages", "conversation_id", "user_id", "scenario", "source")}


def text_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of general texts: what was asked and answered, without the form that outputs have here."""
    said = [_plain(message) for message in row["messages"]]
    return {"text": "\n\n".join(said), "row": row["conversation_id"]}


def preference_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of a preference file: TRL's conversational preference format with an explicit prompt, and whose it is."""
    return {
        "prompt": row["prompt"],
        "chosen": [{"role": "assistant", "content": row["chosen"]}],
        "rejected": [{"role": "assistant", "content": row["rejected"]}],
        **{name: row[name] for name in ("issue_type", "conversation_id", "pair_id", "user_id")},
    }


def labelled_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of labelled replies: TRL's conversational format for KTO, and whose it is; a good reply has no issue type."""
    return {
        "prompt": row["prompt"],
        "completion": [{"role": "assistant", "content": row["completion"]}],
        "label": row["label"] == "good",
        "issue_type": row["issue_type"] or "",
        **{name: row[name] for name in ("conversation_id", "reply_id", "user_id")},
    }


def _plain(message: ChatMessage) -> str:
    output = DialogueAction.from_json(message["content"]) if message["role"] == "assistant" else None
    return output.reply or "" if output is not None else message["content"]


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> str:
    """Replace a file by one JSON object a line, whole or not at all, holding one line in memory; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, digest = path.with_name(f".{path.name}.tmp"), sha256()
    with temporary.open("wb") as stream:
        for record in records:
            line = _line(record)
            digest.update(line)
            stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
    return digest.hexdigest()


def digest_of(records: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of the file that `write_lines` would write."""
    digest = sha256()
    for record in records:
        digest.update(_line(record))
    return digest.hexdigest()


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
