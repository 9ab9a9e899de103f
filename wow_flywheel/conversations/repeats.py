"""Lines of one day with the same conversation id: which are the same conversation, and which contradict each other.

What belongs here: comparing versions of a conversation. What does not: reading them (`ingest`).

A log that was closed and then went on is written twice: the longer version holds all of the shorter one, so it stays and the
shorter one counts as a repeat, as an exact copy does. Two different conversations under one id are a defect of the log: the
first in the order of files and lines stays, the other goes to quarantine.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.fields import Row

CENSUS = (pl.col("seq"), pl.col("conversation_id").hash(), pl.col("line_hash"), pl.col("lines"))
"""Numbers only, so that a long day needs little memory: ids by their hashes of 64 bits. Two ids with one hash would merely be
looked at by `resolve`, which compares the ids themselves."""
IDENTITY = ("user_id", "channel", "scenario", "locale", "model", "started_at")


@dataclass(frozen=True, slots=True)
class Census:
    """Every line that gave a conversation, in the order of files and lines.

    Attributes:
        lines: seq (its place in that order), conversation_id (a hash of it), line_hash (equal for exact copies), lines (of
            how many it was made).
    """

    lines: pl.DataFrame

    def copies(self) -> pl.Series:
        """`seq` of the lines that are exact copies of an earlier one."""
        return self.lines.filter(pl.struct("conversation_id", "line_hash").is_first_distinct().not_())["seq"]

    def versions(self) -> pl.Series:
        """`seq` of the lines, copies aside, whose conversation id another one has too."""
        distinct = self.lines.filter(pl.struct("conversation_id", "line_hash").is_first_distinct())
        return distinct.filter(pl.col("conversation_id").is_duplicated())["seq"]


def resolve(versions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decide what becomes of lines that share a conversation id.

    Args:
        versions: The columns of `conversations`, and any others, in the order of files and lines.

    Returns:
        One row an id, and the rows that contradict it.
    """
    kept: dict[str, Row] = {}
    contradicting = []
    for row in versions.to_dicts():
        earlier = kept.setdefault(row["conversation_id"], row)
        if extends(row, earlier) and not extends(earlier, row):
            kept[row["conversation_id"]] = row
        elif not extends(earlier, row):
            contradicting.append(row)
    return pl.DataFrame(list(kept.values()), schema=versions.schema), pl.DataFrame(contradicting, schema=versions.schema)


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


def as_record(row: Row) -> Row:
    """A redacted row as the log record that it came from, without what is null: for quarantine."""
    record = {
        name: row[name] for name in CONVERSATIONS.columns if name not in {"dt", "redactions", "source_file", "source_line"}
    }
    return {name: _without_nulls(value) for name, value in record.items() if value is not None}


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
