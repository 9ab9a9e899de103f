"""What rules find in the conversations of `unit/inspection/talk.py`: `found` runs them, `raw_call` and `step` make
messages."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from wow_flywheel.dialogue import Message
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.overrides import EVERY, NONE, Overrides
from wow_flywheel.rules.registry import load_rules
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, day

Finding = tuple[str, int, str]


def raw_call(name: str, arguments: str, call_id: str = "c1") -> Message:
    """A tool call with its arguments as logged, JSON or not."""
    return {"role": "assistant", "content": None, "tool_calls": [{"id": call_id, "name": name, "arguments": arguments}]}


def step(reply_id: str, text: str) -> Message:
    """A reply that takes a step of the procedure."""
    return {"role": "assistant", "content": text, "action": reply_id}


def said(message: Message) -> str:
    """All that a message shows: its text, and the names and arguments of its calls."""
    calls = message.get("tool_calls") or []
    return "\n".join([message.get("content") or "", *(f"{made['name']} {made['arguments']}" for made in calls)])


def units(contents: Iterable[Any] = ()) -> pl.DataFrame:
    """Knowledge units from their texts, or from titles and contents."""
    said = [text if isinstance(text, dict) else {"title": "unit", "content": text} for text in contents]
    rows = [{"unit_id": f"k{i}", **unit} for i, unit in enumerate(said)]
    return pl.DataFrame(rows, schema=KNOWLEDGE)


def procedure(steps: Iterable[tuple[str, str]] = ()) -> pl.DataFrame:
    """A procedure for the scenario `refund` from pairs of a step and the step that follows it."""
    rows = [
        {"policy_id": "p", "scenario": "refund", "reply_id": lead, "text": "say so", "next_reply_id": follower}
        for lead, follower in steps
    ]
    return pl.DataFrame(rows, schema=PROCEDURES)


def findings(
    *conversations: list[Message],
    knowledge: Iterable[Any] = (),
    steps: Iterable[tuple[str, str]] = (),
    overrides: Overrides = NONE,
) -> pl.DataFrame:
    return find(day(*conversations), units(knowledge), procedure(steps), overrides)


def alone(rule_id: str) -> Overrides:
    """One rule on, all others off."""
    return Overrides({EVERY: {rule.rule_id: None for rule in load_rules() if rule.rule_id != rule_id}})


def found(
    rule_id: str, *conversations: list[Message], knowledge: Iterable[Any] = (), steps: Iterable[tuple[str, str]] = ()
) -> list[Finding]:
    """Conversation (`talk-0`, `talk-1`, …), turn and quote of each finding of one rule; all others are off."""
    rows = findings(*conversations, knowledge=knowledge, steps=steps, overrides=alone(rule_id))
    return rows.select("conversation_id", "turn", "quote").rows()
