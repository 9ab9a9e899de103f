"""Labelled conversations and preference pairs of named customers, for the tests of datasets."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import CASES, CONVERSATIONS, PREFERENCE_PAIRS
from wow_flywheel.dialogue import Message
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, frame
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

HELD_OUT_CUSTOMER = "eli"
"""`printf %s wow_flywheel:eli | sha256sum` begins with 13de, which is below 3333, a fifth of all."""
TRAINED_ON = ("ada", "bo", "cy")
ASK = '{"knowledge":[],"reply":"Which order?","action":null}'
ACT = '{"knowledge":[],"reply":null,"action":{"name":"refund","arguments":{"order":7}}}'
DONE = '{"knowledge":[],"reply":"Done.","action":null}'
TALK = [user("Refund, please."), agent("Which order?"), user("7"), call("refund", order=7), tool(ok=True), agent("Done.")]


def conversation(conversation_id: str, user_id: str, messages: list[Message] | None = None, **columns: Any) -> dict[str, Any]:
    times = {"started_at": NOON, "ended_at": NOON}
    row = {"conversation_id": conversation_id, "user_id": user_id, "scenario": "refund", "messages": messages or TALK}
    return row | times | columns


def conversations(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(CONVERSATIONS, *rows)


def labels(label: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """A case with this label for each conversation."""
    rest = {"label": label, "reasons": ["why"], "solved_score": 0.9, "satisfied_score": 0.9, "issue_types": []}
    cases = [{name: row[name] for name in ("conversation_id", "user_id", "scenario")} | rest for row in rows]
    return frame(CASES, *({"dt": row.get("dt", DAY)} | case for row, case in zip(rows, cases, strict=True)))


def pair(pair_id: str, user_id: str, prompt: list[Message] | None = None, **columns: Any) -> dict[str, Any]:
    row = {
        "conversation_id": pair_id.partition("#")[0], "pair_id": pair_id, "user_id": user_id, "scenario": "refund", "turn": 1,
        "issue_type": "unclarified_demand", "prompt": prompt or TALK[:1], "chosen": ASK, "rejected": DONE,
        "source": "good_case", "source_conversation_id": "c9", "verified_by": "rules+evidence",
    }  # fmt: skip
    return row | columns


def pairs(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(PREFERENCE_PAIRS, *rows)


def next_day(days: int = 1) -> dt.date:
    return DAY + dt.timedelta(days=days)
