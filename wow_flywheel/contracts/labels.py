"""Tables of judgements: findings of rules, satisfaction, inspections, verdicts, cases, and how good they are.

What belongs here: the tables between the conversations and the training data. What does not: what people decide (`people`),
training data (`learning`).
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.contract import Contract
from wow_flywheel.contracts.vocabulary import ISSUE_TYPES, LABELS, SEVERITIES, TIMESTAMP

RULE_FINDINGS: Final = Contract(
    name="rule_findings",
    version=1,
    grain="one finding of one rule at one turn",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "scenario": pl.String,
        "rule_id": pl.String,
        "rule_version": pl.String,
        "issue_type": pl.String,
        "severity": pl.String,
        "turn": pl.Int64,
        "quote": pl.String,
        "evidence": pl.String,
    },
    required=("dt", "conversation_id", "rule_id", "rule_version", "issue_type", "severity", "turn", "quote"),
    key=("conversation_id", "rule_id", "turn", "quote"),
    pattern={"issue_type": ISSUE_TYPES, "severity": SEVERITIES},
)

SATISFACTION: Final = Contract(
    name="satisfaction",
    version=1,
    grain="the satisfaction signals of one conversation",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "explicit": pl.Boolean,
        "asked_for_human": pl.Boolean,
        "complained": pl.Boolean,
        "abandoned": pl.Boolean,
        "repeat_contact": pl.Boolean,
        "thanked": pl.Boolean,
        "repeated_reply": pl.Boolean,
        "satisfied": pl.Boolean,
        "dissatisfied": pl.Boolean,
        "satisfied_score": pl.Float64,
        "reasons": pl.List(pl.String),
    },
    required=("dt", "conversation_id", "scenario", "satisfied", "dissatisfied", "satisfied_score", "repeated_reply"),
    key=("conversation_id",),
)

SATISFACTION_DAILY: Final = Contract(
    name="satisfaction_daily",
    version=1,
    grain="one scenario on one day; scenario '*' is the whole day",
    columns={
        "dt": pl.Date,
        "scenario": pl.String,
        "conversations": pl.Int64,
        "usm1": pl.Float64,
        "usm2": pl.Float64,
        "rr": pl.Float64,
    },
    required=("dt", "scenario", "conversations"),
    key=("scenario",),
)

ATTEMPT: Final = "instruction_attempt"
"""Found beside the issue types: some text in the conversation tries to instruct whoever judges it."""

INSPECTIONS: Final = Contract(
    name="inspections",
    version=3,
    grain="one claim of one inspector about one turn, with the adjudication",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "scenario": pl.String,
        "inspector": pl.String,
        "inspector_version": pl.String,
        "kind": pl.String,
        "issue_type": pl.String,
        "severity": pl.String,
        "turn": pl.Int64,
        "quote": pl.String,
        "explanation": pl.String,
        "confidence": pl.Float64,
        "decision": pl.String,
        "decision_reason": pl.String,
        "adjudication": pl.String,
        "decided_by": pl.String,
        "llm_model": pl.String,
        "llm_parameters": pl.String,
        "prompt_hash": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "cost_usd": pl.Float64,
    },
    required=(
        "dt", "conversation_id", "inspector", "inspector_version", "kind", "issue_type", "severity", "turn", "quote",
        "confidence", "decision",
    ),
    pattern={
        "issue_type": (*ISSUE_TYPES, ATTEMPT),
        "severity": SEVERITIES,
        "kind": ("deterministic", "llm"),
        "decision": ("accepted", "rejected", "unresolved"),
        "adjudication": ("accepted", "rejected", "unresolved"),
    },
)  # fmt: skip

VERDICTS: Final = Contract(
    name="verdicts",
    version=1,
    grain="what inspection concludes about one conversation as a whole",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "scenario": pl.String,
        "solved_score": pl.Float64,
        "satisfied_score": pl.Float64,
        "confidence": pl.Float64,
        "evidence": pl.List(pl.String),
        "inspected_by": pl.String,
        "failures": pl.List(pl.String),
    },
    required=("dt", "conversation_id", "solved_score", "satisfied_score", "confidence", "inspected_by"),
    key=("conversation_id",),
)

PANEL_CALLS: Final = Contract(
    name="panel_calls",
    version=1,
    grain="one question to the LLM panel about one conversation, with its answer, what code checked, and what it cost",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "step": pl.String,
        "window": pl.Int64,
        "outcome": pl.String,
        "prompt": pl.String,
        "reply": pl.String,
        "checks": pl.List(pl.String),
        "decision": pl.String,
        "llm_model": pl.String,
        "prompt_hash": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "cost_usd": pl.Float64,
        "latency_s": pl.Float64,
        "answered_at": pl.String,
    },
    required=("dt", "conversation_id", "step", "window", "outcome", "prompt", "llm_model"),
)

AUDIT: Final = Contract(
    name="inspection_audit",
    version=1,
    grain="one issue type on one day, in the random sample of conversations that the panel inspects whatever they look like",
    columns={
        "dt": pl.Date,
        "issue_type": pl.String,
        "sampled": pl.Int64,
        "inspected": pl.Int64,
        "found": pl.Int64,
        "rate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
    },
    required=("dt", "issue_type", "sampled", "inspected", "found"),
    key=("issue_type",),
)

CASES: Final = Contract(
    name="cases",
    version=1,
    grain="the label of one conversation, with the reasons that decided it",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "label": pl.String,
        "reasons": pl.List(pl.String),
        "solved_score": pl.Float64,
        "satisfied_score": pl.Float64,
        "issue_types": pl.List(pl.String),
        "decided_by": pl.String,
    },
    required=("dt", "conversation_id", "user_id", "scenario", "label", "reasons", "solved_score", "satisfied_score"),
    key=("conversation_id",),
    pattern={"label": LABELS},
)

CALIBRATION: Final = Contract(
    name="calibration",
    version=1,
    grain="how good one inspector was at one issue type, on one kind of evidence",
    columns={
        "dt": pl.Date,
        "basis": pl.String,
        "locale": pl.String,
        "inspector": pl.String,
        "issue_type": pl.String,
        "defects": pl.Int64,
        "found": pl.Int64,
        "claims": pl.Int64,
        "upheld": pl.Int64,
        "recall": pl.Float64,
        "recall_low": pl.Float64,
        "recall_high": pl.Float64,
        "precision": pl.Float64,
        "precision_low": pl.Float64,
        "precision_high": pl.Float64,
        "kappa": pl.Float64,
    },
    required=("dt", "basis", "locale", "inspector", "issue_type", "defects", "found", "claims", "upheld"),
    key=("basis", "locale", "inspector", "issue_type"),
    pattern={"basis": ("planted", "people"), "issue_type": (*ISSUE_TYPES, "*")},
)

TRIAGE: Final = Contract(
    name="triage",
    version=1,
    grain="how much one conversation needs inspection, by a learned estimate that decides no label",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "scenario": pl.String,
        "dissatisfied_risk": pl.Float64,
        "unsolved_risk": pl.Float64,
        "need_rank": pl.Int64,
        "trained_on": pl.Int64,
    },
    required=("dt", "conversation_id", "need_rank", "trained_on"),
    key=("conversation_id",),
)

STALE_CASES: Final = Contract(
    name="stale_cases",
    version=1,
    grain="one policy that has changed since one conversation was judged: its case and its pairs wait for a rerun of the day",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "policy_id": pl.String,
        "old_version": pl.String,
        "new_version": pl.String,
        "why": pl.String,
        "marked_at": TIMESTAMP,
    },
    required=("dt", "conversation_id", "policy_id", "why", "marked_at"),
    key=("conversation_id", "policy_id"),
    pattern={"why": ("changed", "gone", "new")},
)

POLICIES_KNOWN: Final = Contract(
    name="policies_known",
    version=1,
    grain="one scenario of one policy that was in force when the conversations of a day were matched",
    columns={"dt": pl.Date, "policy_id": pl.String, "scenario": pl.String, "policy_version": pl.String},
    required=("dt", "policy_id", "scenario", "policy_version"),
    key=("policy_id", "scenario"),
)

POLICY_MATCHES: Final = Contract(
    name="policy_matches",
    version=1,
    grain="one policy that one conversation was to follow, as recognised from what was said and called",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "scenario": pl.String,
        "recognised": pl.String,
        "policy_id": pl.String,
        "policy_version": pl.String,
        "rank": pl.Int64,
        "confidence": pl.Float64,
    },
    required=("dt", "conversation_id", "recognised", "policy_id", "policy_version", "rank", "confidence"),
    key=("conversation_id", "policy_id"),
)
