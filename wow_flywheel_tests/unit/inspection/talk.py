"""Conversations in a few words, for the tests of inspection: `user`, `agent`, `call`, `tool` make messages, `day` a frame."""

import datetime as dt
import json
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, RULE_FINDINGS, SATISFACTION
from wow_flywheel.dialogue import Message, ToolCall
from wow_flywheel.inspection.run import Inspection, inspect

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
KNOWLEDGE = {"unit_id": pl.String, "title": pl.String, "content": pl.String}
PROCEDURES = dict.fromkeys(("policy_id", "scenario", "reply_id", "text", "next_reply_id"), pl.String)


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def agent(text: str) -> Message:
    return {"role": "assistant", "content": text}


def call(name: str, call_id: str = "c1", **arguments: Any) -> Message:
    made: ToolCall = {"id": call_id, "name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"role": "assistant", "content": None, "tool_calls": [made]}


def tool(call_id: str = "c1", /, **result: Any) -> Message:
    return {"role": "tool", "content": json.dumps(result, ensure_ascii=False), "tool_call_id": call_id}


def day(*conversations: list[Message]) -> pl.DataFrame:
    """Conversations `talk-0`, `talk-1`, … of one day."""
    rows = [
        {
            "dt": NOON.date(), "conversation_id": f"talk-{i}", "user_id": f"user-{i}", "scenario": "refund",
            "started_at": NOON, "ended_at": NOON, "messages": messages,
        }
        for i, messages in enumerate(conversations)
    ]  # fmt: skip
    schema = {name: CONVERSATIONS.columns[name] for name in ("dt", "conversation_id", "user_id", "scenario", "started_at")}
    schema |= {"ended_at": CONVERSATIONS.columns["ended_at"], "messages": CONVERSATIONS.columns["messages"]}
    return CONVERSATIONS.conform(pl.DataFrame(rows, schema=schema))


def finding(rule_id: str, issue_type: str, turn: int, quote: str, conversation_id: str = "talk-0") -> dict[str, Any]:
    return {
        "dt": NOON.date(), "conversation_id": conversation_id, "scenario": "refund", "rule_id": rule_id, "rule_version": "1",
        "issue_type": issue_type, "severity": "major", "turn": turn, "quote": quote, "evidence": "as the rule says",
    }  # fmt: skip


def signal(conversation_id: str = "talk-0", *, score: float = 0.5, **flags: bool) -> dict[str, Any]:
    """One row of `satisfaction`; flags not named are false."""
    names = ("explicit", "asked_for_human", "complained", "abandoned", "repeat_contact", "thanked", "repeated_reply")
    states = dict.fromkeys((*names, "satisfied", "dissatisfied"), False) | flags
    identity = {"dt": NOON.date(), "conversation_id": conversation_id, "user_id": "u", "scenario": "refund"}
    return identity | states | {"satisfied_score": score, "reasons": []}


def run(
    *conversations: list[Message],
    findings: list[dict[str, Any]] | None = None,
    satisfaction: list[dict[str, Any]] | None = None,
    knowledge: list[str] | None = None,
    procedure: list[str] | None = None,
    panel: Any = None,
) -> Inspection:
    """Inspect conversations with the given findings, signals, contents of knowledge units and replies of a procedure."""
    units = [{"unit_id": f"k{i}", "title": "unit", "content": text} for i, text in enumerate(knowledge or [])]
    identity = {"policy_id": "p", "scenario": "refund"}
    steps = [identity | {"reply_id": f"r{i}", "text": text} for i, text in enumerate(procedure or [])]
    return inspect(
        day(*conversations),
        rule_findings=pl.DataFrame(findings or [], schema=RULE_FINDINGS.columns),
        satisfaction=pl.DataFrame(satisfaction or [], schema=SATISFACTION.columns),
        knowledge=pl.DataFrame(units, schema=KNOWLEDGE),
        procedures=pl.DataFrame(steps, schema=PROCEDURES),
        panel=panel,
    )


def accepted(inspection: Inspection) -> list[tuple[str, int]]:
    """Issue type and turn of each accepted claim, in the order of the table."""
    rows = inspection.inspections.filter(pl.col("decision") == "accepted")
    return list(zip(rows["issue_type"].to_list(), rows["turn"].to_list(), strict=True))
