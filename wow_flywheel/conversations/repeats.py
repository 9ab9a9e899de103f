"""Lines of one day with the same conversation id: which are the same conversation, and which contradict each other.

What belongs here: comparing versions of a conversation. What does not: reading them (`ingest`).

A log that was closed and then went on is written twice: the longer version holds all of the shorter one, so it stays and the
shorter one counts as a repeat, as an exact copy does. Two different conversations under one id are a defect of the log: the
first in the order of files and lines stays, the other goes to quarantine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.fields import Row

IDENTITY = ("user_id", "channel", "scenario", "locale", "model", "started_at")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A line whose conversation id was seen before on this day.

    Attributes:
        row: Its conversation, redacted, with all columns of `conversations`.
        broken: Its row for quarantine, should it contradict the earlier one.
    """

    row: Row
    broken: Row


def resolve(rows: pl.DataFrame, repeats: Sequence[Repeat]) -> tuple[pl.DataFrame, list[Row]]:
    """Decide what becomes of repeated lines.

    Args:
        rows: The first conversation of every id, contract `conversations`.
        repeats: The other lines, in the order of files and lines.

    Returns:
        One conversation an id, and the quarantine rows of the lines that contradict.
    """
    if not repeats:
        return rows, []
    later = pl.DataFrame([repeat.row for repeat in repeats], schema=pl.Schema(CONVERSATIONS.columns)).to_dicts()
    is_repeated = pl.col("conversation_id").is_in([row["conversation_id"] for row in later])
    kept = {row["conversation_id"]: row for row in rows.filter(is_repeated).to_dicts()}
    contradicting = []
    for row, repeat in zip(later, repeats, strict=True):
        earlier = kept[row["conversation_id"]]
        if extends(row, earlier) and not extends(earlier, row):
            kept[row["conversation_id"]] = row
        elif not extends(earlier, row):
            contradicting.append(repeat.broken)
    settled = pl.DataFrame(list(kept.values()), schema=pl.Schema(CONVERSATIONS.columns))
    return pl.concat([rows.filter(~is_repeated), settled]), contradicting


def extends(longer: Mapping[str, object], shorter: Mapping[str, object]) -> bool:
    """True if a version of a conversation holds all that another one holds: it went on, or got feedback, or is the same."""
    messages, beginning = longer["messages"], shorter["messages"]
    if not isinstance(messages, list) or not isinstance(beginning, list):
        return False
    return (
        all(longer[name] == shorter[name] for name in IDENTITY)
        and messages[: len(beginning)] == beginning
        and (len(messages) > len(beginning) or longer["ended_at"] == shorter["ended_at"])
        and (shorter["feedback"] is None or shorter["feedback"] == longer["feedback"])
    )
