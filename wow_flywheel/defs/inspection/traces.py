"""Traces of the panel's questions as the Dagster UI shows them.

What belongs here: which ones are shown, and how. What does not: keeping them (`wow_flywheel.inspection.trace`).
Texts stand in indented blocks, in which Markdown and HTML mean nothing: what strangers wrote cannot act in the UI.
"""

from typing import Any, Final

import dagster as dg
import polars as pl

SHOWN: Final = 6
MAX_CHARACTERS: Final = 6000
"""Of one text; the UI keeps metadata in its database. The table has all of it."""


def shown_traces(calls: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The conversations most worth a look, question by question: failures first, then attempts and open claims, then others.

    Args:
        calls: Contract `panel_calls`, one day.
    """
    if calls.is_empty():
        return dg.MetadataValue.md("No endpoint is configured, or the panel was asked nothing.")
    doubt = (pl.col("outcome") != "answered").cast(pl.Int8) * 2 + (pl.col("step") == "second adjudicator").cast(pl.Int8)
    worth = (
        calls.group_by("conversation_id")
        .agg(doubt.max().alias("worth"))
        .sort("worth", "conversation_id", descending=[True, False])
    )
    keys = worth["conversation_id"].head(SHOWN).to_list()
    parts = [f"{len(keys)} of {worth.height} conversations; all are in the table `panel_calls`, one row a question."]
    for key in keys:
        parts.append(f"## {_inline(key)}")
        parts += [_question(row) for row in calls.filter(pl.col("conversation_id") == key).iter_rows(named=True)]
    return dg.MetadataValue.md("\n\n".join(parts))


def _question(row: dict[str, Any]) -> str:
    about = f"{row['llm_model']}, {row['prompt_tokens']} + {row['completion_tokens']} tokens, {row['cost_usd']:.6f} USD"
    head = f"### {row['step']}, window {row['window']} — {_inline(row['outcome'])} ({_inline(about)})"
    checks = "\n".join(row["checks"] or []) or "none"
    blocks = (("decision", row["decision"]), ("checks", checks), ("reply", row["reply"]), ("prompt", row["prompt"]))
    return "\n\n".join([head, *(f"{name}:\n\n{_block(text or 'none')}" for name, text in blocks)])


def _block(text: str) -> str:
    cut = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}\n[… {len(text) - MAX_CHARACTERS} more characters]"
    return "\n".join(f"    {line}" for line in cut.splitlines())


def _inline(text: str) -> str:
    """On one line, and without signs that mean something in Markdown or HTML."""
    return "".join(" " if sign in "\r\n" else f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in text)
