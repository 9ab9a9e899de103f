"""Builds a cycle's datasets from the lake: Good Cases as SFT dialogues, preference pairs for DPO, both split by customer.

What belongs here: which rows go in, and in what shape. What does not: the split itself (`split`), duplicates and caps
(`limits`), files (`files`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.contracts import PREFERENCE_DATASET, SFT_DATASET
from wow_flywheel.datasets.limits import Limits, limited, repeated
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.dialogue import ChatMessage, to_chat
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake

SOURCES = ("conversations", "cases", "preference_pairs")
MARKS = ("duplicates", "fingerprints")
"""Tables that say which of these rows repeat others."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """A cycle's datasets.

    Attributes:
        sft: Contract `sft_dataset`.
        preferences: Contract `preference_dataset`.
        days: The source partitions.
        versions: Version of each source table that was read.
        counts: Rows by dataset and split.
        left_out: By table, how many rows would have been in it but for a reason: duplicate, user_cap, template_cap.
    """

    sft: pl.DataFrame
    preferences: pl.DataFrame
    days: tuple[dt.date, ...]
    versions: Mapping[str, int]
    counts: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]


def build_datasets(lake: Lake, cycle: str, days: Sequence[dt.date], limits: Limits | None = None) -> Datasets:
    """Read the Good Cases and preference pairs of some days, at one version of each table.

    Args:
        lake: The tables.
        cycle: The cycle's name.
        days: The source partitions.
        limits: The caps; by default those of `Limits`.

    Raises:
        DatasetError: The days hold no Good Case for training.
    """
    versions = {name: version for name in (*SOURCES, *MARKS) if (version := lake.version(name)) is not None}
    rows = {name: _rows(lake, name, versions.get(name), days) for name in SOURCES}
    templates = _rows(lake, "fingerprints", versions.get("fingerprints"), days).select("dt", "conversation_id", "template_hash")
    marks = (repeated(lake, versions), templates, limits or Limits())
    sft, sft_left_out = limited(sft_rows(rows["cases"], rows["conversations"], cycle), "conversation_id", *marks)
    preferences, pairs_left_out = limited(preference_rows(rows["preference_pairs"], cycle), "pair_id", *marks)
    counts = {f"{name}_{split}": frame.filter(pl.col("split") == split).height for name, frame in
              (("sft", sft), ("preferences", preferences)) for split in ("train", "held_out")}  # fmt: skip
    if counts["sft_train"] == 0:
        raise DatasetError(
            f"cycle {cycle}: the days {[str(day) for day in days]} hold no Good Case for training",
            hint="run `nightly` for days with more conversations, or look at the labels in the table `cases`",
        )
    left_out = {"sft_dataset": sft_left_out, "preference_dataset": pairs_left_out}
    return Datasets(sft, preferences, tuple(days), versions, counts, left_out)


def sft_rows(cases: pl.DataFrame, conversations: pl.DataFrame, cycle: str) -> pl.DataFrame:
    """Good Cases as chat messages with unified dialogue-action targets; contract `sft_dataset`.

    A conversation ends with its last assistant turn: what the customer says after it teaches nothing.
    """
    good = cases.filter(pl.col("label") == "good").select("dt", "conversation_id")
    rows = conversations.join(good, on=["dt", "conversation_id"], how="semi").sort("dt", "conversation_id")
    chats = [_until_last_reply(to_chat(messages)) for messages in rows["messages"].to_list()]
    return SFT_DATASET.conform(
        rows.select("dt", "conversation_id", "user_id", "scenario")
        .with_columns(
            cycle=pl.lit(cycle),
            split=split_expr(pl.col("user_id")),
            messages=pl.Series(chats, dtype=SFT_DATASET.columns["messages"]),
        )
        .filter(pl.col("messages").list.len() > 0)
        .unique("conversation_id", keep="first", maintain_order=True)
    )


def preference_rows(pairs: pl.DataFrame, cycle: str) -> pl.DataFrame:
    """Preference pairs with their prompts as chat messages; contract `preference_dataset`."""
    rows = pairs.sort("dt", "pair_id").unique("pair_id", keep="first", maintain_order=True)
    prompts = [to_chat(messages) for messages in rows["prompt"].to_list()]
    return PREFERENCE_DATASET.conform(
        rows.select("dt", "conversation_id", "pair_id", "user_id", "scenario", "issue_type", "chosen", "rejected").with_columns(
            cycle=pl.lit(cycle),
            split=split_expr(pl.col("user_id")),
            prompt=pl.Series(prompts, dtype=PREFERENCE_DATASET.columns["prompt"]),
        )
    )


def _rows(lake: Lake, name: str, version: int | None, days: Sequence[dt.date]) -> pl.DataFrame:
    return lake.scan(name, version=version).filter(pl.col("dt").is_in(list(days))).collect()


def _until_last_reply(chat: Sequence[ChatMessage]) -> list[ChatMessage]:
    last = max((i for i, message in enumerate(chat) if message["role"] == "assistant"), default=-1)
    return list(chat[: last + 1])
