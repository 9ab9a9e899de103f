"""People's decisions about cases: adding one, and the cases with the latest decisions on them.

What belongs here: the `decisions` table. What does not: decisions about findings (`findings`) and rewrites (`rewrites`), how
labels follow from evidence (`label`), printing. A decision is only ever added; the latest of a day's conversation wins, and no
rerun changes it.
"""

import datetime as dt

import polars as pl

from wow_flywheel.cases import typed
from wow_flywheel.contracts import DECISIONS, LABELS
from wow_flywheel.dialogue import Message
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake


def decide(lake: Lake, day: dt.date, conversation_id: str, label: str, who: str, note: str, now: dt.datetime) -> pl.DataFrame:
    """Add a person's decision about one case; see `decision`."""
    row = decision(lake, day, conversation_id, label, who, note, now)
    lake.append("decisions", row)
    return row


def decision(lake: Lake, day: dt.date, conversation_id: str, label: str, who: str, note: str, now: dt.datetime) -> pl.DataFrame:
    """A person's decision about one case, checked and not yet added.

    Args:
        lake: The tables.
        day: The conversation's day.
        conversation_id: The conversation; it must have a case on that day.
        label: One of `contracts.LABELS`.
        who: The person who decides.
        note: Why; may be empty.
        now: When, with a timezone.

    Returns:
        The row for `decisions`.

    Raises:
        DecisionError: The label is unknown, nobody is named, or the day has no such case.
    """
    if label not in LABELS:
        raise DecisionError(f"{label!r} is no label", hint=f"use one of {list(LABELS)}")
    named = typed.who(who)
    case(lake, day, conversation_id)
    return pl.DataFrame(
        {
            "dt": [day],
            "conversation_id": [conversation_id],
            "label": [label],
            "decided_by": [named],
            "decided_at": [now],
            "note": [typed.note(note, conversation(lake, day, conversation_id))],
        },
        schema=DECISIONS.columns,
    )


def case(lake: Lake, day: dt.date, conversation_id: str) -> pl.DataFrame:
    """One case as `current` gives it, a frame of one row.

    Raises:
        DecisionError: The day has no such case.
    """
    found = current(lake, day).filter(pl.col("conversation_id") == conversation_id)
    if found.is_empty():
        raise DecisionError(
            f"{day} has no case of the conversation {conversation_id!r}",
            hint=f"see `wow-flywheel review list --dt {day} --label all`, or run the job `nightly` for that day",
        )
    return found


def conversation(lake: Lake, day: dt.date, conversation_id: str) -> list[Message]:
    """The messages of a conversation; none if the day's table has lost it."""
    of_it = (pl.col("dt") == day) & (pl.col("conversation_id") == conversation_id)
    rows = lake.scan("conversations").filter(of_it).select("messages").collect()
    messages: list[Message] = rows["messages"].explode().drop_nulls().to_list()
    return messages


def current(lake: Lake, day: dt.date) -> pl.DataFrame:
    """A day's cases, contract `cases`, with the label and the name of decisions that came after the last labelling."""
    return (
        lake.read("cases", day)
        .join(latest(lake.read("decisions", day)), on=["dt", "conversation_id"], how="left")
        .with_columns(
            label=pl.coalesce("decided_label", "label"),
            decided_by=pl.coalesce("decided_by_right", "decided_by"),
        )
        .drop("decided_label", "decided_by_right", "decided_note")
        .sort("conversation_id")
    )


def latest(decisions: pl.DataFrame) -> pl.DataFrame:
    """The latest decision of each conversation of a day: dt, conversation_id, decided_by, decided_label, decided_note."""
    ordered = decisions.sort("decided_at", maintain_order=True)
    newest = ordered.unique(["dt", "conversation_id"], keep="last", maintain_order=True)
    return newest.select("dt", "conversation_id", "decided_by", decided_label="label", decided_note="note")
