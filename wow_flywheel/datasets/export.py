"""A cycle's datasets as JSONL files that other trainers read.

What belongs here: the layouts `trl`, `openai` and `hf`. What does not: which rows a dataset holds (`build`).

`trl`: the rows that this project's own trainers read (`files`), whose assistant turns are unified dialogue-action JSON.
`openai`: rows of OpenAI's fine-tuning, whose assistant turns are plain replies and tool calls; tool results name their call.
`hf`: a folder that `datasets.load_dataset` reads, with a config for each dataset, the split `test` for what is held out, and
the card as its README.
"""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from wow_flywheel.datasets.card import CARD, CONFIGS, SPLITS, card
from wow_flywheel.datasets.files import preference_record, sft_record, write_lines
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.dialogue import ChatMessage, DialogueAction, openai_message
from wow_flywheel.errors import DatasetError
from wow_flywheel.storage import write_atomic

Format = Literal["trl", "openai", "hf"]
Row = Mapping[str, Any]


def export(sft: pl.DataFrame, preferences: pl.DataFrame, layout: Format, folder: Path) -> dict[str, int]:
    """Write one file a dataset and split: `sft.train.jsonl`, `preferences.held_out.jsonl`, …

    Args:
        sft: Rows of the table `sft_dataset` of one cycle.
        preferences: Rows of the table `preference_dataset` of the same cycle.
        layout: See the module's docstring.
        folder: Where the files go; files of the same names are replaced.

    Returns:
        Rows by file name; a split without rows gets no file.

    Raises:
        DatasetError: There is no row at all, or an assistant turn is no dialogue-action object.
    """
    if sft.is_empty() and preferences.is_empty():
        raise DatasetError("there is nothing to export", hint="wow-flywheel datasets list shows the cycles that have rows")
    written: dict[str, int] = {}
    for name, frame in (("sft", sft), ("preferences", preferences)):
        shape = LAYOUTS[layout, name]
        for (split,), rows in frame.group_by("split", maintain_order=True):
            write_lines(folder / f"{name}.{split}.jsonl", map(shape, rows.iter_rows(named=True)))
            written[f"{name}.{split}.jsonl"] = rows.height
    return dict(sorted(written.items()))


def export_hf(sft: pl.DataFrame, preferences: pl.DataFrame, manifest: Manifest, folder: Path) -> dict[str, int]:
    """Write the layout `hf`: `data/<config>/<split>.parquet` and `README.md`.

    Args:
        sft: Rows of the table `sft_dataset` of one cycle.
        preferences: Rows of the table `preference_dataset` of the same cycle.
        manifest: Of the cycle.
        folder: Where the files go; files of the same names are replaced.

    Returns:
        Rows by file name; a split without rows gets no file.

    Raises:
        DatasetError: There is no row at all.
    """
    if sft.is_empty() and preferences.is_empty():
        raise DatasetError("there is nothing to export", hint="wow-flywheel datasets list shows the cycles that have rows")
    written: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for config, frame in zip(CONFIGS, (sft, preferences), strict=True):
        for split, name in SPLITS.items():
            rows = frame.filter(split=split).drop("split")
            if rows.height:
                buffer = BytesIO()
                _hub_rows(config, rows).write_parquet(buffer)
                write_atomic(folder / "data" / config / f"{name}.parquet", buffer.getvalue())
                written[f"data/{config}/{name}.parquet"] = rows.height
                found.setdefault(config, []).append(name)
    write_atomic(folder / CARD, card(manifest, sft, preferences, found).encode())
    return dict(sorted(written.items()))


def _hub_rows(config: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as TRL takes them from the hub: the two answers as lists of one assistant message."""
    if config == "sft":
        return rows
    answers = (
        pl.concat_list(pl.struct(role=pl.lit("assistant"), content=pl.col(name))).alias(name) for name in ("chosen", "rejected")
    )
    return rows.with_columns(*answers)


def openai_chat(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Training chat as OpenAI chat: assistant turns decoded into replies and tool calls, tool results tied to their call.

    Raises:
        DatasetError: An assistant turn is no dialogue-action object.
    """
    chat: list[dict[str, Any]] = []
    call_id = ""
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            call_id = f"call_{place}"
            chat.append(_assistant(message["content"], call_id))
        elif message["role"] == "tool":
            chat.append({"role": "tool", "tool_call_id": call_id, "content": message["content"]})
        else:
            chat.append({"role": message["role"], "content": message["content"]})
    return chat


def _assistant(content: str, call_id: str) -> dict[str, Any]:
    output = DialogueAction.from_json(content)
    if output is None:
        raise DatasetError("an assistant turn is no dialogue-action object", hint="rebuild the cycle's datasets")
    return openai_message(output, call_id)


def _openai_sft(row: Row) -> dict[str, Any]:
    return {"messages": openai_chat(row["messages"])}


def _openai_preference(row: Row) -> dict[str, Any]:
    preferred, other = ([_assistant(row[side], f"call_{len(row['prompt'])}")] for side in ("chosen", "rejected"))
    return {"input": {"messages": openai_chat(row["prompt"])}, "preferred_output": preferred, "non_preferred_output": other}


LAYOUTS: Final[dict[tuple[str, str], Callable[[Row], dict[str, Any]]]] = {
    ("trl", "sft"): sft_record,
    ("trl", "preferences"): preference_record,
    ("openai", "sft"): _openai_sft,
    ("openai", "preferences"): _openai_preference,
}
