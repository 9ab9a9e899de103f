"""Satisfaction signals of each conversation, and USM 1, USM 2 and RR of a day: both defined in `sql/metrics/`.

What belongs here: binding frames to those files. What does not: what counts as a signal, which only the SQL says.
"""

import polars as pl

from wow_flywheel.contracts import SATISFACTION, SATISFACTION_DAILY
from wow_flywheel.dialogue import turns
from wow_flywheel.queries import Session, load, run


def signals(conversations: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The satisfaction signals of a day's conversations.

    Args:
        conversations: Contract `conversations`, one day.
        later: Conversations of the following day, contract `conversations`, for repeat contact; may be empty.

    Returns:
        Contract `satisfaction`; satisfied_score is 0 to 1 with 0.5 for no signal.
    """
    if conversations.is_empty():
        return SATISFACTION.empty()
    contacts = pl.concat(
        [frame.select("conversation_id", "user_id", "scenario", "started_at") for frame in (conversations, later)]
    )
    frames = {"conversations": conversations.drop("messages"), "turns": turns(conversations), "later": contacts}
    with Session(frames) as session:
        session.materialise("replies", load("relations/10_replies"))
        return SATISFACTION.conform(session.run(load("metrics/signals")))


def daily(satisfaction: pl.DataFrame) -> pl.DataFrame:
    """USM 1, USM 2 and RR per scenario and for the whole day (scenario `*`); contract `satisfaction_daily`."""
    if satisfaction.is_empty():
        return SATISFACTION_DAILY.empty()
    return SATISFACTION_DAILY.conform(run(load("metrics/usm_daily"), {"satisfaction": satisfaction.drop("reasons")}))
