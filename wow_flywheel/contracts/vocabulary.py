"""Types and closed sets of values that several tables share.

What belongs here: what a message, a tool call and feedback are; issue types, severities, labels. What does not: a table.
"""

from typing import Final

import polars as pl

TIMESTAMP: Final = pl.Datetime("us", "UTC")

ISSUE_TYPES: Final = (
    "unclarified_demand",
    "hallucination",
    "script_repetition",
    "incomplete_solution",
    "policy_violation",
    "knowledge_misuse",
    "poor_empathy",
    "action_mismatch",
)
"""The eight issue types of the report's DPO domains; the first three are named there, the others are this project's choice."""

SEVERITIES: Final = ("minor", "major", "critical")
LABELS: Final = ("good", "bad", "failed", "review")

TOOL_CALL: Final = pl.Struct({"id": pl.String, "name": pl.String, "arguments": pl.String})
"""One tool call; `arguments` is the JSON text as logged."""

MESSAGE: Final = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "created_at": TIMESTAMP,
        "action": pl.String,
        "tool_calls": pl.List(TOOL_CALL),
        "tool_call_id": pl.String,
        "usage": pl.Struct({"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}),
    }
)
"""One message in OpenAI chat form; `action` names the procedure's reply id where the log has one."""

FEEDBACK: Final = pl.Struct({"thumb": pl.String, "score": pl.Float64, "comment": pl.String})
"""Explicit feedback: `thumb` is up or down, `score` is a CSAT rating from 1 to 5."""
