"""The tables: one contract each, with a version, a drift mode and the columns that may not be null.

What belongs here: names, types and promises of every Delta table. What does not: reading and writing (`lake`), the rules that
fill a table (its stage). A change that a reader can notice raises the contract's `version`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import polars as pl

from wow_flywheel.errors import ContractError

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


class Drift(StrEnum):
    """What happens to a column that the contract does not know."""

    EVOLVE = "evolve"
    """The column is added to the table."""
    FREEZE = "freeze"
    """The write is refused with a `ContractError`."""
    DISCARD = "discard_value"
    """The value is dropped; the row stays."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a table promises.

    Attributes:
        name: The table's name, also its folder under `WOW_LAKE_URI`.
        version: Raised when a reader can notice the change.
        grain: What one row is.
        columns: Polars type by column name, in the order of the table.
        required: Columns that are never null.
        key: Columns whose values together are unique within a partition; empty where rows may repeat.
        partition: The column by which a part of the table is replaced: `dt`, or `cycle`.
        drift: What happens to a column that the contract does not know.
    """

    name: str
    version: int
    grain: str
    columns: dict[str, pl.DataType | type[pl.DataType]]
    required: tuple[str, ...]
    key: tuple[str, ...] = ()
    partition: str = "dt"
    drift: Drift = Drift.FREEZE
    pattern: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Closed sets of values by column."""

    def empty(self) -> pl.DataFrame:
        """A frame of no rows with the table's columns."""
        return pl.DataFrame(schema=self.columns)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly the table's columns, in order and of the right types.

        Missing nullable columns are filled with nulls. Unknown columns follow the drift mode.

        Raises:
            ContractError: A required column is missing or has nulls, a type cannot be cast, a value is outside its closed
                set, a key repeats, or an unknown column meets the mode `freeze`.
        """
        unknown = [name for name in frame.columns if name not in self.columns]
        if unknown and self.drift is Drift.FREEZE:
            raise ContractError(
                f"table {self.name} v{self.version} does not know the columns {unknown}",
                hint="add them to its contract and raise the version, or drop them before the write",
            )
        absent = [name for name in self.columns if name not in frame.columns]
        filled = frame.with_columns(pl.lit(None).cast(self.columns[name]).alias(name) for name in absent)
        kept = [*self.columns, *(unknown if self.drift is Drift.EVOLVE else [])]
        try:
            shaped = filled.select(kept).cast(pl.Schema(self.columns))
        except pl.exceptions.PolarsError:
            shaped = None
        if shaped is None:  # outside the handler: Polars quotes values in its message, and a cause would show them
            raise ContractError(
                f"table {self.name} v{self.version}: a column has the wrong type: {self._misfits(filled)}",
                hint="cast or map it before the write",
            )
        self._check(shaped)
        return shaped

    def _misfits(self, frame: pl.DataFrame) -> str:
        """The columns that do not cast to their type, without their values."""
        said = []
        for name, dtype in self.columns.items():
            try:
                frame[name].cast(dtype)
            except pl.exceptions.PolarsError:
                said.append(f"{name} is {frame[name].dtype}, not {dtype}")
        return "; ".join(said)

    def _check(self, frame: pl.DataFrame) -> None:
        nulls = [name for name in self.required if frame[name].null_count()]
        if nulls:
            raise ContractError(
                f"table {self.name} v{self.version}: nulls in required columns {nulls}",
                hint="rows without these values belong in quarantine",
            )
        for column, allowed in self.pattern.items():
            strange = frame[column].drop_nulls().is_in(list(allowed)).not_().sum()
            if strange:
                raise ContractError(
                    f"table {self.name} v{self.version}: {strange} values of {column} are not among {list(allowed)}",
                    hint="map them before the write",
                )
        if self.key and frame.select(pl.struct(self.partition, *self.key).is_duplicated().any()).item():
            raise ContractError(
                f"table {self.name} v{self.version}: the key {list(self.key)} repeats",
                hint="keep one row a key before the write",
            )


CONVERSATIONS: Final = Contract(
    name="conversations",
    version=2,
    grain="one conversation, redacted",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "channel": pl.String,
        "scenario": pl.String,
        "locale": pl.String,
        "model": pl.String,
        "started_at": TIMESTAMP,
        "ended_at": TIMESTAMP,
        "messages": pl.List(MESSAGE),
        "feedback": FEEDBACK,
        "extra": pl.String,
        "redactions": pl.Int64,
        "source_file": pl.String,
        "source_line": pl.Int64,
    },
    required=("dt", "conversation_id", "user_id", "scenario", "started_at", "ended_at", "messages"),
    key=("conversation_id",),
)

QUARANTINE: Final = Contract(
    name="quarantine",
    version=2,
    grain="one input line that could not be read or broke the contract, redacted",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "source_file": pl.String,
        "source_line": pl.Int64,
        "byte_offset": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "redacted_line": pl.String,
    },
    required=("dt", "source_file", "source_line", "reason"),
    key=("source_file", "source_line"),
)

FEEDBACK_LINES: Final = Contract(
    name="feedback",
    version=1,
    grain="one log line that only says what a customer thought of a conversation, of this day or an earlier one",
    columns={
        "dt": pl.Date,
        "rated_conversation_id": pl.String,
        "thumb": pl.String,
        "score": pl.Float64,
        "comment": pl.String,
        "source_file": pl.String,
        "source_line": pl.Int64,
    },
    required=("dt", "rated_conversation_id", "source_file", "source_line"),
    key=("source_file", "source_line"),
    pattern={"thumb": ("up", "down")},
)

LOG_FILES: Final = Contract(
    name="log_files",
    version=1,
    grain="one log file outside the days' folders, with the days that its lines are of; the latest row of a path counts",
    columns={
        "dt": pl.Date,
        "path": pl.String,
        "size": pl.Int64,
        "token": pl.String,
        "days": pl.List(pl.Struct({"day": pl.Date, "lines": pl.Int64})),
        "unreadable": pl.Int64,
        "timezone": pl.String,
        "method": pl.String,
        "seen_at": TIMESTAMP,
    },
    required=("dt", "path", "size", "token", "days", "unreadable", "timezone", "method", "seen_at"),
    key=("path",),
)

FINGERPRINTS: Final = Contract(
    name="fingerprints",
    version=1,
    grain="what later days need to see that a conversation of theirs repeats this one",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "started_at": TIMESTAMP,
        "algorithm": pl.String,
        "exact_hash": pl.String,
        "template_hash": pl.String,
        "bands": pl.List(pl.Int64),
        "signature": pl.Binary,
    },
    required=("dt", "conversation_id", "started_at", "algorithm", "exact_hash", "template_hash"),
    key=("conversation_id",),
)

DUPLICATES: Final = Contract(
    name="duplicates",
    version=1,
    grain="one conversation that repeats an earlier one, exactly or nearly; training data leave it out",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "kind": pl.String,
        "of_dt": pl.Date,
        "of_conversation_id": pl.String,
        "similarity": pl.Float64,
    },
    required=("dt", "conversation_id", "kind", "of_dt", "of_conversation_id", "similarity"),
    key=("conversation_id",),
    pattern={"kind": ("exact", "near")},
)

FORGOTTEN: Final = Contract(
    name="forgotten",
    version=1,
    grain="one person whose conversations were deleted, and whose log records are ignored from then on",
    columns={
        "dt": pl.Date,
        "user_hash": pl.String,
        "salt": pl.String,
        "forgotten_at": TIMESTAMP,
        "cycles": pl.List(pl.String),
    },
    required=("dt", "user_hash", "salt", "forgotten_at", "cycles"),
)

VAULT: Final = Contract(
    name="vault",
    version=1,
    grain="one value that redaction replaced, encrypted; under WOW_VAULT_URI, never in the lake",
    columns={"dt": pl.Date, "conversation_id": pl.String, "placeholder": pl.String, "ciphertext": pl.Binary},
    required=("dt", "conversation_id", "placeholder", "ciphertext"),
    key=("conversation_id", "placeholder"),
)

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

INSPECTIONS: Final = Contract(
    name="inspections",
    version=1,
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
        "issue_type": ISSUE_TYPES,
        "severity": SEVERITIES,
        "kind": ("deterministic", "llm"),
        "decision": ("accepted", "rejected", "unresolved"),
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

REWRITE_CANDIDATES: Final = Contract(
    name="rewrite_candidates",
    version=1,
    grain="one candidate rewrite of one Bad Case turn, accepted or not, with the reason",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "candidate": pl.String,
        "accepted": pl.Boolean,
        "reason": pl.String,
    },
    required=("dt", "conversation_id", "turn", "issue_type", "source", "candidate", "accepted", "reason"),
)

PREFERENCE_PAIRS: Final = Contract(
    name="preference_pairs",
    version=1,
    grain="one preference pair at the turn of a Bad Case that went wrong",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "prompt": pl.List(MESSAGE),
        "chosen": pl.String,
        "rejected": pl.String,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "verified_by": pl.String,
    },
    required=(
        "dt", "conversation_id", "pair_id", "user_id", "scenario", "turn", "issue_type", "prompt", "chosen", "rejected",
        "source", "verified_by",
    ),
    key=("pair_id",),
    pattern={"issue_type": ISSUE_TYPES},
)  # fmt: skip

SFT_DATASET: Final = Contract(
    name="sft_dataset",
    version=1,
    grain="one training dialogue of a cycle, as chat messages whose assistant turns are unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "split": pl.String,
        "messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
    },
    required=("cycle", "dt", "conversation_id", "user_id", "scenario", "split", "messages"),
    key=("conversation_id",),
    partition="cycle",
    pattern={"split": ("train", "held_out")},
)

PREFERENCE_DATASET: Final = Contract(
    name="preference_dataset",
    version=1,
    grain="one preference pair of a cycle: prompt messages, chosen and rejected unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "issue_type": pl.String,
        "split": pl.String,
        "prompt": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "chosen": pl.String,
        "rejected": pl.String,
    },
    required=("cycle", "dt", "conversation_id", "pair_id", "user_id", "issue_type", "split", "prompt", "chosen", "rejected"),
    key=("pair_id",),
    partition="cycle",
    pattern={"split": ("train", "held_out")},
)

EVALUATIONS: Final = Contract(
    name="evaluations",
    version=1,
    grain="one metric of one model in one cycle, with its 95 % confidence interval",
    columns={
        "cycle": pl.String,
        "model": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "higher_is_better": pl.Boolean,
        "kind": pl.String,
    },
    required=("cycle", "model", "metric", "n", "higher_is_better", "kind"),
    key=("model", "metric"),
    partition="cycle",
    pattern={"kind": ("simulated", "offline")},
)

COMPARISONS: Final = Contract(
    name="comparisons",
    version=1,
    grain="candidate minus baseline for one metric in one cycle, paired by episode, with its 95 % bootstrap interval",
    columns={
        "cycle": pl.String,
        "baseline": pl.String,
        "candidate": pl.String,
        "metric": pl.String,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "higher_is_better": pl.Boolean,
        "kind": pl.String,
    },
    required=("cycle", "baseline", "candidate", "metric", "n", "higher_is_better", "kind"),
    key=("baseline", "candidate", "metric"),
    partition="cycle",
    pattern={"kind": ("simulated", "offline")},
)

TABLES: Final = {
    contract.name: contract
    for contract in (
        CONVERSATIONS, QUARANTINE, FEEDBACK_LINES, LOG_FILES, FINGERPRINTS, DUPLICATES, RULE_FINDINGS, SATISFACTION, SATISFACTION_DAILY,
        INSPECTIONS, VERDICTS, CASES, DECISIONS, REWRITE_CANDIDATES, PREFERENCE_PAIRS, SFT_DATASET, PREFERENCE_DATASET,
        EVALUATIONS, COMPARISONS, FORGOTTEN, VAULT,
    )
}  # fmt: skip
"""Every table of the lake by name."""
