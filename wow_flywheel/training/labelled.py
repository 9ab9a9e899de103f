"""Labelled replies for KTO, from Good and Bad Cases: no rewrite is needed, so no endpoint and no Good Case of the same kind.

What belongs here: which replies, and their label. What does not: pairs (`pairs`), the trainer (`kto`).
"""

from typing import Any

import polars as pl

from wow_flywheel.dialogue import assistant_actions, to_chat
from wow_flywheel.pairs.sites import CONVERSATION, find_sites


def labelled_replies(cases: pl.DataFrame, conversations: pl.DataFrame, inspections: pl.DataFrame) -> list[dict[str, Any]]:
    """The lines of a KTO file.

    Of a Good Case its last reply is good: what ended a conversation well. Of a Bad Case what was said where it went wrong is
    bad; its other replies say nothing either way.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.

    Returns:
        Rows of prompt, completion (each a list of messages), label, conversation_id, issue_type, in order of conversation.
    """
    good = cases.filter(pl.col("label") == "good").select(CONVERSATION)
    rows = [_good(row) for row in conversations.join(good, on=CONVERSATION, how="semi").iter_rows(named=True)]
    bad = [
        _row(to_chat(site.prompt), site.said.to_json(), site.conversation_id, site.issue_type, good=False)
        for site in find_sites(cases, conversations, inspections)
    ]
    return sorted([row for row in rows if row] + bad, key=lambda row: (row["conversation_id"], len(row["prompt"])))


def _good(row: dict[str, Any]) -> dict[str, Any] | None:
    messages = row["messages"]
    turns = [at for at, message in enumerate(messages) if message["role"] == "assistant" and assistant_actions(message)]
    if not turns or not any(message["role"] == "user" for message in messages[: turns[-1]]):
        return None
    output = assistant_actions(messages[turns[-1]])[0]
    return _row(to_chat(messages[: turns[-1]]), output.to_json(), row["conversation_id"], "", good=True)


def _row(prompt: list[Any], completion: str, conversation: str, issue_type: str, *, good: bool) -> dict[str, Any]:
    answer = [{"role": "assistant", "content": completion}]
    return {"prompt": prompt, "completion": answer, "label": good, "conversation_id": conversation, "issue_type": issue_type}
