"""The tables: one contract each, with a version, a drift mode and the columns that may not be null.

What belongs here: names, types and promises of every Delta table, by stage. What does not: reading and writing (`lake`), the
rules that fill a table (its stage). A change that a reader can notice raises the contract's `version`.
"""

from typing import Final

from wow_flywheel.contracts.contract import Contract, Drift
from wow_flywheel.contracts.conversations import (
    CONVERSATIONS,
    DUPLICATES,
    FEEDBACK_LINES,
    FINGERPRINTS,
    FORGOTTEN,
    LOG_FILES,
    QUARANTINE,
    VAULT,
)
from wow_flywheel.contracts.evaluations import (
    COMPARISON_SLICES,
    COMPARISONS,
    EVALUATIONS,
    KNOWLEDGE_ABLATION,
    SINGLE_ISSUE_DPO,
)
from wow_flywheel.contracts.labels import (
    ATTEMPT,
    AUDIT,
    CALIBRATION,
    CASES,
    INSPECTIONS,
    PANEL_CALLS,
    POLICIES_KNOWN,
    POLICY_MATCHES,
    RULE_FINDINGS,
    SATISFACTION,
    SATISFACTION_DAILY,
    STALE_CASES,
    TRIAGE,
    VERDICTS,
)
from wow_flywheel.contracts.learning import (
    CYCLE_INPUTS,
    DATASET_ROWS,
    INPUT_LINES,
    LABELLED_DATASET,
    PREFERENCE_DATASET,
    PREFERENCE_PAIRS,
    REWRITE_CANDIDATES,
    SFT_DATASET,
)
from wow_flywheel.contracts.people import DECISIONS, FINDING_DECISIONS, REWRITE_EDITS
from wow_flywheel.contracts.vocabulary import FEEDBACK, ISSUE_TYPES, LABELS, MESSAGE, SEVERITIES, TIMESTAMP, TOOL_CALL

__all__ = [
    "ATTEMPT",
    "AUDIT",
    "CALIBRATION",
    "CASES",
    "COMPARISONS",
    "COMPARISON_SLICES",
    "CONVERSATIONS",
    "CYCLE_INPUTS",
    "DATASET_ROWS",
    "DECISIONS",
    "DUPLICATES",
    "EVALUATIONS",
    "FEEDBACK",
    "FEEDBACK_LINES",
    "FINDING_DECISIONS",
    "FINGERPRINTS",
    "FORGOTTEN",
    "INPUT_LINES",
    "INSPECTIONS",
    "ISSUE_TYPES",
    "KNOWLEDGE_ABLATION",
    "LABELLED_DATASET",
    "LABELS",
    "LOG_FILES",
    "MESSAGE",
    "PANEL_CALLS",
    "POLICIES_KNOWN",
    "POLICY_MATCHES",
    "PREFERENCE_DATASET",
    "PREFERENCE_PAIRS",
    "QUARANTINE",
    "REWRITE_CANDIDATES",
    "REWRITE_EDITS",
    "RULE_FINDINGS",
    "SATISFACTION",
    "SATISFACTION_DAILY",
    "SEVERITIES",
    "SFT_DATASET",
    "SINGLE_ISSUE_DPO",
    "STALE_CASES",
    "TABLES",
    "TIMESTAMP",
    "TOOL_CALL",
    "TRIAGE",
    "VAULT",
    "VERDICTS",
    "Contract",
    "Drift",
]

TABLES: Final = {
    contract.name: contract
    for contract in (
        CONVERSATIONS, QUARANTINE, FEEDBACK_LINES, LOG_FILES, FINGERPRINTS, DUPLICATES, RULE_FINDINGS, SATISFACTION,
        SATISFACTION_DAILY, INSPECTIONS, VERDICTS, PANEL_CALLS, AUDIT, CASES, DECISIONS, FINDING_DECISIONS,
        REWRITE_EDITS, REWRITE_CANDIDATES, PREFERENCE_PAIRS, SFT_DATASET, PREFERENCE_DATASET, LABELLED_DATASET, DATASET_ROWS,
        INPUT_LINES, CYCLE_INPUTS, EVALUATIONS, COMPARISONS, COMPARISON_SLICES, KNOWLEDGE_ABLATION, SINGLE_ISSUE_DPO,
        FORGOTTEN, VAULT, POLICY_MATCHES, POLICIES_KNOWN, STALE_CASES, TRIAGE, CALIBRATION,
    )
}  # fmt: skip
"""Every table of the lake by name."""
