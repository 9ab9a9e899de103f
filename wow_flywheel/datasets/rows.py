"""Rows of the datasets from tables: Good Cases and dialogues between people as chat, pairs as prompts with two answers.

What belongs here: the shape of a row. What does not: which rows stay (`limits`, `contamination`), their side (`components`).
"""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import PREFERENCE_DATASET, SFT_DATASET
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.dialogue import ChatMessage, to_chat

BATCH: Final = 2_000
"""Conversations that are Python objects at a time."""
SCRIPTS: Final = (("ja", r"[\p{Hiragana}\p{Katakana}]"), ("ko", r"\p{Hangul}"), ("zh", r"\p{Han}"))


def sft_rows(cases: pl.DataFrame, conversations: pl.DataFrame, cycle: str) -> pl.DataFrame:
    """Good Cases as chat messages with unified dialogue-action targets; contract `sft_dataset`, split by customer.

    A conversation ends with its last assistant turn: what the customer says after it teaches nothing.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        cycle: The cycle's name.
    """
    good = cases.filter(pl.col("label") == "good").select("dt", "conversation_id")
    return dialogue_rows(conversations.join(good, on=["dt", "conversation_id"], how="semi"), cycle, "good_case")


def dialogue_rows(conversations: pl.DataFrame, cycle: str, source: str) -> pl.DataFrame:
    """Conversations as training dialogues; contract `sft_dataset`, split by customer.

    A conversation of several days is taken as of the first; one in which the agent says nothing is left out.

    Args:
        conversations: Contract `conversations`.
        cycle: The cycle's name.
        source: As the contract names it.
    """
    rows = conversations.sort("dt", "conversation_id")
    kind = SFT_DATASET.columns["messages"]
    chats = [_chats(batch, "messages", kind, until_last_reply=True) for batch in rows.iter_slices(BATCH) if batch.height]
    return SFT_DATASET.conform(
        rows.select("dt", "conversation_id", "user_id", "scenario", "locale")
        .with_columns(messages=pl.concat(chats) if chats else pl.Series([], dtype=kind))
        .with_columns(cycle=pl.lit(cycle), source=pl.lit(source), split=split_expr(pl.col("user_id")))
        .with_columns(language=language("locale", said("messages")))
        .drop("locale")
        .filter(pl.col("messages").list.len() > 0)
        .unique("conversation_id", keep="first", maintain_order=True)
    )


def preference_rows(pairs: pl.DataFrame, cycle: str, locales: pl.DataFrame | None = None) -> pl.DataFrame:
    """Preference pairs with their prompts as chat messages; contract `preference_dataset`, split by customer.

    Args:
        pairs: Contract `preference_pairs`.
        cycle: The cycle's name.
        locales: dt, conversation_id, locale of their conversations, where known.
    """
    known = (
        pl.DataFrame(schema={"dt": pl.Date, "conversation_id": pl.String, "locale": pl.String}) if locales is None else locales
    )
    rows = pairs.sort("dt", "pair_id").unique("pair_id", keep="first", maintain_order=True)
    rows = rows.join(known.unique(["dt", "conversation_id"]), on=["dt", "conversation_id"], how="left", maintain_order="left")
    kind = PREFERENCE_DATASET.columns["prompt"]
    prompts = [_chats(batch, "prompt", kind) for batch in rows.iter_slices(BATCH) if batch.height]
    kept = [name for name in PREFERENCE_DATASET.columns if name in rows.columns and name != "prompt"]
    return PREFERENCE_DATASET.conform(
        rows.select(*kept, "locale")
        .with_columns(prompt=pl.concat(prompts) if prompts else pl.Series([], dtype=kind))
        .with_columns(cycle=pl.lit(cycle), split=split_expr(pl.col("user_id")), language=language("locale", said("prompt")))
        .drop("locale")
    )


def said(messages: str) -> pl.Expr:
    """What all messages of a column say, one line each."""
    return pl.col(messages).list.eval(pl.element().struct.field("content")).list.join("\n")


def size(messages: str) -> pl.Expr:
    """UTF-8 bytes of what all messages of a column say: the measure of shares."""
    return pl.col(messages).list.eval(pl.element().struct.field("content").str.len_bytes()).list.sum().cast(pl.Int64)


def language(locale: str, text: pl.Expr) -> pl.Expr:
    """The language of a row: as logged, without its region; else by its writing; `und` where neither says it."""
    logged = pl.col(locale).str.strip_chars().str.to_lowercase().str.extract(r"^([a-z]{2,3})(?:[-_]|$)")
    return pl.coalesce(logged, written_language(text))


def written_language(text: pl.Expr) -> pl.Expr:
    """The language that a text's writing gives away: ja, ko or zh, else `und`."""
    written = pl.lit("und")
    for name, pattern in reversed(SCRIPTS):
        written = pl.when(text.str.contains(pattern)).then(pl.lit(name)).otherwise(written)
    return written


def _chats(batch: pl.DataFrame, column: str, kind: Any, *, until_last_reply: bool = False) -> pl.Series:
    chats = (to_chat(messages) for messages in batch[column].to_list())
    return pl.Series([_until_last_reply(chat) if until_last_reply else chat for chat in chats], dtype=kind)


def _until_last_reply(chat: Sequence[ChatMessage]) -> list[ChatMessage]:
    last = max((i for i, message in enumerate(chat) if message["role"] == "assistant"), default=-1)
    return list(chat[: last + 1])
