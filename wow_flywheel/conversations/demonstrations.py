"""Better replies that people wrote apart from a conversation: each makes a conversation that ends with it.

What belongs here: that conversation, as `readers.corrections` makes it where call and reply are read together. What does not:
which conversation a reply is about (`feedback`).
"""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.fields import Row
from wow_flywheel.conversations.readers.calls import DEMONSTRATED


def demonstrations(conversations: pl.DataFrame, lines: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The conversations that better replies make: all before the reply that they stand for, then they, and a thumb up.

    A word that names a call or a trace stands for the last message of it; one that names the conversation, for its last reply.
    Of several for one reply the last counts.

    Args:
        conversations: Those that are spoken of, as they are stored.
        lines: Rows of the table `feedback`, in the order of arrival.
        found: What `feedback.named_in` gives for them.

    Returns:
        Contract `conversations`; the id is that of the call or conversation with `-demonstration` behind it.
    """
    rows = {row["conversation_id"]: row for row in conversations.to_dicts()}
    written = found.join(lines.with_row_index("line").select("line", "correction"), on="line").drop_nulls("correction")
    made: dict[tuple[str, int], Row] = {}
    for each in written.sort("line", maintain_order=True).to_dicts():
        row = rows.get(each["conversation_id"])
        if row is not None:
            turn = _last_reply(row["messages"]) if each["turn"] is None else each["turn"]
            made[row["conversation_id"], turn] = _demonstrated(row, turn, each["id"], json.loads(each["correction"]))
    frame = pl.DataFrame(list(made.values()), schema=pl.Schema(CONVERSATIONS.columns))
    return CONVERSATIONS.conform(frame.unique("conversation_id", keep="last", maintain_order=True))


def _last_reply(messages: Sequence[Row]) -> int:
    """The index of the last reply, or where it would stand."""
    return next((n for n in reversed(range(len(messages))) if messages[n]["role"] == "assistant"), len(messages))


def _demonstrated(row: Row, turn: int, name: str, reply: list[Any]) -> Row:
    at = row["messages"][turn]["created_at"] if turn < len(row["messages"]) else row["ended_at"]
    return row | {
        "conversation_id": f"{name}{DEMONSTRATED}",
        "model": None,
        "messages": [*row["messages"][:turn], *(each | {"created_at": at} for each in reply)],
        "feedback": {"thumb": "up", "score": None, "comment": None},
        "logged_ids": None,
    }
