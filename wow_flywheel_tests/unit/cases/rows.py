"""Rows of the tables that labels follow from, each with what most tests take for granted."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import CASES, CONVERSATIONS, DECISIONS, INSPECTIONS, SATISFACTION, VERDICTS, Contract
from wow_flywheel.dialogue import Message

DAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def frame(contract: Contract, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows as a frame of the contract; columns not named are null."""
    full = [dict.fromkeys(contract.columns) | {"dt": DAY} | row for row in rows]
    return contract.conform(pl.DataFrame(full, schema=contract.columns))


def conversations(*ids: str, messages: list[Message] | None = None, **columns: Any) -> pl.DataFrame:
    rest = {"user_id": "u1", "scenario": "refund", "started_at": NOON, "ended_at": NOON, "messages": messages or []} | columns
    return frame(CONVERSATIONS, *({"conversation_id": each} | rest for each in ids))


def verdict(solved: float, satisfied: float, conversation_id: str = "a", **columns: Any) -> dict[str, Any]:
    scores = {"solved_score": solved, "satisfied_score": satisfied, "confidence": 0.9, "inspected_by": "evidence"}
    return {"conversation_id": conversation_id, **scores, "evidence": ["a tool succeeded"], "failures": [], **columns}


def signal(score: float, *reasons: str, explicit: bool = False, conversation_id: str = "a", **columns: Any) -> dict[str, Any]:
    states = {"satisfied": score > 0.5, "dissatisfied": score < 0.5, "repeated_reply": False, "explicit": explicit}
    identity = {"conversation_id": conversation_id, "user_id": "u1", "scenario": "refund"}
    return {**identity, **states, "satisfied_score": score, "reasons": list(reasons), **columns}


def claim(issue_type: str, severity: str, turn: int, decision: str = "accepted", conversation_id: str = "a") -> dict[str, Any]:
    return {
        "conversation_id": conversation_id, "scenario": "refund", "inspector": "repeats", "inspector_version": "1",
        "kind": "deterministic", "issue_type": issue_type, "severity": severity, "turn": turn, "quote": "words",
        "explanation": "said before", "confidence": 0.9, "decision": decision,
    }  # fmt: skip


def decision(label: str, hour: int, who: str = "ana", note: str | None = None, **columns: Any) -> dict[str, Any]:
    return {"conversation_id": "a", "label": label, "decided_by": who, "note": note, **columns} | {
        "decided_at": NOON.replace(hour=hour)
    }


def a_case(label: str, conversation_id: str = "a", solved: float = 0.5) -> dict[str, Any]:
    scores = {"solved_score": solved, "satisfied_score": 0.5, "issue_types": [], "decided_by": "rules"}
    return {
        "conversation_id": conversation_id,
        "user_id": "u1",
        "scenario": "refund",
        "label": label,
        "reasons": ["why"],
        **scores,
    }


def verdicts(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(VERDICTS, *({"scenario": "refund"} | row for row in rows))


def satisfaction(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(SATISFACTION, *rows)


def inspections(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(INSPECTIONS, *rows)


def decisions(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(DECISIONS, *rows)


def cases(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(CASES, *rows)
