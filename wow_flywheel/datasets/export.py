"""A cycle's datasets as JSONL files that other trainers read.

What belongs here: the layouts `trl` and `openai`. What does not: which rows a dataset holds (`build`).

`trl`: the rows that this project's own trainers read (`files`), whose assistant turns are unified dialogue-action JSON.
`openai`: rows of OpenAI's fine-tuning, whose assistant turns are plain replies and tool calls; tool results name their call.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from wow_flywheel.datasets.files import preference_record, sft_record
from wow_flywheel.dialogue import ChatMessage, DialogueAction, openai_message
from wow_flywheel.errors import DatasetError
from wow_flywheel.storage import write_atomic

Format = Literal["trl", "openai"]
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
            lines = [json.dumps(shape(row), ensure_ascii=False) for row in rows.iter_rows(named=True)]
            write_atomic(folder / f"{name}.{split}.jsonl", "".join(f"{line}\n" for line in lines).encode())
            written[f"{name}.{split}.jsonl"] = len(lines)
    return dict(sorted(written.items()))


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
