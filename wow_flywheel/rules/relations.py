"""The relations that rules may name: the day's turns or a few live conversations, and what `sql/relations/` makes of them.

What belongs here: numbering conversations, and which relations depend on the knowledge base alone. What does not: what a
relation holds, which only its file says. Inside a session a conversation goes by a number, since numbers join and sort
several times faster than text.
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.vocabulary import TOOL_CALL
from wow_flywheel.dialogue import normalised
from wow_flywheel.queries import Query, Session

COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "conversation_id": pl.Int32,
    "scenario": pl.String,
    "turn": pl.Int32,
    "role": pl.String,
    "content": pl.String,
    "action": pl.String,
    "tool_calls": pl.List(TOOL_CALL),
    "tool_call_id": pl.String,
    "norm": pl.String,
}
TURNS: Final = pl.Schema(COLUMNS)
"""The relation `turns`; `conversation_id` is the conversation's number within the session."""

KNOWN_FACTS: Final = "known_facts"


def numbered_turns(conversations: pl.DataFrame) -> pl.DataFrame:
    """One row a message of `conversations`, in the shape of `TURNS`; a conversation's number is its row's."""
    return (
        conversations.with_row_index("number")
        .select(pl.col("number").cast(pl.Int32).alias("conversation_id"), "scenario", "messages")
        .with_columns(turn=pl.int_ranges(0, pl.col("messages").list.len(), dtype=pl.Int32))
        .explode("messages", "turn")
        .drop_nulls("turn")
        .unnest("messages")
        .with_columns(norm=normalised(pl.col("content")))
        .select(TURNS.names())
        .cast(TURNS)
    )


def on_knowledge(query: Query) -> bool:
    """True if a relation is made of the knowledge base alone, so that one making serves all conversations."""
    return query.header.get("scope") == "knowledge"


def knowledge_facts(facts: Query, knowledge: pl.DataFrame) -> pl.DataFrame:
    """The relation `facts` of the knowledge base, each unit taken as something said: columns as there."""
    said = knowledge.select(
        pl.lit(0, pl.Int32).alias("conversation_id"),
        pl.int_range(pl.len(), dtype=pl.Int32).alias("turn"),
        pl.lit("system").alias("role"),
        pl.concat_str("title", "content", separator=" ", ignore_nulls=True).alias("content"),
    )
    calls = pl.DataFrame(schema={"conversation_id": pl.Int32, "turn": pl.Int32, "arguments": pl.String})
    with Session({"turns": said, "calls": calls}) as session:
        return session.run(facts).unique(["id", "number"], maintain_order=True)
