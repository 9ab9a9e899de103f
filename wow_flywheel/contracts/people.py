"""Tables of what people decide: the label of a case, whether a finding holds, what the assistant should have said.

What belongs here: tables to which people's words are only ever added; no run rewrites them. What does not: what runs make of
them (`labels`, `learning`).
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.contract import Contract
from wow_flywheel.contracts.labels import ATTEMPT
from wow_flywheel.contracts.vocabulary import ISSUE_TYPES, LABELS, TIMESTAMP

DECISIONS: Final = Contract(
    name="decisions",
    version=1,
    grain="one decision of a person about one conversation; the latest wins, none is ever rewritten",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "label": pl.String,
        "decided_by": pl.String,
        "decided_at": TIMESTAMP,
        "note": pl.String,
    },
    required=("dt", "conversation_id", "label", "decided_by", "decided_at"),
    pattern={"label": LABELS},
)

FINDING_DECISIONS: Final = Contract(
    name="finding_decisions",
    version=1,
    grain="one decision of a person about one finding, whoever claims it; the latest wins, none is ever rewritten",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "quote": pl.String,
        "decision": pl.String,
        "decided_by": pl.String,
        "decided_at": TIMESTAMP,
        "note": pl.String,
    },
    required=("dt", "conversation_id", "turn", "issue_type", "quote", "decision", "decided_by", "decided_at"),
    pattern={"issue_type": (*ISSUE_TYPES, ATTEMPT), "decision": ("accepted", "rejected")},
)

REWRITE_EDITS: Final = Contract(
    name="rewrite_edits",
    version=1,
    grain="what a person says the assistant should have said at one turn; the latest of a turn wins, none is ever rewritten",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "chosen": pl.String,
        "decided_by": pl.String,
        "decided_at": TIMESTAMP,
        "note": pl.String,
    },
    required=("dt", "conversation_id", "turn", "issue_type", "chosen", "decided_by", "decided_at"),
    pattern={"issue_type": ISSUE_TYPES},
)
