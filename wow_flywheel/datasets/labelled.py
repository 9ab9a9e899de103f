"""Labelled replies for KTO, from Good and Bad Cases: no rewrite is needed, so no endpoint and no Good Case of the same kind.

What belongs here: which replies, and their label. What does not: which of them a cycle may train on (`without_pairs`), pairs
(`pairs`), the trainer (`training.kto`).

Of a Good Case its last reply is good: what ended a conversation well. Of a Bad Case what was said where it went wrong is bad;
its other replies say nothing either way.
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts import LABELLED_DATASET
from wow_flywheel.datasets.rows import language, said
from wow_flywheel.dialogue import to_chat
from wow_flywheel.pairs.sites import Site, find_sites

COLUMNS: Final = tuple(name for name in LABELLED_DATASET.columns if name not in {"cycle", "split"})
KINDS: Final = {name: LABELLED_DATASET.columns[name] for name in COLUMNS}


def good_replies(dialogues: pl.DataFrame) -> pl.DataFrame:
    """The last reply of each Good Case among training dialogues, in their order.

    One before which no customer spoke answers nobody, and is left out.

    Args:
        dialogues: Contract `sft_dataset`; a dialogue ends with the assistant.

    Returns:
        `COLUMNS`.
    """
    before = pl.col("messages").list.slice(0, pl.col("messages").list.len() - 1)
    rows = dialogues.filter(pl.col("source") == "good_case").with_columns(
        prompt=before,
        completion=pl.col("messages").list.last().struct.field("content"),
        reply_id=pl.format("{}#last", "conversation_id"),
        label=pl.lit("good"),
        issue_type=pl.lit(None, pl.String),
    )
    asked = pl.col("prompt").list.eval(pl.element().struct.field("role") == "user").list.any()
    return rows.filter(asked).select(COLUMNS)


def bad_replies(cases: pl.DataFrame, conversations: pl.DataFrame, inspections: pl.DataFrame) -> pl.DataFrame:
    """What was said where Bad Cases went wrong, in the order of day, conversation and turn; each name once.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.

    Returns:
        `COLUMNS`.
    """
    rows = [_row(site) for site in find_sites(cases, conversations, inspections)]
    frame = pl.DataFrame(rows, schema=KINDS)
    spoken = frame.with_columns(language=language("language", said("prompt")))
    return spoken.unique("reply_id", keep="first", maintain_order=True)


def _row(site: Site) -> dict[str, object]:
    place = {"dt": site.dt, "conversation_id": site.conversation_id, "user_id": site.user_id, "scenario": site.scenario}
    reply = {"reply_id": site.pair_id, "label": "bad", "issue_type": site.issue_type, "language": site.locale}
    return place | reply | {"prompt": to_chat(site.prompt), "completion": site.said.to_json()}
